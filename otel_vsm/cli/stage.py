"""`otel-vsm stage`: a command of the pipeline, told as a stage of its change."""

import click

from otel_vsm.call import CommonOptions, RunOptions
from otel_vsm.cli.options import (
    artifact_options,
    common_options,
    leg_option,
    queued_at_option,
    required_text,
    run_options,
    service_option,
    type_option,
)
from otel_vsm.cli.wrapper import WrappingCommand, wrapped_command
from otel_vsm.stage import run_stage


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
@click.option(
    "--junit",
    type=required_text,
    metavar="PATTERN",
    multiple=True,
    help="Reports of tests in JUnit's XML that the command writes, 'reports/**/*.xml': how many tests there "
    "were, failed, were skipped and flaky, and the slowest, are told; may be repeated.",
)
@click.option(
    "--sarif",
    type=required_text,
    metavar="FILE",
    multiple=True,
    help="A scanner's report in SARIF that the command writes: how many findings there are of which severity "
    "is told; may be repeated.",
)
@run_options
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
    junit: tuple[str, ...],
    sarif: tuple[str, ...],
    common: CommonOptions,
    how: RunOptions,
) -> None:
    """Run a command as a stage of the change.

    NAME is what the stage is called, and should be the same for every change. The command gets the same
    input, output, arguments and signals as without otel-vsm, and its exit code is the exit code.

    \b
    Example:
        otel-vsm stage build -- make -j4
        otel-vsm stage unit-tests --type test --service cart -- pytest -q
        otel-vsm stage test --junit 'reports/*.xml' -- make test
        otel-vsm stage package --stamp vsm.json --version 1.4.0 -- docker build .
    """
    command = wrapped_command(ctx)
    if not command:
        raise click.UsageError(f"There is no command. Put it behind --: otel-vsm stage {name} -- make", ctx)

    run_stage(
        command,
        name=name,
        stage_type=stage_type,
        service=service,
        leg=leg,
        queued_ns=queued_ns,
        artifact=artifact,
        artifact_hash=artifact_hash,
        version=version,
        stamp=stamp,
        junit=junit,
        sarif=sarif,
        common=common,
        how=how,
    )
