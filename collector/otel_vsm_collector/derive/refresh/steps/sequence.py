"""Where deployments stand among those of their service and environment, and which changes they carry."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.plan import Plan, Scope
from otel_vsm_collector.derive.rules import carried, sequence
from otel_vsm_collector.derive.rules.sequence import PAIR

MOVED = Scope("moved_deployment", ("deployment_id",))
CLAIMING = Scope("claiming_deployment", ("deployment_id",))


def derive_order(plan: Plan) -> None:
    deployment = plan.table("touched_deployment")
    since = plan.scratch(
        "since",
        sequence.since(plan.table("rollout_before"), plan.table("touched_rollout")),
        scope="touched_deployment",
    )
    rollouts = plan.pick("pair_rollout", "deployment_report", Scope("since", PAIR))
    places = plan.pick("pair_place", "deployment_order", Scope("since", PAIR))
    moved = plan.scratch("moved", sequence.moved(rollouts, since), scope="since")
    # What is no deployment any more goes too.
    ids = plan.scratch("moved_deployment", deployment.union(moved.select(deployment_id="id"), distinct=True))
    now = plan.scratch("moved_place", sequence.sequence(moved, since, places), scope="since")
    first = [rows.filter(rows.before == 0).select(deployment_id="id") for rows in (places, now)]
    starting = ibis.union(*first).semi_join(ids, "deployment_id")
    plan.scratch("starting_deployment", starting)
    plan.replace("deployment_order", now, scope=MOVED, columns=("id",))


def derive_carried(plan: Plan, definitions: Definitions) -> None:
    """Which deployments carry which changes: again for touched ones, for those that claim a touched change,
    and for all that claim what one of these claims."""
    told = (plan.table(name).select("key", "method") for name in ("key_before", "key_now"))
    plan.scratch("touched_key", ibis.union(*told, distinct=True))
    claiming = plan.pick("touched_claim", "deployment_claim", Scope("touched_key", ("key", "method")))
    again = [
        plan.table("touched_deployment"),
        claiming.select("deployment_id"),
        plan.table("starting_deployment"),
    ]
    if definitions.by_time:
        rollout, change = tables.table("deployment_report"), tables.table("change")
        merged = carried.in_repositories(rollout, change, plan.table("touched_change"))
        again += [plan.table("moved_deployment"), plan.table("merged_before"), merged]
        again = [carried.beside(rollout, part) for part in again]
    plan.scratch("again_deployment", ibis.union(*again, distinct=True))
    asked = Scope("again_deployment", ("deployment_id",))
    claims = plan.pick("again_claim", "deployment_claim", asked)
    keys = plan.pick("again_key", "change_key", Scope("again_claim", ("key", "method")))
    before = plan.pick("claimed_before", "matched_claim", asked)
    claimed = plan.scratch("claimed_now", carried.claimed(claims, keys), scope="again_claim")
    plan.replace("matched_claim", claimed, scope=asked)
    changed = before.select("change_id").union(claimed.select("change_id"), distinct=True)
    plan.scratch("claimed_change", changed)
    by_change = ("change_id",)
    also = plan.pick("claiming_also", "matched_claim", Scope("claimed_change", by_change))
    scope = plan.scratch(
        "claiming_deployment",
        plan.table("again_deployment").union(also.select("deployment_id"), distinct=True),
    )
    # What they claim may be claimed by others that came before them.
    plan.pick("scope_claimed", "matched_claim", CLAIMING)
    plan.pick("beside_claiming", "matched_claim", Scope("scope_claimed", by_change))
    whole = plan.pick("beside_claimed", "matched_claim", Scope("beside_claiming", ("deployment_id",)))
    places = plan.pick(
        "beside_place", "deployment_order", Scope("beside_claiming", ("deployment_id",)), columns=("id",)
    )
    known = plan.pick("carried_before", "deployment_change", CLAIMING)
    found = definitions.deployment_changes(whole, places)
    carried_now = plan.scratch(
        "carried_now", found.semi_join(scope, "deployment_id"), scope="claiming_deployment"
    )
    plan.replace("deployment_change", carried_now, scope=CLAIMING)
    plan.scratch(
        "delivered_change",
        ibis.union(
            known.select("change_id"),
            carried_now.select("change_id"),
            plan.table("touched_change"),
            distinct=True,
        ),
    )
