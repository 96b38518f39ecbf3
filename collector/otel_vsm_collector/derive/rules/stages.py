"""Stages: how long each run took, waited and queued, whether its work came back; and those that began and of
which no run is known: they go on, or whoever ran them could not tell the end."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.export.parcel import DEFAULT_SERVICE_NAME
from otel_vsm.semconv import EventName, TaskResult

NANOSECONDS = 1e9
BAD = (TaskResult.FAILURE, TaskResult.ERROR, TaskResult.TIMEOUT)
"""The results that say that something was wrong."""
_STAGE = ["owner", "stage"]


def stage_runs(spans: ir.Table) -> ir.Table:
    """The table `stage_run` from the spans of whole changes.

    - queue: as the run itself says, else since its `stage.queued`.
    - wait: since the end of the latest earlier run of the change, 0 where one was still active.
    - complete and accurate: after the stage's first success neither it nor a stage that began
      before it had to run again.
    - flaky: the first success after a failure at the same revision.

    For these a stage is another one in another environment, or for another service: who brings a change from
    staging to production deploys nothing again.
    """
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    runs = runs.mutate(
        # Runs that no change is known for are no neighbours of each other.
        owner=ibis.coalesce(runs.change_id, runs.trace_id.concat(":", runs.span_id)),
        stage=runs.stage_name.concat("\n", runs.environment.fill_null(""), "\n", runs.service.fill_null("")),
        start_key=_order_key(runs, runs.started_at),
        end_key=_order_key(runs, runs.ended_at),
        succeeded=(runs.result == TaskResult.SUCCESS).fill_null(False),
    )
    order = [runs.started_at, runs.span_id, runs.trace_id]
    runs = runs.mutate(
        busy_until=runs.ended_at.max().over(
            ibis.window(group_by=runs.owner, order_by=order, preceding=(None, 1))
        ),
        before=runs.team.lag().over(ibis.window(group_by=runs.owner, order_by=order)),
    )
    # All of them before the first join: Ibis repeats the joins so far in each that it is asked of after.
    stages, queued, flaky = _stages(runs), _queued(spans, runs), _flaky(runs)
    runs = runs.join(stages, _STAGE)
    runs = runs.left_join(queued, ["trace_id", "span_id"])
    runs = runs.left_join(flaky, ["trace_id", "span_id"], rname="{name}_flaky")
    runs = runs.mutate(first_to_succeed=(runs.end_key == runs.pass_key).fill_null(False))
    runs = runs.mutate(rework=(runs.started_at >= runs.passed_at).fill_null(False) & ~runs.first_to_succeed)
    came_back = runs.rework.any().over(ibis.window(group_by=[runs.owner, runs.stage]))
    accurate = ~(came_back | (runs.earlier_again >= runs.passed_at).fill_null(False))
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
        "busy_until",
        queue_s=ibis.coalesce(runs.queue_s, (runs.started_at - runs.queued_at) / NANOSECONDS),
        # The wrappers' own name says nothing of what was worked on.
        service=runs.service.nullif(DEFAULT_SERVICE_NAME),
        from_team=ifelse(runs.before != runs.team, runs.before, ibis.null("string")),
        process_s=(runs.ended_at - runs.started_at) / NANOSECONDS,
        wait_s=(runs.started_at - runs.busy_until).clip(lower=0) / NANOSECONDS,
        first_run=(runs.start_key == runs.first_key) & runs.change_id.notnull(),
        rework=runs.rework,
        complete_accurate=ifelse(
            runs.first_to_succeed & runs.change_id.notnull(), accurate, ibis.null("boolean")
        ),
        flaky=runs.span_id_flaky.notnull(),
    )


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


def _order_key(runs: ir.Table, moment: ir.IntegerColumn) -> ir.StringColumn:
    """What runs are ordered by where one of several has to be first: a moment, then their ids."""
    return moment.cast("string").lpad(20, "0").concat(":", runs.span_id, ":", runs.trace_id)


def _stages(runs: ir.Table) -> ir.Table:
    """The stages of each change (owner, stage): which run of it began first (`first_key`), which first
    succeeded and until when (`pass_key`, `passed_at`), and when another stage that began no later last ran
    again (`earlier_again`)."""
    stages = runs.group_by(_STAGE).agg(
        first_key=runs.start_key.min(),
        began_at=runs.started_at.min(),
        pass_key=runs.end_key.min(where=runs.succeeded),
        passed_at=runs.ended_at.min(where=runs.succeeded),
        again=ifelse(runs.count() > 1, runs.started_at.max(), ibis.null("int64")),
    )
    order = [stages.began_at, stages.stage]
    earlier = ibis.window(group_by=stages.owner, order_by=order, preceding=(None, 1))
    # Of stages that began at the same time each is an earlier one of the other.
    beside = ibis.window(group_by=[stages.owner, stages.began_at], order_by=stages.stage, following=(1, None))
    stages = stages.mutate(before=stages.again.max().over(earlier), beside=stages.again.max().over(beside))
    return stages.select(
        *_STAGE,
        "first_key",
        "pass_key",
        "passed_at",
        earlier_again=ibis.coalesce(
            ibis.greatest(stages.before, stages.beside), stages.before, stages.beside
        ),
    )


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


def _flaky(runs: ir.Table) -> ir.Table:
    """The runs (trace_id, span_id) that first succeeded where a run of the same change, stage and revision
    had failed before."""
    same = [*_STAGE, "revision"]
    known = runs.filter(runs.revision.notnull())
    bad = known.filter(known.result.isin([str(result) for result in BAD]))
    bad = bad.group_by(same).agg(failed_at=bad.ended_at.min())
    good = known.filter(known.succeeded).join(bad, same)
    good = good.filter(good.started_at >= good.failed_at)
    first = ibis.window(
        group_by=[good[name] for name in same], order_by=[good.started_at, good.span_id, good.trace_id]
    )
    good = good.mutate(rank=ibis.row_number().over(first))
    return good.filter(good["rank"] == 0).select("trace_id", "span_id")
