"""`otel-vsm deploy`: a version of a service put into an environment."""

import os
from typing import TYPE_CHECKING, NamedTuple

import click

from otel_vsm.cli.options import (
    CommonOptions,
    artifact_names,
    artifact_options,
    at_option,
    choice,
    common_options,
    now_ns,
    required_text,
    text_option,
)
from otel_vsm.cli.wrapper import (
    ChangeHistory,
    MaybeWrappingCommand,
    export_and_leave,
    find_context_safely,
    new_span_id,
    origin_of,
    run_and_export,
    wrapped_command,
)
from otel_vsm.context import Context, Subject, trace_parent_of_change
from otel_vsm.semconv import DeploymentKind, StageType, TaskResult

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
    help="What the deployment is called; made up otherwise. Jobs that give the same one are one deployment.",
)
@text_option("--name", default=StageType.DEPLOY.value, show_default=True, help="The stage's name.")
@at_option("When it happened, where there is no command.")
@common_options()
@click.pass_context
def deploy(
    ctx: click.Context,
    *,
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
        otel-vsm deploy --service cart --environment production --path cart --path lib --previous v1.3.0
    """
    command = wrapped_command(ctx)
    common = common._replace(change_options=common.change_options._replace(paths=paths))
    if command and at_ns is not None:
        raise click.UsageError(
            "--at is for deployments without a command: of this one the time is known.", ctx
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
    )

    def to_record(origin: "Origin", run: "Run") -> "Record":
        return _record(options, origin, run)

    if command:
        run_and_export(
            command,
            common,
            to_record=to_record,
            variables={DEPLOYMENT_VARIABLE: options.id},
            traceparent_variables=(DEPLOYMENT_TRACEPARENT_VARIABLE,),
        )
    context = find_context_safely(common, Subject.WORK)
    from otel_vsm.emit import Run

    at_ns = now_ns() if at_ns is None else at_ns
    run = Run(span_id=new_span_id(), start_ns=at_ns, end_ns=at_ns, result=TaskResult.SUCCESS)
    parent = trace_parent_of_change(context.change, os.environ)
    export_and_leave(context, lambda: to_record(origin_of(common, context, parent), run), ChangeHistory())


def _record(options: _Options, origin: "Origin", run: "Run") -> "Record":
    from otel_vsm import emit

    purl, digest = artifact_names(options.artifact, options.artifact_hash)
    paths = _usable(options.paths, origin.context)
    previous, carries = _since(options.previous, paths, origin.context) if options.previous else (None, ())
    return emit.deployment(
        origin,
        run,
        name=options.name,
        deployment=emit.Deployment(
            id=options.id,
            service=options.service,
            environment=options.environment,
            kind=DeploymentKind(options.kind),
            previous_revision=previous,
            carries=carries,
        ),
        artifact=emit.Artifact(purl=purl, hash=digest, version=options.version),
    )


def _usable(paths: tuple[str, ...], context: Context) -> tuple[str, ...] | None:
    """The paths that there are, and a warning for each that there is not; None: everywhere."""
    if not paths:
        return None
    from otel_vsm import git
    from otel_vsm.text import warn

    unknown = git.untouched_paths(paths, context.revision or "HEAD")
    for path, reason in unknown.items():
        warn(f"--path {path} is left out: {reason}")
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
