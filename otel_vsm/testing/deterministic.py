"""Times and ids that are the same in every run, so that a test can spell them."""

from datetime import UTC, datetime
from itertools import count

from opentelemetry.sdk.trace.id_generator import IdGenerator

from otel_vsm.identity import SpanId, TraceId


class FakeClock:
    """Called, it tells the time in nanoseconds since the epoch, as `time.time_ns` does."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """`start` needs a time zone; only its whole seconds count."""
        if start.tzinfo is None:
            raise ValueError(f"{start} has no time zone: give it one, such as datetime.UTC")
        self._now_ns = int(start.timestamp()) * 1_000_000_000

    def __call__(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> int:
        """Move on by so many seconds, which may be negative: clocks do step. The new time."""
        self._now_ns += round(seconds * 1_000_000_000)
        return self._now_ns


class CountingIds(IdGenerator):
    """1, 2, 3 …, for spans and traces each; also to be given to the SDK's `TracerProvider`."""

    def __init__(self) -> None:
        self._spans = count(1)
        self._traces = count(1)

    def span_id(self) -> SpanId:
        return SpanId(f"{self.generate_span_id():016x}")

    def trace_id(self) -> TraceId:
        return TraceId(f"{self.generate_trace_id():032x}")

    def generate_span_id(self) -> int:
        return next(self._spans)

    def generate_trace_id(self) -> int:
        return next(self._traces)
