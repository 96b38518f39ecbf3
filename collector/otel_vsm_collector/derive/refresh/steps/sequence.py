"""In which order deployments of a service and environment came, and which changes they carry."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.planning import Planning, Scope
from otel_vsm_collector.derive.rules import carried, deployments, sequence
from otel_vsm_collector.derive.rules.changes import LINKS
from otel_vsm_collector.derive.rules.sequence import PAIR

MOVED = Scope("moved_deployment", ("deployment_id",))
STANDING = Scope("standing_deployment", ("deployment_id",))
REMATCHED = Scope("rematched_deployment", ("deployment_id",))
CLAIMING = Scope("claiming_deployment", ("deployment_id",))


def derive_order(plan: Planning) -> None:
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
    first = [rows.filter(rows.before_alike == 0).select(deployment_id="id") for rows in (before, now)]
    plan.scratch("starting_deployment", ibis.union(*first).semi_join(ids, "deployment_id"))
    plan.replace("deployment_order", now, scope=MOVED, columns=("id",))


def derive_ancestors(plan: Planning) -> None:
    """What deployments stand on, and the one before them that tells it did not: again for touched ones, and
    where that is another one or was touched."""
    touched, now = plan.table("touched_deployment"), plan.table("moved_order")
    before = plan.table("pair_order")
    known = before.select("id", known_id=before.stood_id.fill_null(""))
    now = now.select("id", "ancestors", "stood_id").mutate(known_id=now.stood_id.fill_null(""))
    again = ibis.union(
        now.anti_join(known, ["id", "known_id"]),
        now.semi_join(touched, now.stood_id == touched.deployment_id),
    )
    ids = plan.scratch(
        "standing_deployment",
        touched.union(again.filter(again.ancestors > 0).select(deployment_id="id"), distinct=True),
        scope="touched_deployment",
    )
    standing = now.filter(now.ancestors > 0).semi_join(ids, now.id == ids.deployment_id)
    standing = plan.scratch(
        "standing", standing.select("stood_id", deployment_id="id"), scope="standing_deployment"
    )
    both = ibis.union(standing.select("deployment_id"), standing.select(deployment_id="stood_id"))
    both = both.filter(both.deployment_id.notnull()).distinct()
    plan.scratch("standing_or_stood", both, scope="standing")
    spans = plan.pick("standing_span", "deployment_span", Scope("standing_or_stood", ("deployment_id",)))
    links = plan.pick("standing_link", "span_link", Scope("standing_span", ("trace_id", "span_id")))
    spans = spans.filter(~spans.replaced)
    ancestors = plan.scratch("standing_on", deployments.ancestors(spans, links), scope="standing_link")
    stood = ancestors.select("key", stood_id="deployment_id")
    new = ancestors.join(standing, "deployment_id").anti_join(stood, ["stood_id", "key"])
    plan.replace("ancestor_claim", new, scope=STANDING)


def derive_carried(plan: Planning, definitions: Definitions) -> None:
    """Which deployments carry which changes: again for touched ones, for those that claim a touched change,
    and for all that claim what one of these claims."""
    keys_of_touched = (plan.table(name).select("key", "method") for name in ("key_before", "key_now"))
    key = plan.scratch("touched_key", ibis.union(*keys_of_touched, distinct=True))
    plan.scratch("touched_link", key.filter(key.method == LINKS).select("key"), scope="touched_key")
    claiming = (
        plan.pick("touched_claim", "deployment_claim", Scope("touched_key", ("key", "method"))),
        plan.pick("touched_ancestor", "ancestor_claim", Scope("touched_link", ("key",))),
    )
    again = [
        plan.table("standing_deployment"),
        *(rows.select("deployment_id") for rows in claiming),
        plan.table("starting_deployment"),
    ]
    if definitions.by_time:
        report, change = tables.table("deployment_report"), tables.table("change")
        merged = carried.in_repositories(report, change, plan.table("touched_change"))
        again += [plan.table("moved_deployment"), plan.table("merged_before"), merged]
        again = [carried.beside(report, part) for part in again]
    plan.scratch("rematched_deployment", ibis.union(*again, distinct=True))
    claims = plan.pick("rematched_claim", "deployment_claim", REMATCHED)
    ancestors = plan.pick("rematched_ancestor", "ancestor_claim", REMATCHED)
    linked = ancestors.select("key", method=ibis.literal(LINKS))
    claimed = claims.select("key", "method").union(linked, distinct=True)
    plan.scratch("claimed_key", claimed, scope="rematched_claim")
    keys = plan.pick("rematched_key", "change_key", Scope("claimed_key", ("key", "method")))
    before = plan.pick("matched_before", "matched_claim", REMATCHED)
    matched = plan.scratch(
        "matched_now", carried.matched_claims(claims, ancestors, keys), scope="rematched_claim"
    )
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
