"""Grafana Alerting, whose webhook has the form of Alertmanager's:
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/"""

from collections.abc import Mapping
from typing import Any

from otel_vsm_collector.receive.webhooks.alertmanager import alerts
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.notification import Translation


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What Grafana tells; by the same content the same records."""
    return alerts(headers, body, webhook, "com.grafana.alert")
