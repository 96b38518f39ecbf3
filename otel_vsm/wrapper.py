"""What the commands share that tell of work: finding the change, running what stands behind `--`, telling.

What is imported at the top is imported before the user's command starts. The rest waits until it runs.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from otel_vsm import git, process, propagation
from otel_vsm.call import CommonOptions, RunOptions
from otel_vsm.context import Context, Subject, TraceParent, find_context, trace_parent_of_change, with_details
from otel_vsm.identity import SpanId
from otel_vsm.text import one_line, say, warn

if TYPE_CHECKING:
    from otel_vsm.change_times import ChangeTime
    from otel_vsm.emit import Artifact, Origin, Run
    from otel_vsm.export.spool import LockedEntry
    from otel_vsm.record import Record
    from otel_vsm.semconv import StageType

GIT_HOLD_UP_S = 0.5
"""How long a command is held up where git hangs. It is asked again while the command runs."""
NOT_EXPORTED = 75
"""The exit code of sysexits.h for what may succeed another time."""
CHANGE_VARIABLE = "OTEL_VSM_CHANGE_ID"


def find_context_safely(common: CommonOptions, subject: Subject) -> Context:
    """What is known of here; whatever goes wrong with that, the user's command is run."""
    try:
        return find_context(common.change_options, subject=subject, env=os.environ)
    except Exception as error:
        return Context(missing=(f"the change could not be found ({_shown(error)})",))


def run_and_export(
    command: list[str],
    common: CommonOptions,
    how: RunOptions,
    *,
    name: str,
    type: "Callable[[], StageType | None]",
    to_record: "Callable[[Origin, Run], Record]",
    meanwhile: Callable[[Context], object] | None = None,
    on_success: Callable[[Context], None] | None = None,
    variables: Callable[[Context], Mapping[str, str]] = lambda _: {},
    traceparent_variables: Sequence[str] = (),
    times: "ChangeTimes | None" = None,
) -> NoReturn:
    """Run the command as work on the change, export what `to_record` makes of it, and exit as it did.

    Should this process be killed, a later one tells that the stage `name` began.

    `meanwhile` is called while it runs, where telemetry is on, for what takes its time; what fails there is
    asked for again. `on_success` is called once it has succeeded, whether telemetry is on or not. The command
    finds `variables` in its environment, and its span in `traceparent_variables`. `times` are told along.
    """
    patience = git.limit(GIT_HOLD_UP_S)
    context = find_context_safely(common, Subject.WORK)
    if git_hangs := patience.exhausted:
        patience = git.limit(git.TIMEOUT_S)
    else:
        git.lift_limit()
    parent = trace_parent_of_change(context.change, os.environ)
    span_id = new_span_id()
    env = {**process.environment(), **variables(context)}
    if propagation.is_wanted(env):
        traceparent_variables = (propagation.TRACEPARENT, *traceparent_variables)
    if context.change or not git_hangs:
        traceparent = propagation.traceparent(parent.trace_id, span_id)
        env.update(dict.fromkeys(traceparent_variables, traceparent))
    if context.change:
        # What the command calls of ours works on the same change, wherever it goes.
        env[CHANGE_VARIABLE] = context.change

    times = times or ChangeTimes()

    running: LockedEntry | None = None

    def load() -> None:
        nonlocal context, parent, running
        from otel_vsm import export

        if export.configured():
            start_ns = time.time_ns()
            if git_hangs:
                context = find_context_safely(common, Subject.WORK)
                parent = trace_parent_of_change(context.change, os.environ)
            with suppress(Exception):  # then it fails again when it is needed, and is said there
                context = with_details(context)
            with suppress(Exception):
                from otel_vsm import emit
                from otel_vsm.export.running import put

                origin = origin_of(common, context, parent)
                running = put(
                    emit.stage_started(origin, name=name, type=type(), span_id=span_id, at_ns=start_ns)
                )
            if meanwhile:
                with suppress(Exception):
                    meanwhile(context)
            with suppress(Exception):
                times.read(context)
            export.preload()

    def hurry() -> None:
        if git_hangs:
            patience.deadline = 0.0

    completed = process.run(command, env, meanwhile=load, hurry=hurry, timeout_s=how.timeout_s)
    if completed.problem:
        say(f"{command[0]}: {completed.problem}")
    if on_success and not completed.exit_code:
        on_success(context)
    if completed.timed_out:
        warn(f"{one_line(command[0])} did not end within {how.timeout_s:g} s and was stopped")
    exported = export_record(
        context, lambda: to_record(origin_of(common, context, parent), _run(completed, span_id)), times
    )
    if running:
        running.remove()
    process.leave(
        NOT_EXPORTED if how.strict and not exported and not completed.exit_code else completed.exit_code
    )


