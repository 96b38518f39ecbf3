"""Executions of stages: the runs that belong together, how they ended, whether their work came back."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.rules.changes import or_empty
from otel_vsm_collector.derive.rules.stages import BAD, FIRST_ATTEMPT, NANOSECONDS, stage_key

_STAGE = ["owner", "stage"]
_WORST_FIRST = (
    TaskResult.FAILURE,
    TaskResult.ERROR,
    TaskResult.TIMEOUT,
    TaskResult.CANCELLATION,
    TaskResult.SUCCESS,
    TaskResult.SKIP,
)


def stage_executions(runs: ir.Table) -> ir.Table:
    """The table `stage_execution` from the rows of `stage_run` of whole changes.

    - result: the worst of its legs, of each of which the last run counts; skipped only where all were.
    - process: the union of its runs. Queue: the shortest of them. Wait: the one before its first run.
    - complete and accurate: after the stage's first success neither it nor a stage that began
      before it had to be executed again.
    - flaky: the first success after a failure at the same revision, or a leg that did so within it.
    """
    rows = _together(runs)
    rows = rows.mutate(
        succeeded=rows.result == TaskResult.SUCCESS,
        start_key=_order_key(rows, rows.started_at),
        end_key=_order_key(rows, rows.ended_at),
    )
    rows = _with_flaky(_with_last_attempt(rows))
    rows = rows.join(_stages(rows), _STAGE)
    rows = rows.mutate(first_to_succeed=(rows.end_key == rows.pass_key).fill_null(False))
    rows = rows.mutate(rework=(rows.started_at >= rows.passed_at).fill_null(False) & ~rows.first_to_succeed)
    came_back = rows.rework.any().over(group_by=[rows.owner, rows.stage])
    accurate = ~(came_back | (rows.earlier_again >= rows.passed_at).fill_null(False))
    return rows.mutate(
        first_execution=(rows.start_key == rows.first_key) & rows.change_id.notnull(),
        complete_accurate=ifelse(
            rows.first_to_succeed & rows.change_id.notnull(), accurate, ibis.null("boolean")
        ),
    )


def _together(runs: ir.Table) -> ir.Table:
    """What the runs of each execution say together, and whose stage it is of (owner, stage)."""
    order = [runs.started_at, runs.span_id, runs.trace_id]
    earlier = ibis.window(group_by=runs.execution_id, order_by=order, preceding=(None, 1))
    runs = runs.mutate(covered_until=runs.ended_at.max().over(earlier))
    covered_until = ibis.coalesce(runs.covered_until, runs.started_at)
    is_first = runs.trace_id.concat(":", runs.span_id) == runs.execution_id
    # A word that is no known result is an error.
    badness = ibis.cases(
        *((runs.result == result, place) for place, result in enumerate(_WORST_FIRST)),
        else_=_WORST_FIRST.index(TaskResult.ERROR),
    )
    rows = runs.group_by(id="execution_id").agg(
        **{
            name: runs[name].min()
            for name in (
                *("change_id", "repository", "stage_name", "stage_type", "service", "environment"),
                *("pipeline_run", "attempt", "started_at", "queue_s"),
            )
        },
        trace_id=runs.trace_id.min(where=is_first),
        span_id=runs.span_id.min(where=is_first),
        # Of several it is at none.
        revision=ifelse(runs.revision.nunique() == 1, runs.revision.min(), ibis.null("string")),
        teams=runs.team.collect(distinct=True).sort(),
        value_streams=runs.value_stream.collect(distinct=True).sort(),
        ended_at=runs.ended_at.max(),
        legs=runs.decides.sum(),
        process_s=(runs.ended_at - ibis.greatest(runs.started_at, covered_until)).clip(lower=0).sum()
        / NANOSECONDS,
        wait_s=runs.wait_s.min(where=is_first),
        worst=badness.min(where=runs.decides),
        flaky_leg=runs.flaky.any(),
    )
    return rows.mutate(
        result=ibis.cases(*((rows.worst == place, str(one)) for place, one in enumerate(_WORST_FIRST))),
        teams=or_empty(rows.teams),
        value_streams=or_empty(rows.value_streams),
        owner=ibis.coalesce(rows.change_id, rows.id),
        stage=stage_key(rows),
    )


def _with_last_attempt(rows: ir.Table) -> ir.Table:
    attempt = rows.attempt.fill_null(FIRST_ATTEMPT)
    return rows.mutate(last_attempt=attempt == attempt.max().over(group_by=[rows.owner, rows.pipeline_run]))


def _order_key(rows: ir.Table, moment: ir.IntegerColumn) -> ir.StringColumn:
    """What executions are ordered by where one of several has to be first: a moment, then their ids."""
    return moment.cast("string").lpad(20, "0").concat(":", rows.span_id, ":", rows.trace_id)


def _with_flaky(rows: ir.Table) -> ir.Table:
    """The same, with whether an execution is the first that succeeded where one of the same change, stage and
    revision had failed before, or a leg of it did so within it (`flaky`)."""
    same = [rows.owner, rows.stage, rows.revision]
    failed = rows.result.isin([str(result) for result in BAD])
    failed_at = ifelse(failed, rows.ended_at, ibis.null("int64")).min().over(group_by=same)
    rows = rows.mutate(
        retried_key=ifelse(
            # Without a revision nobody knows whether something was mended.
            rows.succeeded & rows.revision.notnull() & (rows.started_at >= failed_at),
            rows.start_key,
            ibis.null("string"),
        )
    )
    first = rows.retried_key.min().over(group_by=[rows.owner, rows.stage, rows.revision])
    return rows.mutate(flaky=rows.flaky_leg | (rows.retried_key == first).fill_null(False))


def _stages(rows: ir.Table) -> ir.Table:
    """The stages of each change (owner, stage): which execution of it began first (`first_key`), which first
    succeeded and until when (`pass_key`, `passed_at`), and when another stage that began no later was last
    executed again (`earlier_again`)."""
    stages = rows.group_by(_STAGE).agg(
        first_key=rows.start_key.min(),
        began_at=rows.started_at.min(),
        pass_key=rows.end_key.min(where=rows.succeeded),
        passed_at=rows.ended_at.min(where=rows.succeeded),
        again=ifelse(rows.count() > 1, rows.started_at.max(), ibis.null("int64")),
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
