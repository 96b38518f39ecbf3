"""Runs of stages: how long each took, waited and queued, and whether its work came back."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.parcel import DEFAULT_SERVICE_NAME
from otel_vsm.semconv import EventName, TaskResult

NANOSECONDS = 1e9


def stage_runs(spans: ir.Table) -> ir.Table:
    """The table `stage_run` from the spans of whole changes.

    - queue: as the run itself says, else since its `stage.queued`.
    - wait: since the end of the latest earlier run of the change, 0 where one was still active.
    - complete and accurate: after the stage's first success neither it nor a stage that began
      before it had to run again.
    """
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    # Runs that no change is known for are no neighbours of each other.
    runs = runs.mutate(owner=ibis.coalesce(runs.change_id, runs.trace_id.concat(":", runs.span_id)))
    before = ibis.window(group_by=runs.owner, order_by=[runs.started_at, runs.span_id], preceding=(None, 1))
    runs = runs.mutate(busy_until=runs.ended_at.max().over(before))
    runs = runs.join(_stages(runs), ["owner", "stage_name"])
    runs = runs.left_join(_queued(spans, runs), ["trace_id", "span_id"])
    first_to_succeed = (runs.first_success["span_id"] == runs.span_id).fill_null(False)
    accurate = runs.ran_again.isnull() | (runs.ran_again < runs.first_success["at"])
    return runs.select(
        "trace_id",
        "span_id",
        "change_id",
        "repository",
        "stage_name",
        "stage_type",
        "environment",
        "team",
        "actor_type",
        "value_stream",
        "revision",
        "result",
        "started_at",
        "ended_at",
        queue_s=ibis.coalesce(runs.queue_s, (runs.started_at - runs.queued_at) / NANOSECONDS),
        # The wrappers' own name says nothing of what was worked on.
        service=runs.service.nullif(DEFAULT_SERVICE_NAME),
        process_s=(runs.ended_at - runs.started_at) / NANOSECONDS,
        wait_s=(runs.started_at - runs.busy_until).clip(lower=0) / NANOSECONDS,
        first_run=runs.began["span_id"] == runs.span_id,
        rework=(runs.started_at >= runs.first_success["at"]).fill_null(False) & ~first_to_succeed,
        complete_accurate=ifelse(first_to_succeed, accurate, ibis.null("boolean")),
    )


def _stages(runs: ir.Table) -> ir.Table:
    """The stages of each change (owner, stage_name): the run that began first (`began`: at, span_id), the one
    that first succeeded (`first_success`), and when it or an earlier stage last ran again (`ran_again`)."""
    start = ibis.struct({"at": runs.started_at, "span_id": runs.span_id})
    end = ibis.struct({"at": runs.ended_at, "span_id": runs.span_id})
    stages = runs.group_by("owner", "stage_name").agg(
        began=start.min(),
        first_success=end.min(where=runs.result == TaskResult.SUCCESS),
        again=ifelse(runs.count() > 1, runs.started_at.max(), ibis.null("int64")),
    )
    so_far = ibis.range_window(
        group_by=stages.owner, order_by=stages.began["at"], preceding=None, following=0
    )
    return stages.mutate(ran_again=stages.again.max().over(so_far))


def _queued(spans: ir.Table, runs: ir.Table) -> ir.Table:
    """When runs were told to be queued (trace_id, span_id, queued_at); an event tells of the next run."""
    told = spans.filter(spans.event_name == EventName.STAGE_QUEUED, spans.change_id.notnull())
    told = told.select("change_id", "stage_name", queued_at=told.started_at)
    begun = runs.select("trace_id", "span_id", "change_id", "stage_name", "started_at")
    after = told.join(begun, ["change_id", "stage_name", told.queued_at <= begun.started_at])
    first = ibis.window(
        group_by=[after.change_id, after.stage_name, after.queued_at],
        order_by=[after.started_at, after.span_id],
    )
    after = after.mutate(place=ibis.row_number().over(first))
    after = after.filter(after.place == 0)
    return after.group_by("trace_id", "span_id").agg(queued_at=after.queued_at.min())
