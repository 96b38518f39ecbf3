"""Sending the metrics by OTLP, as the standard OTEL_* variables of the collector's environment say."""

import logging
import os
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.environment_variables import OTEL_METRICS_EXPORTER
from opentelemetry.sdk import environment_variables as env
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)

from otel_vsm_collector.settings import Address

_logger = logging.getLogger(__name__)

_GRPC, _HTTP = "grpc", "http/protobuf"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

WithFacts = Callable[[MetricsData], MetricsData]


def readers(with_facts: WithFacts, own: Collection[Address] = ()) -> list[MetricReader]:
    """A reader that sends every OTEL_METRIC_EXPORT_INTERVAL; none where no OTLP endpoint is configured.

    None either where the endpoint is one of `own`, the addresses that this collector receives spans at:
    whoever has set it for pipelines may start the collector from the same shell.
    """
    if not _wanted():
        return []
    endpoint = _value(env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT) or _value(env.OTEL_EXPORTER_OTLP_ENDPOINT)
    if _is_own(endpoint, own):
        _logger.warning("metrics are not sent: %s is this collector, which takes spans only", endpoint)
        return []
    return [PeriodicExportingMetricReader(FactExporter(_otlp_exporter(), with_facts))]


class FactExporter(MetricExporter):
    """Adds the metrics over facts to those that the SDK hands to an exporter.

    The SDK has no observable histogram, and facts are counted in the database: there is no instrument that
    they could go through.
    """

    def __init__(self, exporter: MetricExporter, with_facts: WithFacts) -> None:
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self._with_facts = with_facts
        if AggregationTemporality.DELTA in (exporter._preferred_temporality or {}).values():
            _logger.warning(
                "%s asks for deltas; metrics of changes, stages and incidents are sent as running totals",
                env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE,
            )

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        return self._exporter.export(self._with_facts(metrics_data), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._exporter.shutdown(timeout_millis, **kwargs)


def _wanted() -> bool:
    if _value(env.OTEL_SDK_DISABLED) == "true":
        return False
    if not (_value(env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT) or _value(env.OTEL_EXPORTER_OTLP_ENDPOINT)):
        return False
    names = [name.strip() for name in (_value(OTEL_METRICS_EXPORTER) or "otlp").split(",")]
    unknown = [name for name in names if name not in ("otlp", "none")]
    if unknown:
        _logger.warning(
            "%s names %s; the collector knows otlp and none, and /metrics is always there",
            OTEL_METRICS_EXPORTER,
            ", ".join(unknown),
        )
    return "otlp" in names


def _is_own(endpoint: str, own: Collection[Address]) -> bool:
    where = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    return any(where.port == address.port and where.hostname in (address.host, *_LOOPBACK) for address in own)


def _otlp_exporter() -> MetricExporter:
    named = _value(env.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL) or _value(env.OTEL_EXPORTER_OTLP_PROTOCOL)
    if named not in ("", _GRPC, _HTTP):
        _logger.warning(
            "the OTLP protocol %r is not known; %s is used; known are %s, %s", named, _HTTP, _HTTP, _GRPC
        )
    if named == _GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter

        return GrpcExporter(timeout=_timeout_s())
    import requests
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter

    # What ~/.netrc has for the host would take the place of the Authorization that is configured.
    session = requests.Session()
    session.auth = lambda request: request
    return HttpExporter(timeout=_timeout_s(), session=session)


def _timeout_s() -> float:
    """The configured timeout, which is in milliseconds; the exporters would take the number for seconds."""
    named = _value(env.OTEL_EXPORTER_OTLP_METRICS_TIMEOUT) or _value(env.OTEL_EXPORTER_OTLP_TIMEOUT)
    if named and not (named.isdecimal() and int(named)):
        _logger.warning("the OTLP timeout %r is no number of milliseconds; 10000 is used", named)
        named = ""
    return int(named or 10_000) / 1000


def _value(name: str) -> str:
    return os.environ.get(name, "").strip().lower()
