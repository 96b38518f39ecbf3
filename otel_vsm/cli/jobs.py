"""`otel-vsm jobs`: the jobs of a pipeline's run that no wrapper told of."""

import os
from typing import TYPE_CHECKING

import click

from otel_vsm.call import CommonOptions
from otel_vsm.cli.options import attribute, common_options, required_text
from otel_vsm.context import Context, Subject, trace_parent_of_change
from otel_vsm.wrapper import find_context_safely, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_vsm.ci.github_jobs import Job
    from otel_vsm.emit import Origin
    from otel_vsm.record import Record


@click.command
@click.option(
    "--stage",
    "stages",
    type=attribute,
    metavar="JOB=STAGE",
    multiple=True,
    help="The stage that a job is; otherwise it is called as the job. May be repeated.",
)
@click.option(
    "--wrapped",
    type=required_text,
    metavar="JOB",
    multiple=True,
    help="A job that tells of itself, where no name of its steps says so. May be repeated.",
)
@common_options()
def jobs(*, stages: tuple[tuple[str, str], ...], wrapped: tuple[str, ...], common: CommonOptions) -> None:
    """Tell of the jobs of this run that did not tell of themselves.

    For a job at the end of a workflow of GitHub Actions, with the token in GITHUB_TOKEN and the permission
    `actions: read`. What was skipped, or failed before a wrapper was called, becomes a stage with its result
    and with the time that it was queued. A job tells of itself where one of the steps that it began is called
    after otel-vsm, as steps without a name of their own are. Of those that --stage names, it is told since
    they were queued.

    \b
    Example:
        otel-vsm jobs
        otel-vsm jobs --stage unit=test --stage lint=build --wrapped package
    """
    from otel_vsm import export
    from otel_vsm.ci.github_jobs import JobsError, jobs_of_run
    from otel_vsm.text import one_line, warn

    if not export.configured():
        export.leave(0)
    try:
        token = os.environ.get("GITHUB_TOKEN")
        if not token:
            raise JobsError("GITHUB_TOKEN is not set: give the step env: {GITHUB_TOKEN: ${{ github.token }}}")
        context = find_context_safely(common, Subject.WORK)
        if context.missing:
            warn("; ".join(context.missing))
        named = dict(stages)
        records = []
        for job in jobs_of_run(os.environ, token):
            is_wrapped = job.is_wrapped or job.name in wrapped
            told = list(_records(job, named.get(job.name), is_wrapped, context, common))
            records += told
            what = "tells of itself" if is_wrapped else f"{job.result}, told as {told[0].name}"
            click.echo(f"otel-vsm: job {one_line(job.name)}: {one_line(what)}", err=True)
        if records:
            export.export(records)
    except JobsError as error:
        warn(f"the jobs of this run could not be told: {error}")
    export.leave(0)


def _records(
    job: "Job", stage: str | None, is_wrapped: bool, context: Context, common: CommonOptions
) -> "Iterator[Record]":
    from otel_vsm import emit
    from otel_vsm.semconv import VSM_STAGE_NAME, EventName
    from otel_vsm.stage import type_of_stage

    origin = _origin(job, context, common)
    if is_wrapped:
        if stage:
            told = {VSM_STAGE_NAME: stage}
            yield emit.event(
                origin, EventName.STAGE_QUEUED, at_ns=job.created_ns, subject=job.id, attributes=told
            )
        return
    name = stage or job.name
    run = emit.Run(
        span_id=job.span_id,
        start_ns=job.start_ns,
        end_ns=job.end_ns,
        result=job.result,
        leg=job.leg,
    )
    queue_s = (job.start_ns - job.created_ns) / 1e9
    yield emit.stage(origin, run, name=name, type=type_of_stage(None, name), queue_s=queue_s)


def _origin(job: "Job", context: Context, common: CommonOptions) -> "Origin":
    """With the job's own attributes in place of those of the job that we run in."""
    pipeline = {**context.pipeline, **job.attributes}
    return origin_of(
        common, context._replace(pipeline=pipeline), trace_parent_of_change(context.change, os.environ)
    )
