"""The page for Prometheus, written from the same points that go out by OTLP."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics import Exemplar as SdkExemplar
from opentelemetry.sdk.metrics import export as sdk
from prometheus_client import CollectorRegistry
from prometheus_client.core import Exemplar, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from otel_vsm.semconv import SERVICE_NAME
from otel_vsm_collector.metrics.prometheus_names import family_name, label_of, unit_of


def render(data: sdk.MetricsData, accept: str) -> tuple[bytes, str]:
    """The page and its content type: OpenMetrics, with exemplars, where `accept` asks for it."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(data))
    return encode(registry), content_type


class _Page(Collector):
    def __init__(self, data: sdk.MetricsData) -> None:
        self._data = data

    def collect(self) -> Iterator[Metric]:
        for resource in self._data.resource_metrics:
            attributes = {label_of(key): str(value) for key, value in resource.resource.attributes.items()}
            yield InfoMetricFamily("target", f"Whose metrics these are, {SERVICE_NAME} first.", attributes)
            for scope in resource.scope_metrics:
                yield from map(family, scope.metrics)


def family(metric: sdk.Metric) -> Metric:
    """A metric with its points, as Prometheus names and counts them."""
    unit = unit_of(metric.unit or "", is_gauge=isinstance(metric.data, sdk.Gauge))
    name = family_name(metric.name, unit)
    documentation = metric.description or ""
    match metric.data:
        case sdk.Gauge() | sdk.Sum(is_monotonic=False):
            made = Metric(name, documentation, "gauge")
            for point in metric.data.data_points:
                made.add_sample(name, _labels(point.attributes), point.value)
        case sdk.Sum():
            made = Metric(name, documentation, "counter")
            for point in metric.data.data_points:
                made.add_sample(f"{name}_total", _labels(point.attributes), point.value)
        case sdk.Histogram():
            made = Metric(name, documentation, "histogram")
            for histogram in metric.data.data_points:
                _add_histogram(made, histogram)
        case _:
            raise TypeError(f"{metric.name} is a {type(metric.data).__name__}, which has no form here")
    if unit in ("seconds", "bytes", "ratio"):
        made.unit = unit
    return made


def _add_histogram(made: Metric, point: sdk.HistogramDataPoint) -> None:
    labels = _labels(point.attributes)
    # The values are within (bound before, bound], on both sides.
    examples = {bisect_left(point.explicit_bounds, example.value): example for example in point.exemplars}
    reached = 0
    for bucket, count in enumerate(point.bucket_counts):
        reached += count
        bound = point.explicit_bounds[bucket] if bucket < len(point.explicit_bounds) else float("inf")
        made.add_sample(
            f"{made.name}_bucket",
            labels | {"le": _number(bound)},
            reached,
            exemplar=_exemplar(examples[bucket]) if bucket in examples else None,
        )
    made.add_sample(f"{made.name}_count", labels, point.count)
    made.add_sample(f"{made.name}_sum", labels, point.sum)


def _exemplar(example: SdkExemplar) -> Exemplar | None:
    if example.trace_id is None:
        return None
    labels = {"trace_id": f"{example.trace_id:032x}"}
    if example.span_id:
        labels["span_id"] = f"{example.span_id:016x}"
    return Exemplar(labels, example.value, example.time_unix_nano / 1e9)


def _labels(attributes: Mapping[str, Any] | None) -> dict[str, str]:
    return {label_of(key): _text(value) for key, value in (attributes or {}).items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]
