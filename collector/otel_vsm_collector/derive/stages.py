"""Runs of stages: how long each took, waited and queued, and whether its work came back."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult

NANOSECONDS = 1e9


def stage_runs(spans: ir.Table) -> ir.Table:
    """The table `stage_run` from the spans of whole changes.

    - wait: since the end of the latest earlier run of the change, 0 where one was still active.
    - complete and accurate: after the stage's first success neither it nor a stage that began
      before it had to run again.
    """
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    found = _among_others(runs)
    runs = runs.inner_join(found, ["trace_id", "span_id"])
    return runs.select(
        "trace_id",
        "span_id",
        "change_id",
        "repository",
        "stage_name",
        "stage_type",
        "service",
        "environment",
        "team",
        "actor_type",
        "value_stream",
        "revision",
        "result",
        "started_at",
        "ended_at",
        "queue_s",
        "wait_s",
        "first_run",
        "rework",
        "complete_accurate",
        process_s=(runs.ended_at - runs.started_at) / NANOSECONDS,
    )


def _among_others(runs: ir.Table) -> ir.Table:
    """What a run is among its change's: trace_id, span_id, wait_s, first_run, rework, complete_accurate.

    Apart from the other columns, since a window function sorts every column that goes through it.
    """
    runs = runs.select(
        "trace_id",
        "span_id",
        "stage_name",
        "started_at",
        "ended_at",
        # Runs that no change is known for are no neighbours of each other.
        owner=ibis.coalesce(runs.change_id, runs.trace_id.concat(":", runs.span_id)),
        succeeded=runs.result == TaskResult.SUCCESS,
    )
    before = ibis.window(group_by=runs.owner, order_by=[runs.started_at, runs.span_id], preceding=(None, 1))
    of_stage = ibis.window(group_by=[runs.owner, runs.stage_name])
    ordered = ibis.window(group_by=[runs.owner, runs.stage_name], order_by=[runs.started_at, runs.span_id])
    runs = runs.mutate(
        busy_until=runs.ended_at.max().over(before),
        first_run=ibis.row_number().over(ordered) == 0,
        stage_began=runs.started_at.min().over(of_stage),
        first_success=runs.ended_at.min(where=runs.succeeded).over(of_stage),
    )
    successes = ibis.window(
        group_by=[runs.owner, runs.stage_name, runs.succeeded], order_by=[runs.ended_at, runs.span_id]
    )
    so_far = ibis.range_window(group_by=runs.owner, order_by=runs.stage_began, preceding=None, following=0)
    runs = runs.mutate(
        first_to_succeed=runs.succeeded & (ibis.row_number().over(successes) == 0),
        ran_again=runs.started_at.max(where=~runs.first_run).over(so_far),
    )
    accurate = runs.ran_again.isnull() | (runs.ran_again < runs.first_success)
    return runs.select(
        "trace_id",
        "span_id",
        "first_run",
        wait_s=(runs.started_at - runs.busy_until).clip(lower=0) / NANOSECONDS,
        rework=(runs.started_at >= runs.first_success).fill_null(False) & ~runs.first_to_succeed,
        complete_accurate=ifelse(runs.first_to_succeed, accurate, ibis.null("boolean")),
    )
