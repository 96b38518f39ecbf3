"""What new spans touch: whose facts have to be computed again.

Each function takes and gives tables; a touched set may be too large, never too small.
"""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.changes import is_incident_event
from otel_vsm_collector.derive.rules.deployments import spans_of_deployments


def touched_changes(*sources: ir.Table) -> ir.Table:
    """The changes (change_id) that one of the sources tells of."""
    return ibis.union(*(rows.select("change_id") for rows in sources), distinct=True)


def whose(before: ir.Table, now: ir.Table, touched: ir.Table, name: str) -> ir.Table:
    """The changes (change_id) in rows of `identity` or `trace_owner`, keyed by `name`, that are not as they
    were before, and in those about what is touched.

    What hangs together by its names may be all that a repository ever had, and most of it stays as it is.
    """
    about = ibis.union(
        *(rows.semi_join(touched, touched.columns).select("change_id") for rows in (before, now))
    )
    differing = (
        one.anti_join(other, [name, "change_id"]).select("change_id")
        for one, other in ((before, now), (now, before))
    )
    return ibis.union(about, *differing)


def touched_items(spans: ir.Table) -> ir.Table:
    """The work items (work_item_id) that the touched traces tell of."""
    return spans.filter(spans.work_item_id.notnull()).select("work_item_id").distinct()


def touched_deployments(spans: ir.Table) -> ir.Table:
    """What the touched traces call the deployments that they tell of (reported_id)."""
    return spans_of_deployments(spans).select("reported_id").distinct()


def touched_incidents(spans: ir.Table) -> ir.Table:
    """The incidents (incident_id) that the touched traces tell of."""
    return spans.filter(is_incident_event(spans)).select("incident_id").distinct()


def linking_incidents(links: ir.Table, deployment_spans: ir.Table) -> ir.Table:
    """The incidents (incident_id) that link to one of the spans."""
    return links.semi_join(deployment_spans, ["trace_id", "span_id"]).select("incident_id").distinct()
