"""Opsgenie, and the alerts of Jira Service Management:
https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/"""

from collections.abc import Mapping
from typing import Any

from otel_vsm.ci.source import as_text
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
    "Create": EventName.INCIDENT_DETECTED,
    "Acknowledge": EventName.INCIDENT_ACKNOWLEDGED,
    "Close": EventName.INCIDENT_RESOLVED,
}
_NO_SERVICE = "the alert names no service: give it the detail service, or an entity"


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What Opsgenie tells; by the same content the same records."""
    action = as_text(body.get("action")) or ""
    notification = Notification(
        body=body,
        webhook=webhook,
        source=as_text(body.get("integrationName")) or "",
        type=f"com.opsgenie.alert.{action.lower()}",
        id=headers.get("x-request-id", ""),
    )
    event, alert = _EVENTS.get(action), notification.text("alert.alertId")
    if event is None or alert is None:
        return NOTHING
    service = notification.text("alert.details.service") or notification.text("alert.entity")
    if service is None:
        return Translation(missing=_NO_SERVICE)
    about: dict[str, Any] = {
        "incident": alert,
        "service": service,
        "environment": notification.text("alert.details.environment"),
        "severity": severity_of(notification.at("alert.priority")),
    }
    created_ns = _of_milliseconds(notification.at("alert.createdAt"))
    records: tuple[Record, ...] = incident_event(
        notification, EventName.INCIDENT_DETECTED, created_ns, backfilled=action != "Create", **about
    )
    if action != "Create":
        updated_ns = _of_milliseconds(notification.at("alert.updatedAt"))
        records += incident_event(notification, event, updated_ns, **about)
    return Translation(records) if records else NOTHING


def _of_milliseconds(value: object) -> int | None:
    """Opsgenie writes when an alert was created in milliseconds, and when it was updated in nanoseconds."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    return value if value > 10**16 else value * 1_000_000
