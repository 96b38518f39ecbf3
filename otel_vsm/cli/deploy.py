"""`otel-vsm deploy`: a version of a service put into an environment."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import click

from otel_vsm.call import CommonOptions, RunOptions
from otel_vsm.cli.options import (
    artifact_options,
    at_option,
    choice,
    common_options,
    leg_option,
    now_ns,
    required_text,
    run_options,
    text_option,
)
from otel_vsm.cli.wrapper import MaybeWrappingCommand, wrapped_command
from otel_vsm.context import Context, Subject, trace_parent_of_change
from otel_vsm.identity import digest
from otel_vsm.semconv import CICD_PIPELINE_RUN_ID, DeploymentKind, StageType, TaskResult
from otel_vsm.wrapper import (
    ChangeTimes,
    export_and_leave,
    find_context_safely,
    leg_of,
    named_artifact,
    new_span_id,
    origin_of,
    queued_for_s,
    run_and_export,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_vsm.change_times import ChangeTime
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
@click.option(
    "--service",
    type=required_text,
    metavar="TEXT",
    help="The service that is deployed. Otherwise the command says it, where it is one of kubectl rollout, "
    "kubectl set image, helm upgrade, argocd app sync, aws ecs update-service or gcloud run deploy.",
)
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
    help="The revision that ran there before: the changes since then are the ones that are delivered. "
    "Without it, the collector compares with what it knows of the deployment before.",
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
@run_options
@common_options()
@click.pass_context
def deploy(
    ctx: click.Context,
    *,
    result: str | None,
    leg: str | None,
    service: str | None,
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
    how: RunOptions,
) -> None:
    """Tell of a deployment, or run a command as one.

    The command finds the deployment's id in OTEL_VSM_DEPLOYMENT_ID. Without a command, the deployment has
    been made.

    Which changes it delivers follows from the last 200 commits here: those that the deployment before it did
    not stand on. A clone has to hold them.

    What a well-known command says of the service, its version and the digest of its image need not be said
    again; what was taken from it is shown. The options win.

    With --path, the deployment is of the last commit that touched the service's sources, whatever else the
    repository has got since.

    \b
    Example:
        otel-vsm deploy --service shop --environment production -- ./deploy.sh
        otel-vsm deploy --service shop --environment production --version v1.4.0
        otel-vsm deploy --environment production -- helm upgrade shop ./chart --set image.tag=1.4.0
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
    if not command and how.timeout_s is not None:
        raise click.UsageError("--timeout is for a command. Put it behind --.", ctx)
    from otel_vsm.deploy_commands import deployed as read_command

    by_command = read_command(command)
    if service is None and by_command.service is None:
        raise click.UsageError("Missing option '--service'; there is no command that says it.", ctx)
    if by_command.rollback and ctx.get_parameter_source("kind") is click.core.ParameterSource.DEFAULT:
        kind = DeploymentKind.ROLLBACK.value
    named = any((artifact, artifact_hash, version))
    # What the user named wins; an image is told whole or not at all.
    by_command = by_command._replace(
        service=None if service else by_command.service,
        version=None if named else by_command.version,
        image=None if named else by_command.image,
        rollback=by_command.rollback and kind == DeploymentKind.ROLLBACK,
    )
    options = _Options(
        id=deployment_id or os.urandom(16).hex(),
        name=name or StageType.DEPLOY.value,
        service=service or by_command.service or "",
        environment=environment,
        kind=kind,
        previous=previous,
        paths=paths,
        artifact=artifact or by_command.image,
        artifact_hash=artifact_hash,
        version=version or by_command.version,
        leg=leg,
    )

    commits = _Commits(previous, paths)

    ids: list[str] = []

    def say(described: str) -> None:
        if described:
            from otel_vsm.text import one_line

            with suppress(OSError, ValueError):  # there may be nobody who reads it
                click.echo(f"otel-vsm: by the command: {one_line(described)}", err=True)

    def id_in(context: Context) -> str:
        if not ids:  # what the command was told stays so, also where more is known later
            by_run = None if at_ns is not None else _id_of_run(options, context)
            ids.append(deployment_id or by_run or options.id)
        return ids[0]

    def to_record(origin: "Origin", run: "Run") -> "Record":
        deployed = options._replace(id=id_in(origin.context))
        say(by_command.described())
        return _record(deployed, commits.changes(origin.context), origin, run)

    if command:
        run_and_export(
            command,
            common,
            how,
            name=options.name,
            type=lambda: StageType.DEPLOY,
            to_record=to_record,
            meanwhile=commits.changes,
            times=ChangeTimes(commits.times),
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

    export_and_leave(context, record, ChangeTimes(commits.times), strict=how.strict)


class _Changes(NamedTuple):
    """What git says of the changes that are deployed."""

    previous: str | None = None
    """The previous revision, in full."""
    carries: "tuple[ChangeId, ...]" = ()
    ancestors: "tuple[ChangeId, ...]" = ()
    cut_history: bool = False
    times: "tuple[ChangeTime, ...]" = ()
    """When these changes began and were merged."""
    warnings: tuple[str, ...] = ()


class _Commits:
    """The commits that are deployed. Git is asked once, which can be while the command runs."""

    def __init__(self, previous: str | None, paths: tuple[str, ...]) -> None:
        self._previous, self._paths = previous, paths
        self._changes: _Changes | None = None

    def changes(self, context: Context) -> _Changes:
        if self._changes is None:
            paths, warnings = _usable(self._paths, context)
            if self._previous:
                self._changes = _since(self._previous, paths, context)
            else:
                self._changes = _standing_on(paths, context)
            self._changes = self._changes._replace(warnings=(*warnings, *self._changes.warnings))
        return self._changes

    def times(self, context: Context) -> "Iterable[ChangeTime]":
        """When the changes besides its own began and were merged, as git has it."""
        changes = self.changes(context)
        linked = {*changes.carries, *changes.ancestors}
        return [time for time in changes.times if time.context.change in linked]


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
    return digest(apart)[:32]


def _record(options: _Options, changes: _Changes, origin: "Origin", run: "Run") -> "Record":
    from dataclasses import replace

    from otel_vsm import emit
    from otel_vsm.text import warn

    for warning in changes.warnings:
        warn(warning)
    return emit.deployment(
        origin,
        replace(run, leg=leg_of(options.leg, origin.context)),
        name=options.name,
        deployment=emit.Deployment(
            id=options.id,
            service=options.service,
            environment=options.environment,
            kind=DeploymentKind(options.kind),
            previous_revision=changes.previous,
            carries=changes.carries,
            ancestors=changes.ancestors,
            cut_history=changes.cut_history,
        ),
        artifact=named_artifact(options.artifact, options.artifact_hash, options.version),
        # Of one that is told afterwards, the job that tells it did not wait for it.
        queue_s=None if origin.backfilled else queued_for_s(None, run.start_ns, origin.context),
    )


def _usable(paths: tuple[str, ...], context: Context) -> tuple[tuple[str, ...] | None, list[str]]:
    """The paths that there are, None: everywhere, and a warning for each that there is not."""
    if not paths:
        return None, []
    from otel_vsm import git
    from otel_vsm.text import one_line

    unknown = git.untouched_paths(paths, context.revision or "HEAD")
    warnings = [f"--path {one_line(path)} is left out: {one_line(why)}" for path, why in unknown.items()]
    return tuple(path for path in paths if path not in unknown), warnings


def _since(previous: str, paths: tuple[str, ...] | None, context: Context) -> _Changes:
    """The previous revision in full, and the changes besides its own that came since then."""
    from otel_vsm import git
    from otel_vsm.ancestry import ancestry
    from otel_vsm.message import change_names

    repository, revision = context.repository, context.revision
    in_full = git.full_sha(previous) or previous
    if not repository or not revision:
        problem = (
            "which changes are deployed cannot be told, since repository and revision are not known here"
        )
        return _Changes(in_full, warnings=(problem,))
    if paths == ():
        return _Changes(in_full)
    try:
        commits = git.commits_between(in_full, revision, paths or ())
    except git.CommitRangeError as error:
        problem = f"which changes are deployed cannot be told: {error}"
        return _Changes(in_full, cut_history=True, warnings=(problem,))
    names = change_names(commits, git.messages)
    carries = _others((name.change(repository) for name in names), context)
    return _Changes(in_full, carries, times=ancestry(revision, repository, paths or ()).times)


def _standing_on(paths: tuple[str, ...] | None, context: Context) -> _Changes:
    """The changes besides its own that the revision stands on."""
    if not context.repository or not context.revision or paths == ():
        return _Changes()
    from otel_vsm.ancestry import ancestry

    found = ancestry(context.revision, context.repository, paths or ())
    return _Changes(ancestors=_others(found.changes, context), cut_history=found.cut, times=found.times)


def _others(changes: "Iterable[ChangeId]", context: Context) -> "tuple[ChangeId, ...]":
    """Each of the changes once, but for the one that is deployed itself."""
    from otel_vsm.identity import change_of_commit

    assert context.repository and context.revision
    own = {context.change, change_of_commit(context.repository, context.revision)}
    return tuple(change for change in dict.fromkeys(changes) if change not in own)
