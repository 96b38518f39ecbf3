"""Instruments of OpenTelemetry's SDK, made from what the registry says of a metric."""

from collections.abc import Callable, Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from otel_vsm.semconv.metrics import Metric


def counter(meter: Meter, metric: Metric) -> Counter:
    """A counter that is there, at 0, before the first thing is counted: a rate needs a start."""
    made = meter.create_counter(metric.name, metric.unit, metric.brief)
    made.add(0)
    return made


def histogram(meter: Meter, metric: Metric, bounds: Sequence[float]) -> Histogram:
    return meter.create_histogram(
        metric.name, metric.unit, metric.brief, explicit_bucket_boundaries_advisory=bounds
    )


def observed(meter: Meter, metric: Metric, read: Callable[[], float]) -> None:
    """A gauge or up-down counter that asks `read` whenever metrics are collected."""

    def callback(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(read())

    make = {
        "gauge": meter.create_observable_gauge,
        "updowncounter": meter.create_observable_up_down_counter,
    }[metric.instrument]
    make(metric.name, [callback], metric.unit, metric.brief)
