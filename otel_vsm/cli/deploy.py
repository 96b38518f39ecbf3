"""`otel-vsm deploy`: a version of a service put into an environment."""

import os
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import click

from otel_vsm.cli.options import (
    CommonOptions,
    artifact_options,
    at_option,
    choice,
    common_options,
    leg_option,
    now_ns,
    required_text,
    text_option,
)
from otel_vsm.cli.wrapper import (
    ChangeTimes,
    MaybeWrappingCommand,
    export_and_leave,
    find_context_safely,
    leg_of,
    named_artifact,
    new_span_id,
    origin_of,
    queued_for_s,
    run_and_export,
    wrapped_command,
)
from otel_vsm.context import Context, Subject, trace_parent_of_change
from otel_vsm.semconv import CICD_PIPELINE_RUN_ID, DeploymentKind, StageType, TaskResult

if TYPE_CHECKING:
    from otel_vsm.emit import Origin, Run
    from otel_vsm.identity import ChangeId
    from otel_vsm.record import Record

DEPLOYMENT_VARIABLE = "OTEL_VSM_DEPLOYMENT_ID"
DEPLOYMENT_TRACEPARENT_VARIABLE = "OTEL_VSM_DEPLOYMENT_TRACEPARENT"
"""What the command may hand on to the service that it deploys, to link its start to the deployment."""


class _Options(NamedTuple):
    """The options of the command, with their defaults filled in."""

    id: str
    name: str
    service: str
    environment: str
    kind: str
    previous: str | None
    paths: tuple[str, ...]
    artifact: str | None
    artifact_hash: str | None
    version: str | None
    leg: str | None


@click.command(cls=MaybeWrappingCommand)
@text_option("--service", required=True, help="The service that is deployed.")
@text_option("--environment", required=True, help="Where to: production, staging.")
@click.option(
    "--kind",
    type=choice(DeploymentKind),
    default=DeploymentKind.ROLLOUT.value,
    show_default=True,
    help="Whether it brings something new, brings an earlier version back or repairs what another one broke.",
)
@text_option(
    "--previous",
    help="The revision that ran there before: the changes since then are the ones that are delivered.",
)
@click.option(
    "--path",
    "paths",
    type=required_text,
    metavar="PATHSPEC",
    multiple=True,
    help="Where the service's sources are, in a repository of several: a path, or another of git's "
    "pathspecs. Only commits that touch it are delivered; may be repeated.",
)
@artifact_options
@text_option(
    "--deployment-id",
    help="What the deployment is called. Jobs that give the same one for the same service and environment "
    "are one deployment. Where none is given, what a run of the CI deploys of one revision and version is "
    "one, also where it is run again.",
)
@text_option("--name", default=StageType.DEPLOY.value, show_default=True, help="The stage's name.")
@click.option(
    "--result",
    type=choice(TaskResult),
    help="How it ended, where there is no command: success, unless it says otherwise.",
)
@leg_option
@at_option("When it happened, where there is no command.")
@common_options()
@click.pass_context
def deploy(
    ctx: click.Context,
    *,
    result: str | None,
    leg: str | None,
    service: str,
    environment: str,
    kind: str,
    previous: str | None,
    paths: tuple[str, ...],
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    deployment_id: str | None,
    name: str | None,
    at_ns: int | None,
    common: CommonOptions,
) -> None:
    """Tell of a deployment, or run a command as one.

    The command finds the deployment's id in OTEL_VSM_DEPLOYMENT_ID. Without a command, the deployment has
    been made.

    With --path, the deployment is of the last commit that touched the service's sources, whatever else the
    repository has got since.

    \b
    Example:
        otel-vsm deploy --service shop --environment production -- ./deploy.sh
        otel-vsm deploy --service shop --environment production --version v1.4.0
        otel-vsm deploy --service shop --environment production --result failure --at 2026-03-01T09:30:00Z
        otel-vsm deploy --service cart --environment production --path cart --path lib --previous v1.3.0
    """
    command = wrapped_command(ctx)
    common = common._replace(change_options=common.change_options._replace(paths=paths))
    if command and at_ns is not None:
        raise click.UsageError(
            "--at is for deployments without a command: of this one the time is known.", ctx
        )
    if command and result is not None:
        raise click.UsageError(
            "--result is for deployments without a command: of this one the result is known.", ctx
        )
    options = _Options(
        id=deployment_id or os.urandom(16).hex(),
        name=name or StageType.DEPLOY.value,
        service=service,
        environment=environment,
        kind=kind,
        previous=previous,
        paths=paths,
        artifact=artifact,
        artifact_hash=artifact_hash,
        version=version,
        leg=leg,
    )

    def id_in(context: Context) -> str:
        if deployment_id or at_ns is not None:  # what is told afterwards, this run of the CI did not deploy
            return options.id
        return _id_of_run(options, context) or options.id

    def to_record(origin: "Origin", run: "Run") -> "Record":
        return _record(options._replace(id=id_in(origin.context)), origin, run)

    if command:
        run_and_export(
            command,
            common,
            to_record=to_record,
            variables=lambda context: {DEPLOYMENT_VARIABLE: id_in(context)},
            traceparent_variables=(DEPLOYMENT_TRACEPARENT_VARIABLE,),
        )
    context = find_context_safely(common, Subject.WORK)
    from otel_vsm.emit import Run

    moment_ns = now_ns() if at_ns is None else at_ns
    run = Run(
        span_id=new_span_id(),
        start_ns=moment_ns,
        end_ns=moment_ns,
        result=TaskResult(result or TaskResult.SUCCESS),
    )
    parent = trace_parent_of_change(context.change, os.environ)

    def record() -> "Record":
        return to_record(origin_of(common, context, parent, backfilled=at_ns is not None), run)

    export_and_leave(context, record, ChangeTimes())


