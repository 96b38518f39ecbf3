"""`otel-vsm stage`: a command of the pipeline, told as a stage of its change."""

from typing import TYPE_CHECKING

import click

from otel_vsm.cli.options import (
    CommonOptions,
    artifact_options,
    common_options,
    leg_option,
    queued_at_option,
    required_text,
    service_option,
    type_of_stage,
    type_option,
)
from otel_vsm.cli.wrapper import (
    WrappingCommand,
    leg_of,
    named_artifact,
    queued_for_s,
    run_and_export,
    wrapped_command,
)
from otel_vsm.context import Context

if TYPE_CHECKING:
    from otel_vsm.emit import Artifact, Origin, Run
    from otel_vsm.record import Record


@click.command(cls=WrappingCommand)
@click.argument("name", type=required_text)
@type_option
@service_option
@leg_option
@queued_at_option
@artifact_options
@click.option(
    "--stamp",
    type=click.Path(dir_okay=False),
    help="After success, write to this file what was built from which change, for the image.",
)
@common_options()
@click.pass_context
def stage(
    ctx: click.Context,
    *,
    name: str,
    stage_type: str | None,
    service: str | None,
    leg: str | None,
    queued_ns: int | None,
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    stamp: str | None,
    common: CommonOptions,
) -> None:
    """Run a command as a stage of the change.

    NAME is what the stage is called, and should be the same for every change. The command gets the same
    input, output, arguments and signals as without otel-vsm, and its exit code is the exit code.

    \b
    Example:
        otel-vsm stage build -- make -j4
        otel-vsm stage unit-tests --type test --service cart -- pytest -q
        otel-vsm stage package --stamp vsm.json --version 1.4.0 -- docker build .
    """
    command = wrapped_command(ctx)
    if not command:
        raise click.UsageError(f"There is no command. Put it behind --: otel-vsm stage {name} -- make", ctx)

    named = (artifact, artifact_hash, version)

    def to_record(origin: "Origin", run: "Run") -> "Record":
        from dataclasses import replace

        from otel_vsm import emit

        return emit.stage(
            origin,
            replace(run, leg=leg_of(leg, origin.context)),
            name=name,
            type=type_of_stage(stage_type, name),
            service=service,
            queue_s=queued_for_s(queued_ns, run.start_ns, origin.context),
            artifact=named_artifact(*named) if any(named) else _pushed(command),
        )

    def leave_stamp(context: Context) -> None:
        from pathlib import Path

        from otel_vsm.artifact import artifact_of
        from otel_vsm.stamp import Stamp, write_stamp
        from otel_vsm.text import one_line, warn

        built = artifact_of(artifact, artifact_hash, version).artifact
        try:
            content = Stamp(
                change_id=context.change,
                repository=context.repository,
                revision=context.revision,
                version=version,
                artifact_purl=built.purl,
                artifact_hash=built.hash,
            )
            write_stamp(Path(stamp or ""), stamp=content)
        except Exception as error:  # the command succeeded, and so does this
            warn(f"the stamp {one_line(stamp or '')} was not written ({one_line(str(error))})")

    run_and_export(command, common, to_record=to_record, on_success=leave_stamp if stamp else None)


def _pushed(command: list[str]) -> "Artifact":
    """The image that the command pushes, where it is one that does."""
    from otel_vsm.deploy_commands import pushed

    return named_artifact(pushed(command).image, None, pushed(command).version)
