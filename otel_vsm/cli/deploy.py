"""`otel-vsm deploy`: a version of a service put into an environment."""

import os
from typing import TYPE_CHECKING, NamedTuple

import click

from otel_vsm.cli.options import (
    Common,
    artifact_names,
    artifact_options,
    at_option,
    choice,
    common_options,
    now_ns,
    text_option,
)
from otel_vsm.cli.wrapper import (
    MaybeWrappingCommand,
    deliver_and_leave,
    find_safely,
    new_span_id,
    run_and_tell,
    teller_of,
    wrapped_command,
)
from otel_vsm.context import Context, Subject, place_of_change
from otel_vsm.semconv import DeploymentKind, StageType, TaskResult

if TYPE_CHECKING:
    from otel_vsm.emit import Run, Teller
    from otel_vsm.identity import ChangeId
    from otel_vsm.record import Record

DEPLOYMENT_VARIABLE = "OTEL_VSM_DEPLOYMENT_ID"
DEPLOYMENT_TRACEPARENT_VARIABLE = "OTEL_VSM_DEPLOYMENT_TRACEPARENT"
"""What the command may hand on to the service that it deploys, to link its start to the deployment."""


class _Order(NamedTuple):
    """What was asked for."""

    id: str
    name: str
    service: str
    environment: str
    kind: str
    previous: str | None
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
    artifact: str | None,
    artifact_hash: str | None,
    version: str | None,
    deployment_id: str | None,
    name: str | None,
    at_ns: int | None,
    common: Common,
) -> None:
    """Tell of a deployment, or run a command as one.

    The command finds the deployment's id in OTEL_VSM_DEPLOYMENT_ID. Without a command, the deployment has
    been made.

    \b
    Example:
        otel-vsm deploy --service shop --environment production -- ./deploy.sh
        otel-vsm deploy --service shop --environment production --version v1.4.0
    """
    command = wrapped_command(ctx)
    if command and at_ns is not None:
        raise click.UsageError(
            "--at is for deployments without a command: of this one the time is known.", ctx
        )
    order = _Order(
        id=deployment_id or os.urandom(16).hex(),
        name=name or StageType.DEPLOY.value,
        service=service,
        environment=environment,
        kind=kind,
        previous=previous,
        artifact=artifact,
        artifact_hash=artifact_hash,
        version=version,
    )

    def tell(teller: "Teller", run: "Run") -> "Record":
        return _record(order, teller, run)

    if command:
        run_and_tell(
            command,
            common,
            tell=tell,
            variables={DEPLOYMENT_VARIABLE: order.id},
            traceparent_variables=(DEPLOYMENT_TRACEPARENT_VARIABLE,),
        )
    context = find_safely(common, Subject.WORK)
    from otel_vsm.emit import Run

    at_ns = now_ns() if at_ns is None else at_ns
    run = Run(span_id=new_span_id(), start_ns=at_ns, end_ns=at_ns, result=TaskResult.SUCCESS)
    where = place_of_change(context.change, os.environ)
    deliver_and_leave(context, lambda: tell(teller_of(common, context, where), run))


def _record(order: _Order, teller: "Teller", run: "Run") -> "Record":
    from otel_vsm import emit

    purl, digest = artifact_names(order.artifact, order.artifact_hash)
    previous, carries = _since(order.previous, teller.context) if order.previous else (None, ())
    return emit.deployment(
        teller,
        run,
        name=order.name,
        what=emit.Deployment(
            id=order.id,
            service=order.service,
            environment=order.environment,
            kind=DeploymentKind(order.kind),
            previous_revision=previous,
            carries=carries,
        ),
        artifact=emit.Artifact(purl=purl, hash=digest, version=order.version),
    )


def _since(previous: str, context: Context) -> "tuple[str, tuple[ChangeId, ...]]":
    """The previous revision in full, and the changes besides its own that came since then."""
    from otel_vsm import git
    from otel_vsm.identity import change_of_commit, change_of_request, request_in_message
    from otel_vsm.saying import warn

    repository, revision = context.repository, context.revision
    before = git.checkout(revision=previous, repository=False).commit
    in_full = before.sha if before else previous
    if not repository or not revision:
        warn("which changes are deployed cannot be told, since repository and revision are not known here")
        return in_full, ()
    try:
        commits = git.carried(in_full, revision)
    except git.HistoryError as error:
        warn(f"which changes are deployed cannot be told: {error}")
        return in_full, ()
    own = {context.change, change_of_commit(repository, revision)}
    found: dict[ChangeId, None] = {}
    for commit in commits:
        number = request_in_message(commit.message)
        change = change_of_request(repository, number) if number else change_of_commit(repository, commit.sha)
        if change not in own:
            found[change] = None
    return in_full, tuple(found)