class ChangeTimes:
    """When the change was begun, opened and merged: told once in a run of a pipeline, along with work."""

    def __init__(self, others: "Callable[[Context], Iterable[ChangeTime]] | None" = None) -> None:
        """`others` gives the times of further changes."""
        self._others = others
        self._records: list[Record] | None = None
        self._mark: str | None = None

    def read(self, context: Context) -> "list[Record]":
        """The records of it; none where this run of the pipeline has told them."""
        if self._records is None:
            self._records = self._read(context)
        return self._records

    def set_told(self) -> None:
        """What was read has been exported."""
        if self._mark and self._records is not None:
            from otel_vsm.run_marks import set_mark

            set_mark(self._mark)

    def _read(self, context: Context) -> "list[Record]":
        from otel_vsm import emit
        from otel_vsm.change_times import change_times
        from otel_vsm.run_marks import is_marked, mark_of

        others = [emit.change_time(time) for time in self._others(context)] if self._others else []
        if context.ci and context.ci.run:
            told = ("change", context.change or "", context.revision or "")
            mark = mark_of(context.ci.run, *told, *(record.span_id for record in others))
            if is_marked(mark):
                return []
            self._mark = mark
        return [*(emit.change_time(time) for time in change_times(context)), *others]


def export_record(context: Context, record: "Callable[[], Record]", times: ChangeTimes | None = None) -> bool:
    """Export the record, with the times of its change, and say what of the context is missing.

    Without an endpoint, nothing of that. Never raises. False where it was to be sent and was not
    acknowledged.
    """
    from otel_vsm import export

    try:
        if export.configured():
            if context.missing:
                warn("; ".join(context.missing))
            records = [record()]
            try:
                records += times.read(with_details(context)) if times else []
            except Exception as error:
                warn(f"when the change began could not be told ({_shown(error)})")
            exported = export.export(records)
            if times:
                times.set_told()
            return exported
        return True
    except Exception as error:
        warn(f"this could not be told ({_shown(error)})")
        return False


def export_and_leave(
    context: Context,
    record: "Callable[[], Record]",
    times: ChangeTimes | None = None,
    *,
    strict: bool = False,
) -> NoReturn:
    """Export the record of a command that only tells. That fails only where it is strict."""
    from otel_vsm import export

    exported = export_record(context, record, times)
    export.leave(NOT_EXPORTED if strict and not exported else 0)


def leg_of(leg: str | None, context: Context) -> str | None:
    """The leg of the matrix that was named, else the one that the CI tells."""
    return leg or (context.ci.leg if context.ci else None)


def queued_for_s(queued_ns: int | None, start_ns: int, context: Context) -> float | None:
    """How long it waited for its turn, in seconds: since the time that was named, else by the CI's word.

    What the CI's job waited is told once in the job, of what is told first. Where clocks disagree, it did
    not wait.
    """
    if queued_ns is not None:
        return max(0, start_ns - queued_ns) / 1e9
    if not context.ci or not context.ci.job or not context.ci.queued_at:
        return None
    from otel_vsm.change_times import time_ns
    from otel_vsm.run_marks import is_marked, mark_of, set_mark

    queued_ns, started_ns = time_ns(context.ci.queued_at), time_ns(context.ci.started_at)
    mark = mark_of(context.ci.job, "queued")
    if queued_ns is None or is_marked(mark):
        return None
    set_mark(mark)
    return max(0, (started_ns or start_ns) - queued_ns) / 1e9


def named_artifact(name: str | None, digest: str | None, version: str | None) -> "Artifact":
    """The artifact that the options name; what of them cannot be used is said."""
    from otel_vsm.artifact import artifact_of

    named = artifact_of(name, digest, version)
    if named.problem:
        warn(named.problem)
    return named.artifact


def new_span_id() -> SpanId:
    return SpanId(os.urandom(8).hex())


def origin_of(
    common: CommonOptions, context: Context, parent: TraceParent, *, backfilled: bool = False
) -> "Origin":
    from otel_vsm.ci import is_automation
    from otel_vsm.emit import Origin
    from otel_vsm.semconv import ActorType

    at_terminal = os.isatty(0) or os.isatty(2)
    actor = ActorType.AUTOMATION if is_automation(os.environ) else ActorType.HUMAN if at_terminal else None
    return Origin(
        context=with_details(context),
        parent=parent,
        team=common.team,
        actor=common.actor or actor,
        value_stream=common.value_stream,
        work_item=common.work_item,
        backfilled=backfilled,
        attributes=common.attributes,
    )


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error))}"


def _run(completed: process.CompletedCommand, span_id: SpanId) -> "Run":
    from otel_vsm.emit import Run
    from otel_vsm.semconv import TaskResult

    error = None
    if completed.timed_out:
        result, error = TaskResult.TIMEOUT, None
    elif completed.problem:
        result, error = TaskResult.ERROR, "not_executable" if completed.exit_code == 126 else "not_found"
    elif completed.cancelled:
        result = TaskResult.CANCELLATION
    else:
        result = TaskResult.FAILURE if completed.exit_code else TaskResult.SUCCESS
    if completed.died_of:
        error = completed.died_of.name
    elif completed.exit_code and not completed.problem:
        error = f"exit_{completed.exit_code}"
    by_itself = not completed.died_of and not completed.problem
    return Run(
        span_id=span_id,
        start_ns=completed.start_ns,
        end_ns=completed.end_ns,
        result=result,
        exit_code=completed.exit_code if by_itself else None,
        error=error,
    )