def _id_of_run(options: _Options, context: Context) -> str | None:
    """What the jobs of one run of the CI, and those of the run when it is tried again, call the deployment
    without knowing of each other; None outside of a run."""
    run = context.pipeline.get(CICD_PIPELINE_RUN_ID)
    if run is None:
        return None
    where = (context.repository, str(run), options.service, options.environment)
    # A rollback may be of the same checkout as what it takes back.
    what = (context.revision, options.version, options.kind)
    apart = "\0".join(part or "" for part in (*where, *what))
    return sha256(apart.encode()).hexdigest()[:32]


def _record(options: _Options, origin: "Origin", run: "Run") -> "Record":
    from dataclasses import replace

    from otel_vsm import emit

    paths = _usable(options.paths, origin.context)
    previous, carries = _since(options.previous, paths, origin.context) if options.previous else (None, ())
    return emit.deployment(
        origin,
        replace(run, leg=leg_of(options.leg, origin.context)),
        name=options.name,
        deployment=emit.Deployment(
            id=options.id,
            service=options.service,
            environment=options.environment,
            kind=DeploymentKind(options.kind),
            previous_revision=previous,
            carries=carries,
        ),
        artifact=named_artifact(options.artifact, options.artifact_hash, options.version),
        # Of one that is told afterwards, the job that tells it did not wait for it.
        queue_s=None if origin.backfilled else queued_for_s(None, run.start_ns, origin.context),
    )


def _usable(paths: tuple[str, ...], context: Context) -> tuple[str, ...] | None:
    """The paths that there are, and a warning for each that there is not; None: everywhere."""
    if not paths:
        return None
    from otel_vsm import git
    from otel_vsm.text import one_line, warn

    unknown = git.untouched_paths(paths, context.revision or "HEAD")
    for path, reason in unknown.items():
        warn(f"--path {one_line(path)} is left out: {one_line(reason)}")
    return tuple(path for path in paths if path not in unknown)


def _since(
    previous: str, paths: tuple[str, ...] | None, context: Context
) -> "tuple[str, tuple[ChangeId, ...]]":
    """The previous revision in full, and the changes besides its own that came since then."""
    from otel_vsm import git
    from otel_vsm.identity import change_of_commit
    from otel_vsm.message import change_names
    from otel_vsm.text import warn

    repository, revision = context.repository, context.revision
    in_full = git.full_sha(previous) or previous
    if not repository or not revision:
        warn("which changes are deployed cannot be told, since repository and revision are not known here")
        return in_full, ()
    if paths == ():
        return in_full, ()
    try:
        commits = git.commits_between(in_full, revision, paths or ())
    except git.CommitRangeError as error:
        warn(f"which changes are deployed cannot be told: {error}")
        return in_full, ()
    own = {context.change, change_of_commit(repository, revision)}
    changes = dict.fromkeys(name.change(repository) for name in change_names(commits, git.messages))
    return in_full, tuple(change for change in changes if change not in own)
