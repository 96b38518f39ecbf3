"""Stages: how long each run took, waited and queued, and which execution it is of; and those that began and
of which no run is known: they go on, or whoever ran them could not tell the end."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.export.parcel import DEFAULT_SERVICE_NAME
from otel_vsm.semconv import EventName, TaskResult

NANOSECONDS = 1e9
BAD = (TaskResult.FAILURE, TaskResult.ERROR, TaskResult.TIMEOUT)
"""The results that say that something was wrong."""
FIRST_ATTEMPT = 1
"""Of a pipeline's run, also where none is told."""
_ID = ["trace_id", "span_id"]
_BEGUN = ["started_at", "span_id", "trace_id"]


def stage_runs(spans: ir.Table) -> ir.Table:
    """The table `stage_run` from the spans of whole changes.

    - queue: as the run itself says, but no longer than since the change's run before it ended; else since its
      `stage.queued`.
    - wait: since the end of the latest earlier run of the change, 0 where one was still active.
    - execution: the runs of one pipeline run and attempt, the first where none is told; without a pipeline
      run those that overlap. It goes by the run that began first.
    - leg: as the run says, else its job; a run that says neither is a leg of its own.

    A stage is another one in another environment, or for another service: who brings a change from staging to
    production deploys nothing again.
    """
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    runs = runs.mutate(
        id=runs.trace_id.concat(":", runs.span_id),
        stage=stage_key(runs),
    )
    runs = _each_once(runs)
    # Runs that no change is known for are no neighbours of each other.
    runs = runs.mutate(owner=ibis.coalesce(runs.change_id, runs.id))
    in_change, in_stage = (
        ibis.window(group_by=group, order_by=_BEGUN, preceding=(None, 1))
        for group in (["owner"], ["owner", "stage_name"])
    )
    runs = runs.mutate(
        busy_until=runs.ended_at.max().over(in_change),
        stage_busy_until=runs.ended_at.max().over(in_stage),
        before=runs.team.lag().over(ibis.window(group_by="owner", order_by=_BEGUN)),
    )
    runs = _with_legs(_with_executions(runs))
    queued, ended = _queued(spans, runs), _ended_before(runs)
    runs = runs.left_join(queued, _ID).drop("trace_id_right", "span_id_right")
    runs = runs.left_join(ended, _ID)
    queued_at_most = (runs.started_at - runs.ended_before) / NANOSECONDS
    told = ifelse(runs.queue_s > queued_at_most, queued_at_most, runs.queue_s)
    return runs.select(
        "run_id",
        "execution_id",
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
        "pipeline_run",
        "attempt",
        "job_run",
        "leg",
        "result",
        "started_at",
        "ended_at",
        "busy_until",
        "stage_busy_until",
        "decides",
        "flaky",
        queue_s=ibis.coalesce(told, (runs.started_at - runs.queued_at) / NANOSECONDS),
        # The wrappers' own name says nothing of what was worked on.
        service=runs.service.nullif(DEFAULT_SERVICE_NAME),
        from_team=ifelse(runs.before != runs.team, runs.before, ibis.null("string")),
        process_s=(runs.ended_at - runs.started_at) / NANOSECONDS,
        wait_s=(runs.started_at - runs.busy_until).clip(lower=0) / NANOSECONDS,
    )


def stage_key(rows: ir.Table) -> ir.StringValue:
    """What tells the stages of a change apart: name, environment and service."""
    return rows.stage_name.concat("\n", rows.environment.fill_null(""), "\n", rows.service.fill_null(""))


def stage_events(spans: ir.Table) -> ir.Table:
    """The table `stage_event` from the spans of whole changes."""
    events = spans.filter(spans.stage_name.notnull(), spans.event_name.notnull())
    return events.select("change_id", "stage_name", at="started_at").distinct()


def unfinished_stages(spans: ir.Table) -> ir.Table:
    """The table `unfinished_stage` from the spans of whole changes.

    The run that a start belongs to is its parent, or else one of the same stage that went on at that moment
    and that no start has for its parent.
    """
    starts = spans.filter(spans.event_name == EventName.STAGE_STARTED, spans.stage_name.notnull())
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    runs = runs.select("trace_id", "change_id", "stage_name", "started_at", "ended_at", run_id="span_id")
    named = starts.select("trace_id", run_id="parent_span_id")
    alone = starts.anti_join(runs, [starts.trace_id == runs.trace_id, starts.parent_span_id == runs.run_id])
    alone = alone.select(
        "change_id", "stage_name", "stage_type", "team", "trace_id", "span_id", at="started_at"
    )
    others = runs.anti_join(named, ["trace_id", "run_id"])
    within = alone.join(others, ["change_id", "stage_name"])
    within = within.filter(within["at"].between(within.started_at, within.ended_at))
    return alone.anti_join(within.select("trace_id", "span_id").distinct(), ["trace_id", "span_id"])


