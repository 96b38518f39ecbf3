"""What a source notifies of, and what is made of it: the records that otel-vsm's commands would have sent."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from otel_vsm import emit, semconv
from otel_vsm.change_times import time_ns
from otel_vsm.ci.source import as_text, at_path
from otel_vsm.context import Context, TraceParent
from otel_vsm.identity import (
    ChangeId,
    Repository,
    SpanReference,
    change_of_commit,
    change_of_request,
    change_root,
    event_span_id,
    incident_root,
    normalise_repository,
)
from otel_vsm.message import reverts_in_message
from otel_vsm.record import Record
from otel_vsm.semconv import ActorType, EventName, IncidentSeverity
from otel_vsm_collector.receive.webhooks.declared import Webhook

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_UNKNOWN_SHA = re.compile("0+")
_ZONE = re.compile(r" (?P<zone>UTC|[+-]\d{4})$")
_SEVERITIES = {
    IncidentSeverity.CRITICAL: "critical p0 p1 sev0 sev1 s0 s1 severity1 blocker emergency page",
    IncidentSeverity.HIGH: "high p2 sev2 s2 severity2 major error",
    IncidentSeverity.MEDIUM: "medium moderate p3 sev3 s3 severity3 warning",
    IncidentSeverity.LOW: "low minor p4 p5 sev4 sev5 s4 s5 severity4 severity5 info notice",
}
_SEVERITY_OF = {word: severity for severity, words in _SEVERITIES.items() for word in words.split()}


class Translation(NamedTuple):
    """What is made of a notification."""

    records: tuple[Record, ...] = ()
    missing: str = ""
    """Why nothing is made of it, in words for who looks why."""


NOTHING = Translation(missing="it tells of nothing that figures follow from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One request of a webhook, or one CDEvent."""

    body: Mapping[str, Any]
    webhook: Webhook
    source: str
    """Where it is from, as CloudEvents name it; also its type and id."""
    type: str
    id: str

    def at(self, path: str) -> Any:
        """What the body has at a path, `deployment.sha`; None where it has nothing."""
        return at_path(self.body, path)

    def text(self, path: str) -> str | None:
        """The same, where it is a text or a number."""
        return as_text(self.at(path))

    def time(self, path: str) -> int | None:
        """The same, where it is a time: nanoseconds since the epoch."""
        return nanoseconds(self.at(path))

    @property
    def reference(self) -> dict[str, str]:
        """What records made of it say of it."""
        named = {
            semconv.CLOUDEVENTS_EVENT_ID: self.id,
            semconv.CLOUDEVENTS_EVENT_SOURCE: self.source,
            semconv.CLOUDEVENTS_EVENT_TYPE: self.type,
        }
        return {key: value for key, value in named.items() if value}


Translate = Callable[[Mapping[str, str], Mapping[str, Any], Webhook], Translation]
"""Headers with names in lower case, the decoded body, and what is declared of the webhook."""


def nanoseconds(value: object) -> int | None:
    """A time of RFC 3339, or as GitLab and Ruby write it, in nanoseconds since the epoch; None where it is
    none, or the year 1 that stands for none."""
    text = _ZONE.sub(lambda zone: "+00:00" if zone["zone"] == "UTC" else zone["zone"], str(value))
    return time_ns(text)


def sha(value: object) -> str | None:
    """A full hash in lower case; None for anything else, and for the hash of no commit."""
    text = value if isinstance(value, str) else ""
    return text.lower() if _SHA.fullmatch(text) and not _UNKNOWN_SHA.fullmatch(text) else None


def repository_at(address: object) -> Repository | None:
    # JSON may hold half a character, which cannot be hashed.
    text = as_text(address)
    return normalise_repository(text) if text else None


def severity_of(*words: object) -> IncidentSeverity | None:
    """What the first word means that is one for a severity: `critical`, `P1`, `severity:high`, `sev-2`."""
    for word in words:
        text = re.sub(r"[\s_-]", "", str(word).lower())
        for part in (text, re.split("[:/=]", text)[-1]):
            if part in _SEVERITY_OF:
                return _SEVERITY_OF[part]
    return None


