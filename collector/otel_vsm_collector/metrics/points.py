"""Points of OpenTelemetry's metric data model, from plain values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality

from otel_vsm import semconv
from otel_vsm.identity import repository_url
from otel_vsm.semconv.metrics import Metric

Attributes = Mapping[str, Any]
MAX_ATTRIBUTE_SETS = 2000
"""Of one metric, as in OpenTelemetry's SDK; what comes beyond is summed in one more, marked OVERFLOW."""
OVERFLOW = {"otel.metric.overflow": True}

_SPELLING: Mapping[str, Callable[[Any], str]] = {
    semconv.VCS_REPOSITORY_NAME: lambda repository: str(repository).rpartition("/")[2],
    semconv.VCS_REPOSITORY_URL_FULL: repository_url,
}
"""How an attribute is written of which facts have another form."""


def gauge(metric: Metric, values: Iterable[tuple[Attributes, float]], now_ns: int) -> sdk.Metric:
    """The values of a gauge, true at `now_ns`."""
    points = [sdk.NumberDataPoint(attributes, 0, now_ns, value) for attributes, value in values]
    return _metric(metric, sdk.Gauge(points))


def up_down(
    metric: Metric, values: Iterable[tuple[Attributes, int]], start_ns: int, now_ns: int
) -> sdk.Metric:
    """The values of an up-down counter: what there is of something at `now_ns`."""
    each = list(values)
    each, beyond = each[:MAX_ATTRIBUTE_SETS], each[MAX_ATTRIBUTE_SETS:]
    if beyond:
        each.append((OVERFLOW, sum(value for _, value in beyond)))
    points = [sdk.NumberDataPoint(attributes, start_ns, now_ns, value) for attributes, value in each]
    return _metric(metric, sdk.Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=False))


def counter(
    metric: Metric, values: Iterable[tuple[Attributes, int]], start_ns: int, now_ns: int
) -> sdk.Metric:
    """The values of a counter that began at 0 at `start_ns`."""
    points = [sdk.NumberDataPoint(attributes, start_ns, now_ns, value) for attributes, value in values]
    return _metric(metric, sdk.Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True))


def histogram(metric: Metric, points: Sequence[sdk.HistogramDataPoint]) -> sdk.Metric:
    return _metric(metric, sdk.Histogram(points, AggregationTemporality.CUMULATIVE))


def attributes(said: Attributes) -> dict[str, Any]:
    """The attributes of what facts say under their keys.

    Those without a value are left out: there is no null in OpenTelemetry, and an empty text says nothing.
    """
    return {
        key: _SPELLING[key](value) if key in _SPELLING else value
        for key, value in said.items()
        if value not in (None, "")
    }


def _metric(metric: Metric, data: sdk.DataT) -> sdk.Metric:
    return sdk.Metric(metric.name, metric.brief, metric.unit, data)
