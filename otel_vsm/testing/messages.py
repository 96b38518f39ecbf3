"""What is exported to the test receiver, and what it responds: OTLP in the terms of this project."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_vsm.export.endpoint import Protocol
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.record import Record
from otel_vsm.semconv import VSM_LINK_KIND, LinkKind


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span, with its resource and scope."""

    record: Record
    resource: Mapping[str, Any]
    scope: str
    scope_version: str
    schema_url: str


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A request as it arrived."""

    protocol: Protocol
    headers: Mapping[str, str]
    """Names in lower case. Over gRPC these are the metadata."""
    spans: tuple[ReceivedSpan, ...]

    @property
    def records(self) -> list[Record]:
        return [span.record for span in self.spans]


@dataclass(frozen=True, slots=True)
class ExportResponse:
    """What to respond to a request, over either protocol."""

    http: int = 200
    grpc: StatusCode = StatusCode.OK
    message: str = ""
    """Of an error, or of why spans were rejected."""
    rejected: int = 0
    """Spans that a successful response leaves out."""

    def to_message(self) -> ExportTraceServiceResponse:
        response = ExportTraceServiceResponse()
        if self.rejected or self.message:
            response.partial_success.rejected_spans = self.rejected
            response.partial_success.error_message = self.message
        return response


ACCEPT = ExportResponse()
BUSY = ExportResponse(503, StatusCode.UNAVAILABLE, "too busy")
BAD_REQUEST = ExportResponse(400, StatusCode.INVALID_ARGUMENT, "not understood")
UNAUTHENTICATED = ExportResponse(401, StatusCode.UNAUTHENTICATED, "who are you?")


def decode(message: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    """The spans of a request."""
    for resource in message.resource_spans:
        attributes = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    _record(span), attributes, scope.scope.name, scope.scope.version, scope.schema_url
                )


def _record(span: Span) -> Record:
    links: dict[bool, list[SpanReference]] = {True: [], False: []}
    for link in span.links:
        reference = SpanReference(TraceId(link.trace_id.hex()), SpanId(link.span_id.hex()))
        links[_attributes(link.attributes).get(VSM_LINK_KIND) == LinkKind.ANCESTOR].append(reference)
    return Record(
        trace_id=TraceId(span.trace_id.hex()),
        span_id=SpanId(span.span_id.hex()),
        parent_span_id=SpanId(span.parent_span_id.hex()) if span.parent_span_id else None,
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        links=tuple(links[False]),
        ancestors=tuple(links[True]),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
