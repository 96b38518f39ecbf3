"""The collector's own health, counted where it happens."""

from collections.abc import Callable

from opentelemetry.metrics import Meter

from otel_vsm.semconv import metrics as registry
from otel_vsm_collector.metrics import instruments

DERIVATION_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Health:
    """Instruments for the parts of the collector to write to; every method may be called from any thread."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.span_received = instruments.counter(meter, registry.VSM_COLLECTOR_SPAN_RECEIVED)
        self.span_rejected = instruments.counter(meter, registry.VSM_COLLECTOR_SPAN_REJECTED)
        self.span_filtered = instruments.counter(meter, registry.VSM_COLLECTOR_SPAN_FILTERED)
        self.span_unmapped = instruments.counter(meter, registry.VSM_COLLECTOR_SPAN_UNMAPPED)
        self.span_duplicate = instruments.counter(meter, registry.VSM_COLLECTOR_SPAN_DUPLICATE)
        self._log_received = instruments.counter(meter, registry.VSM_COLLECTOR_LOG_RECORD_RECEIVED)
        self._log_filtered = instruments.counter(meter, registry.VSM_COLLECTOR_LOG_RECORD_FILTERED)
        self._point_filtered = instruments.counter(meter, registry.VSM_COLLECTOR_DATA_POINT_FILTERED)
        self.derivation = instruments.histogram(
            meter, registry.VSM_COLLECTOR_DERIVATION_DURATION, DERIVATION_BOUNDS_S
        )
        """Record seconds."""

    def count_logs(self, received: int, filtered: int) -> None:
        """Log records, and those of them that tell of nothing of delivery."""
        self._log_received.add(received)
        self._log_filtered.add(filtered)

    def count_points(self, received: int, filtered: int) -> None:
        """Data points of metrics, of which none is kept."""
        self._point_filtered.add(filtered)

    def watch(
        self,
        *,
        lag_s: Callable[[], float],
        journal_bytes: Callable[[], int],
        journal_damaged: Callable[[], int],
    ) -> None:
        """Ask these whenever metrics are collected; call it once."""
        instruments.observed(self._meter, registry.VSM_COLLECTOR_LAG, lag_s)
        instruments.observed(self._meter, registry.VSM_COLLECTOR_JOURNAL_SIZE, journal_bytes)
        instruments.observed(self._meter, registry.VSM_COLLECTOR_JOURNAL_DAMAGED, journal_damaged)
