"""Ids that count, so that a test can spell them."""

from itertools import count

from opentelemetry.sdk.trace.id_generator import IdGenerator

from otel_vsm.identity import SpanId, TraceId


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
