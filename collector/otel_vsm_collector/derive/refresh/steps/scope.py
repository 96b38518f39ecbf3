"""Whom the new spans touch, what was known of them, and all spans that tell of them."""

import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import touched
from otel_vsm_collector.derive.refresh.planning import Planning, Scope
from otel_vsm_collector.derive.refresh.steps.identities import TRACE
from otel_vsm_collector.derive.rules import carried, counting

CHANGE = Scope("touched_change", ("change_id",))
REPORTED = Scope("touched_reported", ("reported_id",))
REPORT = Scope("touched_report", ("incident_id",))
RELATED = Scope("related_trace", ("trace_id",))
"""The traces that anything about touched changes, deployments and incidents is in."""


def find_touched(plan: Planning, definitions: Definitions) -> None:
    sharing = plan.pick(
        "sharing_change", "change_item", Scope("touched_item", ("work_item_id",)), change_id="change_id"
    )
    change = plan.scratch("touched_change", touched.touched_changes(plan.table("identified_change"), sharing))

    plan.pick("key_before", "change_key", CHANGE)
    if definitions.by_time:
        merged = carried.in_repositories(tables.table("deployment_report"), tables.table("change"), change)
        plan.scratch("merged_before", merged)

    plan.pick("touched_identity", "identity", CHANGE)
    related = (
        plan.pick("related_alias", "alias", Scope("touched_identity", ("node",))),
        plan.pick("deployment_span_before", "deployment_span", REPORTED),
        plan.pick("incident_trace_before", "incident_trace", REPORT),
    )
    plan.scratch(
        "related_trace",
        ibis.union(plan.table(TRACE.table), *(rows.select("trace_id") for rows in related), distinct=True),
    )
    spans = plan.pick("ledger_span", "span", RELATED, **{name: name for name in tables.WORK_SPAN})
    counted = counting.counting(spans).drop("future", "impossible", "retracts")
    related_span = plan.scratch("related_span", definitions.with_defaults(counted))
    key = ("trace_id", "span_id")
    plan.scratch("left_out_span", spans.select(*key).anti_join(related_span, key))
    plan.pick("related_link", "span_link", RELATED)
