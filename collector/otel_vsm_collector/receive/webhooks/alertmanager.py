"""Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config

Each alert that is sent here is an incident, once for each time that it fires: which ones are, its routes say.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from otel_vsm.ci.source import as_text, at_path
from otel_vsm.record import Record
from otel_vsm.semconv import EventName
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.notification import (
    Notification,
    Translation,
    incident_event,
    nanoseconds,
    severity_of,
)

_SERVICES = ("service", "service_name", "app", "job")
_ENVIRONMENTS = ("environment", "env", "deployment_environment_name", "deployment_environment")
_NO_SERVICE = f"no alert in it names its service; give it one of the labels {', '.join(_SERVICES)}"


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What Alertmanager tells; by the same content the same records."""
    return alerts(headers, body, webhook, "io.prometheus.alert")


def alerts(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook, type: str) -> Translation:
    """What a group of alerts tells, in the form that Alertmanager gave it."""
    notification = Notification(
        body=body,
        webhook=webhook,
        source=as_text(body.get("externalURL")) or "",
        type=type,
        id=as_text(body.get("groupKey")) or "",
    )
    listed = body.get("alerts")
    records = [
        record
        for alert in (listed if isinstance(listed, list) else ())
        for record in _alert(notification, alert)
    ]
    return Translation(tuple(records)) if records else Translation(missing=_NO_SERVICE)


def _alert(notification: Notification, alert: Any) -> Iterator[Record]:
    labels = at_path(alert, "labels")
    service = _first(labels, _SERVICES)
    fingerprint, started_at = as_text(at_path(alert, "fingerprint")), as_text(at_path(alert, "startsAt"))
    started_ns = nanoseconds(started_at)
    if not (service and fingerprint) or started_ns is None:
        return
    about: dict[str, Any] = {
        "incident": f"{fingerprint}-{started_ns // 1_000_000_000}",
        "service": service,
        "environment": _first(labels, _ENVIRONMENTS),
        "severity": severity_of(_first(labels, ("severity", "priority"))),
    }
    is_over = at_path(alert, "status") == "resolved"
    yield from incident_event(
        notification, EventName.INCIDENT_STARTED, started_ns, backfilled=is_over, **about
    )
    if is_over:
        yield from incident_event(
            notification, EventName.INCIDENT_RESOLVED, nanoseconds(at_path(alert, "endsAt")), **about
        )


def _first(labels: Any, names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := as_text(at_path(labels, name)))), None)
