"""`otel-vsm begin` and `otel-vsm end`: a stage that no single command wraps, across processes."""

import os
from typing import TYPE_CHECKING

import click

from otel_vsm.call import CommonOptions
from otel_vsm.cli.options import (
    artifact_options,
    at_option,
    choice,
    common_options,
    leg_option,
    now_ns,
    queued_at_option,
    required_text,
    service_option,
    type_option,
)
from otel_vsm.context import Subject, trace_parent_of_change
from otel_vsm.semconv import TaskResult
from otel_vsm.stage import type_of_stage
from otel_vsm.wrapper import (
    ChangeTimes,
    export_and_leave,
    find_context_safely,
    leg_of,
    named_artifact,
    new_span_id,
    origin_of,
    queued_for_s,
)

if TYPE_CHECKING:
    from otel_vsm.record import Record


@click.command
@click.argument("name", type=required_text)
@type_option
@service_option
@leg_option
@queued_at_option
@at_option("When it began.")
@common_options()
def begin(
    *,
    name: str,
    stage_type: str | None,
    service: str | None,
    leg: str | None,
    queued_ns: int | None,
    at_ns: int | None,
    common: CommonOptions,
) -> None:
    """Begin a stage that no single command wraps.

    `otel-vsm end` ends it, from any process of this job, or outside of a CI of this user in this checkout: it
    is found by its change and NAME.

    \b
    Example:
        otel-vsm begin integration-tests --type test
        ...
        otel-vsm end integration-tests --result success
    """
    start_ns = now_ns() if at_ns is None else at_ns
    context = find_context_safely(common, Subject.WORK)

    parent = trace_parent_of_change(context.change, os.environ)
    resolved_type = type_of_stage(stage_type, name)
    span_id = new_span_id()

    from otel_vsm import open_stages
    from otel_vsm.text import one_line, warn

    quoted = one_line(name)

    stage = open_stages.OpenStage(
        span_id=span_id,
        start_ns=start_ns,
        parent=parent,
        type=resolved_type,
        service=service,
        queue_s=queued_for_s(queued_ns, start_ns, context),
        team=common.team,
        value_stream=common.value_stream,
        work_item=common.work_item,
        actor=common.actor,
        attributes=dict(common.attributes),
        leg=leg_of(leg, context),
        backfilled=at_ns is not None,
    )
    try:
        if open_stages.save(stage, context=context, name=name):
            warn(f"the stage {quoted} had been begun before and not ended; it begins anew")
    except OSError as error:
        warn(
            f"the stage {quoted} could not be kept, so that its end will not find it ({one_line(str(error))})"
        )

    def record() -> "Record":
        from otel_vsm import emit

        origin = origin_of(common, context, parent, backfilled=stage.backfilled)
        return emit.stage_started(
            origin,
            name=name,
            type=resolved_type,
            span_id=span_id,
            at_ns=start_ns,
        )

    export_and_leave(context, record, ChangeTimes())


@click.command
@click.argument("name", type=required_text)
@click.option(
    "--result",
    type=choice(TaskResult),
    default=TaskResult.SUCCESS.value,
    show_default=True,
    help="How it ended.",
)
@type_option
@service_option
@leg_option
@artifact_options
@at_option("When it ended.")
@common_options()
def end(
    *,
    name: str,
    result: str,
    stage_type: str | None,
    service: str | None,
    leg: str | None,
    at_ns: int | None,
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    common: CommonOptions,
) -> None:
    """End a stage that was begun.

    What was said to `otel-vsm begin` need not be said again; where it is, what is said last counts.

    \b
    Example:
        otel-vsm end integration-tests --result failure
    """
    end_ns = now_ns() if at_ns is None else at_ns
    context = find_context_safely(common, Subject.WORK)

    from otel_vsm import open_stages
    from otel_vsm.text import one_line, warn

    quoted = one_line(name)

    try:
        stage = open_stages.pop(context=context, name=name)
    except OSError as error:
        warn(
            f"the begin of the stage {quoted} cannot be read, so its end is not told ({one_line(str(error))})"
        )
        return
    if stage is None:
        of = f" of {one_line(context.change)}" if context.change else ""
        warn(f"the stage {quoted}{of} was not begun here, so its end is not told: otel-vsm begin {quoted}")
        return

    def record() -> "Record":
        from otel_vsm import emit

        options = common._replace(
            team=common.team or stage.team,
            value_stream=common.value_stream or stage.value_stream,
            work_item=common.work_item or stage.work_item,
            actor=common.actor or stage.actor,
            attributes={**stage.attributes, **common.attributes},
        )
        return emit.stage(
            origin_of(options, context, stage.parent, backfilled=stage.backfilled or at_ns is not None),
            emit.Run(
                span_id=stage.span_id,
                start_ns=stage.start_ns,
                # The wall clock may have been set back since.
                end_ns=max(stage.start_ns, end_ns),
                result=TaskResult(result),
                leg=leg or stage.leg,
            ),
            name=name,
            type=type_of_stage(stage_type or stage.type, name),
            service=service or stage.service,
            queue_s=stage.queue_s,
            artifact=named_artifact(artifact, artifact_hash, version),
        )

    export_and_leave(context, record)
