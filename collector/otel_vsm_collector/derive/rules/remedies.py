"""Rollbacks and hotfixes: which deployment each of them mends."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import DeploymentKind, FailureMethod
from otel_vsm_collector.derive.rules.aliases import node
from otel_vsm_collector.derive.rules.sequence import PAIR

_DEPLOYED = ("revision", "artifact", "version")
"""What tells that the same was deployed before."""

REVERTS = 3
"""How often what takes back is asked what it takes back itself. More often nobody goes to and fro."""


def remedies(candidates: ir.Table, order: ir.Table, reverting: ir.Table) -> ir.Table:
    """The table `remedy`: the successful rollbacks and hotfixes among the `candidates`, rows of
    `deployment_report`. `order` are the rows of `deployment_order` of all of their services and environments.

    A rollback is one by kind, or what it deploys ran before, though not right before: that would be a
    redeploy. The one that it mends came right after the one that it goes back to; a hotfix, by kind or as one
    of `reverting`, mends the one right before it. A rollback that goes back to nothing older, after a rollout
    that failed, clears up after that one, which reached nobody: it mends none.
    """
    done = order.filter(order.number.notnull())
    broken = order.filter(order.number.isnull()).select(*PAIR, "before", broken=True).distinct()
    own = done.semi_join(candidates, "id")
    candidates = (
        candidates.select("id", "kind", "started_at").join(done, "id").left_join(broken, [*PAIR, "before"])
    )
    candidates = candidates.select(*(name for name in candidates.columns if not name.endswith("_right")))
    candidates = candidates.left_join(reverting.mutate(reverting=True), "id").drop("id_right")
    for ran_before in (_ran_before(done, own, column) for column in _DEPLOYED):
        candidates = candidates.left_join(ran_before, "id").drop("id_right")
    latest = candidates.number - 1
    ran = [candidates[f"by_{column}"] for column in _DEPLOYED]
    redeploy = ibis.or_(*((number == latest).fill_null(False) for number in ran))
    earlier = [ifelse(number < latest, number, -1).fill_null(-1) for number in ran]
    target = ibis.greatest(*earlier).nullif(-1)
    rollback = (candidates.kind == DeploymentKind.ROLLBACK) | (target.notnull() & ~redeploy)
    hotfix = (candidates.kind == DeploymentKind.HOTFIX) | candidates.reverting.fill_null(False)
    before_it = ifelse(rollback & candidates.broken.fill_null(False), ibis.null("int64"), latest)
    candidates = candidates.mutate(
        method=ibis.cases((rollback, FailureMethod.ROLLBACK.value), (hotfix, FailureMethod.HOTFIX.value)),
        mended=ifelse(rollback, ibis.coalesce(target + 1, before_it), latest),
    )
    candidates = candidates.filter(candidates.method.notnull())
    mended = done.select(*PAIR, mended="number", mended_id="id")
    return candidates.left_join(mended, [*PAIR, "mended"]).select(
        "id", *PAIR, "number", "method", "started_at", "finished_at", "mended_id"
    )


def reverts(changes: ir.Table) -> ir.Table:
    """The table `change_revert` from whole changes."""
    reverts = changes.filter(changes.reverts.length() > 0).select(change_id="id", reverted="reverts")
    reverts = reverts.mutate(reverted=reverts.reverted.unnest())
    reverts = reverts.mutate(reverted=reverts.reverted.split("\n").unnest())  # a span that names several
    return reverts.select("change_id", node=node(reverts.reverted)).distinct()


def taken_back(reverts: ir.Table, names: ir.Table) -> ir.Table:
    """Which changes take work back of which (change_id, reverted_id), from rows of `change_revert` and of
    `identity`: those of the changes in question, of what these revert, and so on `REVERTS` times.

    What takes back a revert brings work again and takes none back; what takes that back does. Whoever takes
    back what nobody knows is a revert too.
    """
    named = names.select("node", reverted_id="change_id").distinct()
    every = reverts.left_join(named, "node").select("change_id", "reverted_id").distinct()
    taking = every
    for _ in range(REVERTS - 1):
        taking = every.anti_join(taking.select(reverted_id="change_id"), "reverted_id")
    return taking.filter(taking.reverted_id.notnull())


def reverting(reports: ir.Table, order: ir.Table, carried: ir.Table, taken: ir.Table) -> ir.Table:
    """The deployments (id) among `reports` that carry a change that takes back one which the deployment right
    before carried; `taken` as `taken_back` gives it."""
    after = order.filter(order.number.notnull(), order.previous_id.notnull())
    after = after.semi_join(reports, "id").select("id", "previous_id")
    candidates = after.join(carried.select("change_id", id="deployment_id"), "id").join(taken, "change_id")
    before = carried.select(previous_id="deployment_id", reverted_id="change_id")
    return candidates.semi_join(before, ["previous_id", "reverted_id"]).select("id").distinct()


def _ran_before(done: ir.Table, own: ir.Table, column: str) -> ir.Table:
    """When the revision, artifact or version of each of `own` last ran before it (id, by_<column>)."""
    known = own.filter(own[column].notnull())
    same = done.semi_join(known, [*PAIR, column])
    if column == "version":
        # Where more is known of one of the two, the version may be a label that moves.
        same = same.filter(same.revision.isnull(), same.artifact.isnull())
    runs = ibis.window(group_by=[same[name] for name in (*PAIR, column)], order_by=same.number)
    return same.select("id", **{f"by_{column}": same.number.lag().over(runs)})
