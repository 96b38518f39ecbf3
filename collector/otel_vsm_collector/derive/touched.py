"""What new spans touch: whose facts have to be computed again.

Each function takes and gives tables; a touched set may be too large, never too small.
"""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.changes import is_incident_event
from otel_vsm_collector.derive.deployments import spans_of_deployments


def touched_changes(near: ir.Table, owners: ir.Table, spans: ir.Table) -> ir.Table:
    """The changes (change_id) that have a span in a touched trace or share a work item with one.

    `near` are the spans of the touched traces, `owners` says whose traces were until now.
    """
    named = near.filter(near.change_id.notnull()).select("change_id")
    owned = owners.semi_join(near, "trace_id").select("change_id")
    items = near.filter(near.work_item_id.notnull()).select("work_item_id").distinct()
    sharing = spans.filter(spans.change_id.notnull()).semi_join(items, "work_item_id").select("change_id")
    return ibis.union(named, owned, sharing, distinct=True)


def touched_deployments(near: ir.Table) -> ir.Table:
    """The deployments (deployment_id) that the touched traces tell of."""
    return spans_of_deployments(near).select("deployment_id").distinct()


def touched_incidents(near: ir.Table) -> ir.Table:
    """The incidents (incident_id) that the touched traces tell of."""
    return near.filter(is_incident_event(near)).select("incident_id").distinct()


def linking_incidents(links: ir.Table, rollout_spans: ir.Table, deployments: ir.Table) -> ir.Table:
    """The incidents (incident_id) that link to a touched deployment's span."""
    pointed = rollout_spans.semi_join(deployments, "deployment_id")
    return links.semi_join(pointed, ["trace_id", "span_id"]).select("incident_id").distinct()
