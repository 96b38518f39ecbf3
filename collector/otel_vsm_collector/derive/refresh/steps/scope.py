"""Whom the new spans touch, what was known of them, and all spans that tell of them."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import touched
from otel_vsm_collector.derive.refresh.plan import Plan, Scope
from otel_vsm_collector.derive.refresh.steps.identities import TRACE
from otel_vsm_collector.derive.rules import carried
from otel_vsm_collector.derive.rules.sequence import PAIR

CHANGE = Scope("touched_change", ("change_id",))
ROLLOUT = Scope("touched_deployment", ("deployment_id",))
REPORT = Scope("touched_report", ("incident_id",))
WIDE = Scope("wide_trace", ("trace_id",))


def find_touched(plan: Plan, definitions: Definitions) -> None:
    sharing = plan.pick(
        "sharing_change", "change_item", Scope("near_item", ("work_item_id",)), change_id="change_id"
    )
    told = (plan.table(name) for name in ("identity_before", "identity_now", "owner_before", "owner_now"))
    change = plan.scratch("touched_change", touched.touched_changes(*told, sharing))

    own = plan.pick("rollout_known", "deployment_report", ROLLOUT, ("id",))
    plan.scratch("rollout_before", own.select(*PAIR, "finished_at"))
    plan.pick("key_before", "change_key", CHANGE)
    if definitions.by_time:
        merged = carried.in_repositories(tables.table("deployment_report"), tables.table("change"), change)
        plan.scratch("merged_before", merged)

    plan.pick("touched_identity", "identity", CHANGE)
    known = (
        plan.pick("alias_known", "alias", Scope("touched_identity", ("node",))),
        plan.pick("rollout_span_known", "deployment_span", ROLLOUT),
        plan.pick("incident_trace_known", "incident_trace", REPORT),
    )
    plan.scratch(
        "wide_trace",
        ibis.union(plan.table(TRACE.table), *(rows.select("trace_id") for rows in known), distinct=True),
    )
    spans = plan.pick("wide_span_told", "span", WIDE, **{name: name for name in tables.WORK_SPAN})
    plan.scratch("wide_span", definitions.settled(spans))
    plan.pick("wide_link", "span_link", WIDE)
