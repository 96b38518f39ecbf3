"""Parcels as OTLP. Importing this loads the OTLP messages."""

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_vsm import __version__
from otel_vsm.export.parcel import Parcel
from otel_vsm.identity import SpanReference
from otel_vsm.record import Record, Value
from otel_vsm.semconv import SCHEMA_URL, SCOPE_NAME, VSM_LINK_KIND, LinkKind
from otel_vsm.text import sendable

_SCOPE = InstrumentationScope(name=SCOPE_NAME, version=__version__)
# Not OpenTelemetry's own SDK, whose name it would be wrong to claim.
_SDK = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "otel-vsm",
    "telemetry.sdk.version": __version__,
}
_SAMPLED = 1
_TO_ANCESTOR = {VSM_LINK_KIND: LinkKind.ANCESTOR.value}


class EncodingError(ValueError):
    """Something in a parcel cannot be said in OTLP."""


def request_of(parcels: Iterable[Parcel]) -> ExportTraceServiceRequest:
    """One request with the parcels, each under its own resource; EncodingError where that cannot be."""
    try:
        # What stood on disk may be anything.
        return ExportTraceServiceRequest(
            resource_spans=[_resource_spans(parcel) for parcel in parcels if parcel.records]
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise EncodingError(str(error)) from error


def _resource_spans(parcel: Parcel) -> ResourceSpans:
    scope_spans = ScopeSpans(scope=_SCOPE, schema_url=SCHEMA_URL, spans=map(_span, parcel.records))
    return ResourceSpans(
        resource=Resource(attributes=_attributes({**parcel.resource, **_SDK})), scope_spans=[scope_spans]
    )


def _span(record: Record) -> Span:
    return Span(
        trace_id=_id(record.trace_id, 16),
        span_id=_id(record.span_id, 8),
        parent_span_id=_id(record.parent_span_id, 8) if record.parent_span_id else b"",
        flags=_SAMPLED,
        name=sendable(record.name),
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=record.start_ns,
        end_time_unix_nano=record.end_ns,
        attributes=_attributes(record.attributes),
        links=[
            *(_link(link, {}) for link in record.links),
            *(_link(link, _TO_ANCESTOR) for link in record.ancestors),
        ],
        status=Status(code=Status.STATUS_CODE_ERROR) if record.failed else None,
    )


def _link(link: SpanReference, attributes: Mapping[str, Value]) -> Span.Link:
    return Span.Link(
        trace_id=_id(link.trace_id, 16),
        span_id=_id(link.span_id, 8),
        flags=_SAMPLED,
        attributes=_attributes(attributes),
    )


def _id(digits: str, size: int) -> bytes:
    value = bytes.fromhex(digits)
    if len(value) != size:
        raise ValueError(f"an id has {len(value)} bytes and not {size}")
    return value


def _attributes(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=sendable(key), value=_value(value)) for key, value in attributes.items()]


def _value(value: object) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=sendable(value))
    raise TypeError(f"a {type(value).__name__} is no value of an attribute")
