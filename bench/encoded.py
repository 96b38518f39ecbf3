"""Spans in protobuf, put together from parts that are encoded once.

Protobuf merges what is concatenated: the bytes of a span's ids and times, followed by those of attributes
that it shares with other spans, are the span. Encoding every span as a whole would take five times as long.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_vsm import semconv
from otel_vsm.identity import SpanReference

Value = str | float


def attributes(values: Mapping[str, Value]) -> bytes:
    """A span's attributes, as a part of it."""
    return Span(
        attributes=[KeyValue(key=key, value=_value(value)) for key, value in values.items()]
    ).SerializeToString()


@lru_cache(maxsize=100_000)
def shared(*pairs: tuple[str, Value]) -> bytes:
    """Attributes that many spans have."""
    return attributes(dict(pairs))


def links(roots: Iterable[SpanReference]) -> bytes:
    """Links to the roots of changes, as a part of a span."""
    return Span(
        links=[
            Span.Link(trace_id=bytes.fromhex(root.trace_id), span_id=bytes.fromhex(root.span_id))
            for root in roots
        ]
    ).SerializeToString()


def span(
    trace_id: bytes,
    span_id: bytes,
    parent_span_id: bytes,
    name: str,
    start_ns: int,
    end_ns: int,
    *parts: bytes,
) -> bytes:
    """A span of those parts."""
    head = Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
    )
    return head.SerializeToString() + b"".join(parts)


FAILED = Span(status=Status(code=Status.STATUS_CODE_ERROR)).SerializeToString()
"""The status, as a part of a span."""


def request(spans: Sequence[bytes]) -> bytes:
    """One OTLP trace request with these spans, sent by one wrapper."""
    scope = _WRAPPERS_SCOPE + b"".join(_inside(2, span) for span in spans)
    return _inside(1, _WRAPPERS_RESOURCE + _inside(2, scope))


def _value(value: Value) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(double_value=value)


def _inside(number: int, message: bytes) -> bytes:
    """A message as the field of that number of another one."""
    size, length = len(message), bytearray((number << 3 | 2,))
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes(length) + message


def _resource() -> bytes:
    spans = ResourceSpans()
    for key, value in (
        (semconv.SERVICE_NAME, "otel-vsm"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.36.0"),
    ):
        spans.resource.attributes.add(key=key).value.string_value = value
    return spans.SerializeToString()


_WRAPPERS_RESOURCE = _resource()
_WRAPPERS_SCOPE = ScopeSpans(scope=InstrumentationScope(name=semconv.SCOPE_NAME)).SerializeToString()
