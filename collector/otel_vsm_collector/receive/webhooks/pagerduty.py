"""PagerDuty, webhooks of version 3: https://developer.pagerduty.com/docs/webhooks-overview"""

from collections.abc import Mapping
from typing import Any

from otel_vsm.ci.source import as_text, at_path
from otel_vsm.record import Record
from otel_vsm.semconv import EventName
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.notification import (
    NOTHING,
    Notification,
    Translation,
    incident_event,
    severity_of,
)

_EVENTS = {
    "triggered": EventName.INCIDENT_DETECTED,
    "reopened": EventName.INCIDENT_DETECTED,
    "acknowledged": EventName.INCIDENT_ACKNOWLEDGED,
    "resolved": EventName.INCIDENT_RESOLVED,
}


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What PagerDuty tells; by the same content the same records."""
    kind = as_text(at_path(body, "event.event_type")) or ""
    notification = Notification(
        body=body,
        webhook=webhook,
        source=as_text(at_path(body, "event.data.html_url")) or "",
        type=f"com.pagerduty.{kind}",
        id=as_text(at_path(body, "event.id")) or "",
    )
    subject, _, action = kind.partition(".")
    event = _EVENTS.get(action) if subject == "incident" else None
    incident, service = notification.text("event.data.id"), notification.text("event.data.service.summary")
    if event is None or incident is None or service is None:
        return NOTHING
    about: dict[str, Any] = {
        "incident": incident,
        "service": service,
        "environment": None,
        "severity": severity_of(
            notification.at("event.data.priority.summary"), notification.at("event.data.urgency")
        ),
    }
    # Whichever of its webhooks comes, or is lost, that it was detected is known.
    records: tuple[Record, ...] = incident_event(
        notification,
        EventName.INCIDENT_DETECTED,
        notification.time("event.data.created_at"),
        backfilled=action != "triggered",
        **about,
    )
    if action != "triggered":
        records += incident_event(notification, event, notification.time("event.occurred_at"), **about)
    return Translation(records) if records else NOTHING
