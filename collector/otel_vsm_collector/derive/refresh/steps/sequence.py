"""In which order deployments of a service and environment came, and which changes they carry."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.plan import Plan, Scope
from otel_vsm_collector.derive.rules import carried, sequence
from otel_vsm_collector.derive.rules.sequence import PAIR

MOVED = Scope("moved_deployment", ("deployment_id",))
REMATCHED = Scope("rematched_deployment", ("deployment_id",))
CLAIMING = Scope("claiming_deployment", ("deployment_id",))


def derive_order(plan: Plan) -> None:
    deployment = plan.table("touched_deployment")
    since = plan.scratch(
        "since",
        sequence.since(plan.table("report_before"), plan.table("report_now")),
        scope="touched_deployment",
    )
    reports = plan.pick("pair_report", "deployment_report", Scope("since", PAIR))
    before = plan.pick("pair_order", "deployment_order", Scope("since", PAIR))
    moved = plan.scratch("moved_report", sequence.moved(reports, since), scope="since")
    # What is no deployment any more goes too.
    ids = plan.scratch("moved_deployment", deployment.union(moved.select(deployment_id="id"), distinct=True))
    now = plan.scratch("moved_order", sequence.sequence(moved, since, before), scope="since")
    first = [rows.filter(rows.before == 0).select(deployment_id="id") for rows in (before, now)]
    plan.scratch("starting_deployment", ibis.union(*first).semi_join(ids, "deployment_id"))
    plan.replace("deployment_order", now, scope=MOVED, columns=("id",))


def derive_carried(plan: Plan, definitions: Definitions) -> None:
    """Which deployments carry which changes: again for touched ones, for those that claim a touched change,
    and for all that claim what one of these claims."""
    keys_of_touched = (plan.table(name).select("key", "method") for name in ("key_before", "key_now"))
    plan.scratch("touched_key", ibis.union(*keys_of_touched, distinct=True))
    claiming = plan.pick("touched_claim", "deployment_claim", Scope("touched_key", ("key", "method")))
    again = [
        plan.table("touched_deployment"),
        claiming.select("deployment_id"),
        plan.table("starting_deployment"),
    ]
    if definitions.by_time:
        report, change = tables.table("deployment_report"), tables.table("change")
        merged = carried.in_repositories(report, change, plan.table("touched_change"))
        again += [plan.table("moved_deployment"), plan.table("merged_before"), merged]
        again = [carried.beside(report, part) for part in again]
    plan.scratch("rematched_deployment", ibis.union(*again, distinct=True))
    claims = plan.pick("rematched_claim", "deployment_claim", REMATCHED)
    keys = plan.pick("rematched_key", "change_key", Scope("rematched_claim", ("key", "method")))
    before = plan.pick("matched_before", "matched_claim", REMATCHED)
    matched = plan.scratch("matched_now", carried.matched_claims(claims, keys), scope="rematched_claim")
    plan.replace("matched_claim", matched, scope=REMATCHED)
    changed = before.select("change_id").union(matched.select("change_id"), distinct=True)
    plan.scratch("matched_change", changed)
    by_change = ("change_id",)
    also = plan.pick("claiming_also", "matched_claim", Scope("matched_change", by_change))
    scope = plan.scratch(
        "claiming_deployment",
        plan.table("rematched_deployment").union(also.select("deployment_id"), distinct=True),
    )
    # What they claim may be claimed by others that came before them.
    plan.pick("claiming_match", "matched_claim", CLAIMING)
    plan.pick("beside_claiming", "matched_claim", Scope("claiming_match", by_change))
    beside = Scope("beside_claiming", ("deployment_id",))
    every_claim = plan.pick("beside_match", "matched_claim", beside)
    order = plan.pick("beside_order", "deployment_order", beside, ("id",))
    carried_before = plan.pick("carried_before", "deployment_change", CLAIMING)
    every_change = definitions.deployment_changes(every_claim, order)
    carried_now = plan.scratch(
        "carried_now", every_change.semi_join(scope, "deployment_id"), scope="claiming_deployment"
    )
    plan.replace("deployment_change", carried_now, scope=CLAIMING)
    plan.scratch(
        "delivered_change",
        ibis.union(
            carried_before.select("change_id"),
            carried_now.select("change_id"),
            plan.table("touched_change"),
            distinct=True,
        ),
    )
