"""`otel-vsm begin` and `otel-vsm end`: a stage that no single command wraps, across processes."""

import os
from typing import TYPE_CHECKING

import click

from otel_vsm.cli.options import (
    CommonOptions,
    artifact_names,
    artifact_options,
    choice,
    common_options,
    now_ns,
    queued_at_option,
    queued_for_s,
    required_text,
    type_of_stage,
    type_option,
)
from otel_vsm.cli.wrapper import ChangeHistory, export_and_leave, find_context_safely, new_span_id, origin_of
from otel_vsm.context import Subject, trace_parent_of_change
from otel_vsm.semconv import TaskResult

if TYPE_CHECKING:
    from otel_vsm.record import Record


@click.command
@click.argument("name", type=required_text)
@type_option
@queued_at_option
@common_options()
def begin(*, name: str, stage_type: str | None, queued_ns: int | None, common: CommonOptions) -> None:
    """Begin a stage that no single command wraps.

    `otel-vsm end` ends it, from any process of this user on this machine: it is found by its change and NAME.

    \b
    Example:
        otel-vsm begin integration-tests --type test
        ...
        otel-vsm end integration-tests --result success
    """
    start_ns = now_ns()
    context = find_context_safely(common, Subject.WORK)

    parent = trace_parent_of_change(context.change, os.environ)
    resolved_type = type_of_stage(stage_type, name)
    span_id = new_span_id()

    from otel_vsm import open_stages
    from otel_vsm.text import warn

    stage = open_stages.OpenStage(
        span_id=span_id,
        start_ns=start_ns,
        parent=parent,
        type=resolved_type,
        queue_s=queued_for_s(queued_ns, start_ns),
        team=common.team,
        value_stream=common.value_stream,
        work_item=common.work_item,
        actor=common.actor,
        attributes=dict(common.attributes),
    )
    try:
        if open_stages.save(stage, context=context, name=name):
            warn(f"the stage {name} had been begun before and not ended; it begins anew")
    except OSError as error:
        warn(f"the stage {name} could not be kept, so that its end will not find it ({error})")

    def record() -> "Record":
        from otel_vsm import emit

        origin = origin_of(common, context, parent)
        return emit.stage_started(origin, name=name, type=resolved_type, span_id=span_id, at_ns=start_ns)

    export_and_leave(context, record, ChangeHistory())


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
@artifact_options
@common_options()
def end(
    *,
    name: str,
    result: str,
    stage_type: str | None,
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
    end_ns = now_ns()
    context = find_context_safely(common, Subject.WORK)

    from otel_vsm import open_stages
    from otel_vsm.text import warn

    try:
        stage = open_stages.pop(context=context, name=name)
    except OSError as error:
        warn(f"the begin of the stage {name} cannot be read, so its end is not told ({error})")
        return
    if stage is None:
        of = f" of {context.change}" if context.change else ""
        warn(f"the stage {name}{of} was not begun here, so its end is not told: otel-vsm begin {name}")
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
        purl, digest = artifact_names(artifact, artifact_hash)
        return emit.stage(
            origin_of(options, context, stage.parent),
            emit.Run(
                span_id=stage.span_id,
                start_ns=stage.start_ns,
                # The wall clock may have been set back since.
                end_ns=max(stage.start_ns, end_ns),
                result=TaskResult(result),
            ),
            name=name,
            type=type_of_stage(stage_type or stage.type, name),
            queue_s=stage.queue_s,
            artifact=emit.Artifact(purl=purl, hash=digest, version=version),
        )

    export_and_leave(context, record)
