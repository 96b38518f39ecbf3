"""Pipelines as automation: how much of it goes through."""

import ibis.expr.types as ir

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Family, share
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares
from otel_vsm_collector.figures.flow.runs import executions, quarantined


def pipeline_runs(selection: Selection) -> ir.Table:
    """(change_id, pipeline_run, at, broken, is_skipped, succeeded): the runs of pipelines for changes whose
    last attempt ended in the window, a stage that did not succeed in it, whether every one was skipped, and
    whether all others succeeded. Quarantined stages are no part of it."""
    rows = executions(selection)
    rows = rows.filter(
        rows.change_id.notnull(),
        rows.pipeline_run.notnull(),
        rows.last_attempt,
        ~quarantined(selection, rows),
    )
    passed = rows.result.isin([str(TaskResult.SUCCESS), str(TaskResult.SKIP)])
    whole = rows.group_by("change_id", "pipeline_run").agg(
        at=rows.ended_at.max(),
        broken=rows.stage_name.min(where=~passed),
        is_skipped=(rows.result == TaskResult.SKIP).all(),
    )
    return whole.filter(selection.within(whole["at"])).mutate(succeeded=whole.broken.isnull())


def counted(selection: Selection) -> ir.Table:
    """Those of which something ran."""
    rows = pipeline_runs(selection)
    return rows.filter(~rows.is_skipped)


def explained(selection: Selection) -> ir.Table:
    """A row per run of a pipeline for a change; of one that did not go through, the stage is one that did not
    succeed."""
    rows = pipeline_runs(selection).rename(name="change_id", stage="broken")
    part, whole = rows.succeeded & ~rows.is_skipped, ~rows.is_skipped
    reason = because((rows.is_skipped, Reason.SKIPPED), (~part, Reason.WENT_WRONG))
    return shares(rows.mutate(part=part, whole=whole, reason=reason), Kind.CHANGE)


PIPELINE_RUNS = Family(
    rows=lambda selection, by: counted(selection),
    figures=(share("pipeline", "succeeded", explained=explained),),
)

FAMILIES = (PIPELINE_RUNS,)