def _each_once(runs: ir.Table) -> ir.Table:
    """Runs of whole changes, or where none is known of whole traces, with what each goes by whatever its span
    (`run_id`). Equal job, stage and times are one run, told twice; one job may run several stages."""
    same = [runs.stage, runs.job_run, runs.started_at, runs.ended_at]
    owner = ibis.coalesce(runs.change_id, runs.trace_id)
    # Who knows the pipeline is believed first.
    order = [runs.pipeline_run.isnull(), runs.span_id, runs.trace_id]
    times = runs.started_at.cast("string").concat("\n", runs.ended_at.cast("string"))
    runs = runs.mutate(
        run_id=ibis.coalesce(runs.job_run.concat("\n", runs.stage, "\n", times), runs.id),
        telling=ibis.row_number().over(ibis.window(group_by=[owner, *same], order_by=order)),
    )
    return runs.filter((runs.telling == 0) | runs.job_run.isnull()).drop("telling")


def _with_executions(runs: ir.Table) -> ir.Table:
    """The same, with the id of the run that began first of those that are one execution (`execution_id`)."""
    together = ["owner", "stage", "pipeline_run", "counted_attempt"]
    # The longest first, so that what takes no time is within what begins with it.
    order = ["started_at", ibis.desc("ended_at"), "span_id", "trace_id"]
    # Without a pipeline's run there is nothing that attempts were made at.
    attempt = ifelse(runs.pipeline_run.isnull(), FIRST_ATTEMPT, runs.attempt.fill_null(FIRST_ATTEMPT))
    runs = runs.mutate(counted_attempt=attempt)
    earlier = ibis.window(group_by=together, order_by=order, preceding=(None, 1))
    runs = runs.mutate(reached=runs.ended_at.max().over(earlier))
    apart = runs.pipeline_run.isnull() & (runs.started_at >= runs.reached).fill_null(True)
    so_far = ibis.window(group_by=together, order_by=order, preceding=(None, 0))
    runs = runs.mutate(apart=apart.cast("int64"))
    runs = runs.mutate(number=runs.apart.sum().over(so_far))
    first = ibis.window(group_by=[*together, "number"], order_by=_BEGUN, preceding=(None, 0))
    return runs.mutate(execution_id=runs.id.first().over(first))


def _with_legs(runs: ir.Table) -> ir.Table:
    """The same, with whether a run is the last of its leg (`decides`), and whether it succeeded where its leg
    had failed before in the same execution, at the same revision (`flaky`)."""
    runs = runs.mutate(
        of_leg=ibis.coalesce(
            ibis.literal("leg ").concat(runs.leg), ibis.literal("job ").concat(runs.job_run), runs.id
        ),
        bad_at=ifelse(runs.result.isin([str(result) for result in BAD]), runs.ended_at, ibis.null("int64")),
    )
    # A run may lie within another of its own leg, which then ends last.
    last = ibis.window(
        group_by=["execution_id", "of_leg"],
        order_by=[ibis.desc("ended_at"), ibis.desc("started_at"), "span_id", "trace_id"],
    )
    failed_at = runs.bad_at.min().over(group_by=["execution_id", "of_leg", "revision"])
    succeeded = (runs.result == TaskResult.SUCCESS).fill_null(False)
    return runs.mutate(
        decides=ibis.row_number().over(last) == 0,
        flaky=succeeded & (runs.started_at >= failed_at).fill_null(False),
    )


def _ended_before(runs: ir.Table) -> ir.Table:
    """When the latest of the change's runs ended that had ended when each began (trace_id, span_id,
    ended_before)."""
    # What takes no time has not ended before itself.
    turn = ifelse(runs.ended_at > runs.started_at, 0, 2).cast("int8")
    ends = runs.select("owner", *_ID, at="ended_at", end="ended_at", turn=turn)
    starts = runs.select("owner", *_ID, at="started_at", end=ibis.null("int64"), turn=ibis.literal(1, "int8"))
    moments = starts.union(ends)
    until_now = ibis.window(
        group_by=moments.owner, order_by=[moments["at"], moments.turn], preceding=(None, 0)
    )
    moments = moments.mutate(ended_before=moments.end.max().over(until_now))
    return moments.filter(moments.turn == 1).select(*_ID, "ended_before")


def _queued(spans: ir.Table, runs: ir.Table) -> ir.Table:
    """When runs were told to be queued (trace_id, span_id, queued_at); an event tells of the next run."""
    events = spans.filter(spans.event_name == EventName.STAGE_QUEUED, spans.change_id.notnull())
    events = events.select("change_id", "stage_name", queued_at=events.started_at)
    starts = runs.select("trace_id", "span_id", "change_id", "stage_name", "started_at")
    after = events.join(starts, ["change_id", "stage_name", events.queued_at <= starts.started_at])
    first = ibis.window(
        group_by=[after.change_id, after.stage_name, after.queued_at],
        order_by=[after.started_at, after.span_id, after.trace_id],
    )
    after = after.mutate(rank=ibis.row_number().over(first))
    after = after.filter(after["rank"] == 0)
    return after.group_by("trace_id", "span_id").agg(queued_at=after.queued_at.min())
