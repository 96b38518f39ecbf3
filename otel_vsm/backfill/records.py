"""What a history delivered, as records. The same history gives the same ones, so sending it twice is
sending it once."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from otel_vsm import emit
from otel_vsm.backfill.deliveries import Change, Deliveries, Deployment
from otel_vsm.context import TraceParent
from otel_vsm.identity import ChangeId, Repository, change_root, event_span_id
from otel_vsm.record import Record
from otel_vsm.semconv import EventName, StageType, TaskResult

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the history is told of, and where its tags were deployed."""

    repository: Repository
    service: str
    environment: str
    team: str | None = None


def record_count(deliveries: Deliveries) -> int:
    """How many records they give."""
    return 2 * len(deliveries.changes) + len(deliveries.deployments)


def records(deliveries: Deliveries, target: Target) -> Iterator[Record]:
    """Two point events for each change, and a span for each deployment."""
    for change in deliveries.changes.values():
        origin = _origin(target, change, change.revision)
        yield emit.event(
            origin, EventName.CHANGE_FIRST_COMMIT, at_ns=change.first_commit_s * _NS, attributes={}
        )
        yield emit.event(origin, EventName.CHANGE_MERGED, at_ns=change.merged_s * _NS, attributes={})
    delivered: set[ChangeId] = set()
    for _, together in groupby(deliveries.deployments, key=lambda deployment: deployment.tag.at_s):
        of_one_second = list(together)
        for later, deployment in zip(reversed(range(len(of_one_second))), of_one_second, strict=True):
            # Git knows whole seconds. Of those that end together, the one that began first comes first.
            start_ns = deployment.tag.at_s * _NS - later
            yield _deployment(deployment, start_ns, deliveries.changes[deployment.head], target, delivered)
            delivered.update(deployment.carries)


def _deployment(
    deployment: Deployment, start_ns: int, head: Change, target: Target, delivered: set[ChangeId]
) -> Record:
    """A deployment's span; `delivered` are the changes that earlier ones carried."""
    tag = deployment.tag
    # Without the repository's name: one that is renamed has the same deployments.
    span_id = event_span_id(
        target.service, StageType.DEPLOY, "\0".join((target.environment, tag.name, tag.commit))
    )
    # That it lives in its head's trace says that it carries the head, unless that was delivered before. Where
    # another commit of it comes now, only a link can say so.
    carries = tuple(change for change in deployment.carries if change != head.id or change in delivered)
    return emit.deployment(
        _origin(target, head, tag.revision),
        emit.Run(span_id=span_id, start_ns=start_ns, end_ns=tag.at_s * _NS, result=TaskResult.SUCCESS),
        name=StageType.DEPLOY,
        deployment=emit.Deployment(
            # The tag for people, the hash because two services may have the same tags, and a tag can move.
            id=f"{tag.name}-{span_id}",
            service=target.service,
            environment=target.environment,
            carries=carries,
        ),
        artifact=emit.Artifact(version=tag.name),
    )


def _origin(target: Target, change: Change, revision: str) -> emit.Origin:
    return emit.Origin(
        context=change.context(target.repository, revision),
        parent=TraceParent(*change_root(change.id)),
        team=target.team,
        backfilled=True,
    )
