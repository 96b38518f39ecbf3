"""CDEvents: https://cdevents.dev/docs, versions 0.4 and 0.5, as CloudEvents carry them over HTTP.

What began and ended is told by two events, each of which says only its own time. A stage needs both, so that
runs of pipelines, tasks, builds and tests become none.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from otel_vsm import emit
from otel_vsm.artifact import artifact_of
from otel_vsm.ci.source import as_text, at_path
from otel_vsm.context import Context, TraceParent
from otel_vsm.identity import (
    ChangeId,
    Repository,
    SpanId,
    TraceId,
    change_root,
    digest,
    normalise_change_id,
    work_item_root,
)
from otel_vsm.record import Record
from otel_vsm.semconv import DeploymentKind, EventName, StageType, TaskResult
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.notification import (
    Notification,
    Translation,
    incident_event,
    repository_at,
    sha,
)

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MEDIA_TYPES = (STRUCTURED, BATCH, "application/json")
MAX_BATCH = 10_000
_TYPE = "dev.cdevents."
_CONTENT = "subject.content"
_CHANGE_EVENTS = {
    "created": EventName.CHANGE_OPENED,
    "reviewed": EventName.CHANGE_REVIEWED,
    "merged": EventName.CHANGE_MERGED,
    "abandoned": EventName.CHANGE_ABANDONED,
}
_INCIDENT_EVENTS = {
    "detected": EventName.INCIDENT_DETECTED,
    # That somebody reported it is no earlier than that it is known.
    "reported": EventName.INCIDENT_DETECTED,
    "resolved": EventName.INCIDENT_RESOLVED,
}
_DEPLOYMENTS = {
    "deployed": DeploymentKind.ROLLOUT,
    "upgraded": DeploymentKind.ROLLOUT,
    "rolledback": DeploymentKind.ROLLBACK,
}
# Nothing is declared of where events come from: they say it themselves.
_UNDECLARED = Webhook.model_construct(secret="", services={}, environment="production")


class NoEventError(ValueError):
    """The body is no CDEvent; the message says why."""


def events(media_type: str, headers: Mapping[str, str], body: object) -> list[Any]:
    """The CDEvents of a request whose body is decoded: one in binary or structured mode, or a batch of them.
    NoEventError where there is none, or more than may be."""
    if media_type == BATCH:
        if not isinstance(body, list):
            raise NoEventError("a batch of CloudEvents has to be an array")
        if len(body) > MAX_BATCH:
            raise NoEventError(f"a batch may hold {MAX_BATCH:,} CloudEvents; send fewer at a time")
        return [_data(event) for event in body]
    if "ce-type" in headers:
        return [body]
    # Who forgets the Content-Type of the structured mode means it all the same.
    return [_data(body)] if media_type == STRUCTURED or at_path(body, "specversion") else [body]


def _data(event: Any) -> Any:
    data = at_path(event, "data")
    if data is None:
        raise NoEventError("a CloudEvent without data says nothing")
    if isinstance(data, str):
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise NoEventError("the data of the CloudEvent is no JSON") from None
    return data


def translate(event: Any) -> Translation:
    """What a CDEvent tells; by the same content the same records. NoEventError where it is none."""
    kind = as_text(at_path(event, "context.type")) or ""
    if not isinstance(event, dict) or not kind.startswith(_TYPE):
        raise NoEventError(f"the event has no context.type that begins with {_TYPE}, as a CDEvent has")
    notification = Notification(
        body=event,
        webhook=_UNDECLARED,
        source=as_text(at_path(event, "context.source")) or "",
        type=kind,
        id=as_text(at_path(event, "context.id")) or "",
    )
    subject, _, predicate = kind.removeprefix(_TYPE).partition(".")
    records_of = _OF_SUBJECT.get(subject)
    at_ns = notification.time("context.timestamp")
    if records_of is None or at_ns is None:
        return Translation(missing=f"of {subject} nothing is made that figures follow from")
    records = tuple(records_of(notification, predicate.partition(".")[0], at_ns))
    missing = "" if records else f"it does not say which {subject} it is of, or where"
    return Translation(records, missing)


def _change(notification: Notification, predicate: str, at_ns: int) -> Iterator[Record]:
    event = _CHANGE_EVENTS.get(predicate)
    address = "/".join(
        filter(None, (notification.text(f"{_CONTENT}.repository.{part}") for part in ("source", "id")))
    )
    url = notification.text(f"{_CONTENT}.repository.url")
    origin = _of_change(notification, repository_at(url or address), notification.text("subject.id"))
    if event is not None and origin is not None:
        yield emit.event(origin, event, at_ns=at_ns, attributes={})


def _artifact(notification: Notification, predicate: str, at_ns: int) -> Iterator[Record]:
    """Which change a package is of."""
    origin = _of_change(
        notification,
        repository_at(notification.at(f"{_CONTENT}.change.source")),
        notification.text(f"{_CONTENT}.change.id"),
    )
    if predicate != "packaged" or origin is None:
        return
    yield emit.stage(
        origin,
        _instant(notification, at_ns),
        name=StageType.PACKAGE,
        type=StageType.PACKAGE,
        artifact=artifact_of(notification.text("subject.id"), None, None).artifact,
    )


def _service(notification: Notification, predicate: str, at_ns: int) -> Iterator[Record]:
    kind = _DEPLOYMENTS.get(predicate)
    service, environment = notification.text("subject.id"), _environment(notification)
    if kind is None or service is None or environment is None:
        return
    deployment_id = notification.id or digest(f"{service} {environment} {at_ns}")[:16]
    trace_id = TraceId(digest(f"vsm.deployment:{notification.source}:{deployment_id}")[:32])
    # Its change is that of its artifact.
    origin = emit.Origin(
        context=Context(), parent=TraceParent(trace_id, None), attributes=notification.reference
    )
    yield emit.deployment(
        origin,
        _instant(notification, at_ns),
        name=StageType.DEPLOY,
        deployment=emit.Deployment(id=deployment_id, service=service, environment=environment, kind=kind),
        artifact=artifact_of(notification.text(f"{_CONTENT}.artifactId"), None, None).artifact,
    )


def _incident(notification: Notification, predicate: str, at_ns: int) -> Iterator[Record]:
    event, incident = _INCIDENT_EVENTS.get(predicate), notification.text("subject.id")
    service = notification.text(f"{_CONTENT}.service.id") or notification.text(f"{_CONTENT}.service")
    if event is not None and incident is not None and service is not None:
        yield from incident_event(
            notification,
            event,
            at_ns,
            incident=incident,
            service=service,
            environment=_environment(notification),
        )


def _ticket(notification: Notification, predicate: str, at_ns: int) -> Iterator[Record]:
    item = notification.text("subject.id")
    if predicate != "created" or item is None:
        return
    origin = emit.Origin(
        context=Context(),
        parent=TraceParent(*work_item_root(item)),
        work_item=item,
        attributes=notification.reference,
    )
    yield emit.event(origin, EventName.WORK_ITEM_CREATED, at_ns=at_ns, owner=item, attributes={})


def _of_change(
    notification: Notification, repository: Repository | None, name: str | None
) -> emit.Origin | None:
    """Of the change that goes by this name in the repository: a number, or a commit."""
    if repository is None or name is None:
        return None
    revision = sha(name)
    change: ChangeId | None = normalise_change_id(f"{repository}{'@' if revision else '#'}{name}")
    if change is None:
        return None
    return emit.Origin(
        context=Context(
            change=change,
            repository=repository,
            request=None if revision else name,
            revision=revision,
        ),
        parent=TraceParent(*change_root(change)),
        attributes=notification.reference,
    )


def _instant(notification: Notification, at_ns: int) -> emit.Run:
    about = f"vsm.event:{notification.source}:{notification.id}:{at_ns}"
    return emit.Run(
        span_id=SpanId(digest(about)[:16]), start_ns=at_ns, end_ns=at_ns, result=TaskResult.SUCCESS
    )


def _environment(notification: Notification) -> str | None:
    return notification.text(f"{_CONTENT}.environment.name") or notification.text(
        f"{_CONTENT}.environment.id"
    )


_OF_SUBJECT = {
    "change": _change,
    "artifact": _artifact,
    "service": _service,
    "incident": _incident,
    "ticket": _ticket,
}
