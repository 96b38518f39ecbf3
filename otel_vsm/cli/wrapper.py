"""What the commands share that tell of work: finding the change, running what stands behind `--`, telling.

What is imported at the top is imported before the user's command starts. The rest waits until it runs.
"""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

import click

from otel_vsm import process, propagation
from otel_vsm.cli.options import Common
from otel_vsm.context import Context, Place, Subject, find, place_of_change
from otel_vsm.identity import SpanId
from otel_vsm.semconv import TaskResult

if TYPE_CHECKING:
    from otel_vsm.emit import Run, Teller
    from otel_vsm.record import Record

CHANGE_VARIABLE = "OTEL_VSM_CHANGE_ID"
_COMMAND = "otel_vsm.command"


class WrappingCommand(click.Command):
    """A command whose arguments end at the first `--`; what follows is another's and is not looked at."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            end = args.index("--")
            ctx.meta[_COMMAND] = args[end + 1 :]
            args = args[:end]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


def wrapped_command(ctx: click.Context) -> list[str]:
    """The command behind `--`; empty where there is none."""
    command: list[str] = ctx.meta.get(_COMMAND, [])
    return command


def find_safely(common: Common, subject: Subject) -> Context:
    """What is known of here; whatever goes wrong with that, the user's command is run."""
    try:
        return find(common.named, subject=subject, env=os.environ)
    except Exception as error:
        return Context(missing=(f"the change could not be found ({type(error).__name__}: {error})",))


def run_and_tell(
    command: list[str],
    common: Common,
    *,
    tell: "Callable[[Teller, Run], Record]",
    variables: Mapping[str, str] | None = None,
) -> NoReturn:
    """Run the command as work on the change, deliver what `tell` makes of it, and exit as it did."""
    process.die_of_interrupts()
    context = find_safely(common, Subject.WORK)
    place = place_of_change(context.change, os.environ)
    span_id = new_span_id()
    env = {**process.environment(), **(variables or {})}
    if propagation.is_wanted(env):
        env[propagation.TRACEPARENT] = propagation.traceparent(place.trace_id, span_id)
    if context.change:
        # What the command calls of ours works on the same change, wherever it goes.
        env[CHANGE_VARIABLE] = context.change
    ended = process.run(command, env, meanwhile=_load)
    if ended.problem:
        click.echo(f"otel-vsm: {command[0]}: {ended.problem}", err=True)
    deliver(
        context,
        lambda: tell(teller_of(common, context, place), _run_of(ended, span_id)),
        exit_code=ended.exit_code,
    )


def deliver(context: Context, record: "Callable[[], Record | None]", *, exit_code: int = 0) -> NoReturn:
    """Deliver the record, say what of the context is missing, and exit; nothing changes the exit code."""
    from otel_vsm import delivery
    from otel_vsm.saying import warn

    try:
        if context.missing and delivery.configured():
            warn("; ".join(context.missing))
        if (told := record()) is not None:
            delivery.deliver([told])
    except Exception as error:
        warn(f"this could not be told ({type(error).__name__}: {error})")
    delivery.leave(exit_code)


def new_span_id() -> SpanId:
    return SpanId(os.urandom(8).hex())


def teller_of(common: Common, context: Context, place: Place) -> "Teller":
    from otel_vsm.emit import Teller

    return Teller(
        context=context,
        place=place,
        team=common.team,
        actor=common.actor,
        value_stream=common.value_stream,
        work_item=common.work_item,
        attributes=common.attributes,
    )


def _load() -> None:
    """What is needed to tell, loaded while the command runs."""
    import otel_vsm.emit  # noqa: F401 -- loading it is the purpose
    from otel_vsm import delivery

    delivery.preload()


def _run_of(ended: process.Ended, span_id: SpanId) -> "Run":
    from otel_vsm.emit import Run

    error = None
    if ended.problem:
        result, error = TaskResult.ERROR, "not_executable" if ended.exit_code == 126 else "not_found"
    elif ended.cancelled:
        result = TaskResult.CANCELLATION
    else:
        result = TaskResult.FAILURE if ended.exit_code else TaskResult.SUCCESS
    if ended.died_of:
        error = ended.died_of.name
    elif ended.exit_code and not ended.problem:
        error = f"exit_{ended.exit_code}"
    by_itself = not ended.died_of and not ended.problem
    return Run(
        span_id=span_id,
        start_ns=ended.start_ns,
        end_ns=ended.end_ns,
        result=result,
        exit_code=ended.exit_code if by_itself else None,
        error=error,
    )