def change_origin(
    notification: Notification,
    repository: Repository,
    *,
    request: str | None = None,
    revision: str | None = None,
    branch: str | None = None,
    pipeline: Mapping[str, str | int] | None = None,
    actor: ActorType | None = None,
    backfilled: bool = False,
    **context: Any,
) -> emit.Origin:
    """Whose the records are: a request's, or a commit's; one of the two is needed. `context` are further
    fields of Context."""
    if request:
        change = change_of_request(repository, request)
    else:
        assert revision
        change = change_of_commit(repository, revision)
    return emit.Origin(
        context=Context(
            change=change,
            repository=repository,
            request=request,
            revision=revision,
            branch=branch,
            pipeline=pipeline or {},
            **context,
        ),
        parent=TraceParent(*change_root(change)),
        actor=actor,
        backfilled=backfilled,
        attributes=notification.reference,
    )


def happened(origin: emit.Origin, event: EventName, at_ns: int | None, **more: Any) -> tuple[Record, ...]:
    """The event; none where it is not known when it was."""
    return () if at_ns is None else (emit.event(origin, event, at_ns=at_ns, attributes=more),)


def abandoned_no_more(
    notification: Notification, repository: Repository, number: str, at_ns: int | None
) -> tuple[Record, ...]:
    """Takes back that a request was abandoned, as it was opened again."""
    if at_ns is None:
        return ()
    change = change_of_request(repository, number)
    span_id = event_span_id(change, EventName.CHANGE_ABANDONED)
    abandoned = SpanReference(change_root(change).trace_id, span_id)
    origin = change_origin(notification, repository, request=number)
    return (emit.retraction(origin, abandoned, at_ns=at_ns),)


def reverted_changes(repository: Repository, message: str) -> tuple[ChangeId, ...]:
    """The changes that a message takes back."""
    reverts = (revert.change(repository, sha(revert.commit)) for revert in reverts_in_message(message))
    return tuple(change for change in reverts if change)


def incident_event(
    notification: Notification,
    event: EventName,
    at_ns: int | None,
    *,
    incident: str,
    service: str,
    environment: str | None,
    severity: IncidentSeverity | None = None,
    deployment: str | None = None,
    backfilled: bool = False,
) -> tuple[Record, ...]:
    """An event of an incident, as `otel-vsm incident` tells it; none where it is not known when it was."""
    if at_ns is None:
        return ()
    webhook = notification.webhook
    origin = emit.Origin(
        context=Context(),
        parent=TraceParent(*incident_root(incident)),
        backfilled=backfilled,
        attributes=notification.reference,
    )
    attributes = {
        semconv.VSM_INCIDENT_ID: incident,
        semconv.VSM_INCIDENT_SEVERITY: severity,
        semconv.SERVICE_NAME: webhook.service(service),
        semconv.DEPLOYMENT_ENVIRONMENT_NAME: environment or webhook.environment,
        semconv.DEPLOYMENT_ID: deployment,
    }
    return (emit.event(origin, event, at_ns=at_ns, owner=incident, attributes=attributes),)


def deployment_started(
    origin: emit.Origin, deployment: emit.Deployment, at_ns: int | None
) -> tuple[Record, ...]:
    """That a deployment began, which its end does not say."""
    if at_ns is None:
        return ()
    attributes = {
        semconv.DEPLOYMENT_ID: deployment.id,
        semconv.SERVICE_NAME: deployment.service,
        semconv.DEPLOYMENT_ENVIRONMENT_NAME: deployment.environment,
    }
    event = EventName.DEPLOYMENT_STARTED
    return (emit.event(origin, event, at_ns=at_ns, subject=deployment.id, attributes=attributes),)


def with_backfilled(origin: emit.Origin, *, backfilled: bool) -> emit.Origin:
    """The same for what is told along, of which it is no delay that it comes late."""
    return replace(origin, backfilled=backfilled)
