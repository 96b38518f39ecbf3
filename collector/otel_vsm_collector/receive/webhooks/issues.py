"""Issues of a forge that are incidents, by a label."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from otel_vsm.identity import Repository, owner_and_name
from otel_vsm.record import Record
from otel_vsm.semconv import EventName
from otel_vsm_collector.receive.webhooks.notification import Notification, incident_event, severity_of

_NAMED = r"(?P<what>{})\s*(?:::?|/|=)\s*(?P<name>.+)"


class Issue(NamedTuple):
    """An issue; times in nanoseconds since the epoch."""

    id: str
    labels: Sequence[str]
    created_ns: int | None
    closed_ns: int | None
    reopened_ns: int | None
    """When it was opened again, where that is what is notified of."""
    is_new: bool
    """Whether that it was created is what is notified of."""
    is_incident: bool = False
    """Whether the forge says so, without a label."""
    severity: str | None = None


def issue_records(notification: Notification, repository: Repository, issue: Issue) -> Iterator[Record]:
    """What happened to the incident that it is; nothing where it is none."""
    webhook = notification.webhook
    if not (issue.is_incident or webhook.incident_label.lower() in map(str.lower, issue.labels)):
        return
    about: dict[str, Any] = {
        "incident": issue.id,
        "service": _named("service", issue.labels) or owner_and_name(repository)[1],
        "environment": _named("env|environment", issue.labels),
        "severity": severity_of(issue.severity, *issue.labels),
    }
    detected, resolved = EventName.INCIDENT_DETECTED, EventName.INCIDENT_RESOLVED
    yield from incident_event(notification, detected, issue.created_ns, backfilled=not issue.is_new, **about)
    yield from incident_event(notification, detected, issue.reopened_ns, **about)
    yield from incident_event(notification, resolved, issue.closed_ns, **about)


def _named(what: str, labels: Sequence[str]) -> str | None:
    """What a label names: `service: shop`, `service/shop`, `service::shop`."""
    matches = (re.fullmatch(_NAMED.format(what), label.strip(), re.IGNORECASE) for label in labels)
    return next((match["name"] for match in matches if match), None)
