"""All that happened to one change: its runs, approvals, deployments, and the incidents that came of these.

Each is a question about a change by its id.
"""

import ibis.expr.types as ir

from otel_vsm_collector.facts.selection import Selection, fact
from otel_vsm_collector.figures.lists.deployments import described

RUN = (
    *("stage_name", "stage_type", "leg", "service", "environment", "team", "actor_type", "revision"),
    *("pipeline_run", "attempt", "execution_id", "result", "started_at", "ended_at", "queue_s", "wait_s"),
    *("trace_id", "span_id"),
)


def trace(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    """(trace_id): the change's own trace."""
    rows = selection.table("change")
    return rows.filter(rows.id == change_id).select("trace_id")


def runs(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    """The runs of its stages, the first first."""
    rows = selection.table("stage_run")
    return rows.filter(rows.change_id == change_id).select(*RUN).order_by("started_at", "ended_at", "span_id")


def approvals(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    """Who was asked for it, and what was answered when."""
    rows = fact("approval").filter(fact("approval").change_id == change_id)
    return rows.drop("change_id").order_by("requested_at", "answered_at", "gate")


def deployments(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    """The deployments that carry it."""
    rows = selection.table("deployment").semi_join(_carrying(selection, change_id), "id")
    return described(rows, selection.facts).order_by("started_at", "id")


def incidents(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    """The incidents that came from those."""
    rows, carrying = selection.table("incident"), _carrying(selection, change_id)
    return rows.semi_join(carrying, rows.deployment_id == carrying.id).order_by("started_at", "id")


def _carrying(selection: Selection, change_id: ir.StringScalar) -> ir.Table:
    rows = selection.table("deployment_change")
    return rows.filter(rows.change_id == change_id).select(id="deployment_id")
