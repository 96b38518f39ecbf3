"""The runs of stages behind rework and hand-offs, and the revisions that they are of."""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares, values
from otel_vsm_collector.figures.handoffs import handed_over
from otel_vsm_collector.figures.pipelines import revisions
from otel_vsm_collector.figures.runs import quarantined, runs

BETWEEN = ":"
"""A run goes by its trace and its span, with this between them."""


def rework(selection: Selection) -> ir.Table:
    """A row per run that ended in the window."""
    rows = runs(selection)
    rows = rows.filter(selection.within(rows.ended_at))
    rows = rows.mutate(whole=~quarantined(selection, rows))
    reason = because((~rows.whole, Reason.QUARANTINED))
    rows = rows.mutate(at=rows.ended_at, part=rows.whole & rows.rework, reason=reason)
    return shares(_named(rows), Kind.RUN)


def handoffs(selection: Selection) -> ir.Table:
    """A row per run that began in the window and followed one of another team."""
    rows = handed_over(selection)
    return values(_named(rows.mutate(at=rows.started_at, value=rows.wait_s)), Kind.RUN)


def pipelines(selection: Selection) -> ir.Table:
    """A row per revision of a change that had runs which ended in the window; of one that did not go through,
    the stage is one that went wrong."""
    rows = revisions(selection).rename(name="change_id", at="ended_at", stage="broken")
    reason = because((rows.stage.notnull(), Reason.WENT_WRONG))
    rows = rows.mutate(part=rows.stage.isnull(), whole=ibis.literal(True), reason=reason)
    return shares(rows, Kind.CHANGE)


def _named(rows: ir.Table) -> ir.Table:
    name = rows.trace_id.concat(BETWEEN, rows.span_id)
    # What else the run has is told beside the row, not in it.
    return rows.mutate(name=name, stage=rows.stage_name).drop("revision")
