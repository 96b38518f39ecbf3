"""Records as spans of the SDK, for tests that are written for its `InMemorySpanExporter`."""

from collections.abc import Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from otel_vsm import __version__
from otel_vsm.export.parcel import Parcel
from otel_vsm.identity import SpanId, TraceId
from otel_vsm.record import Record
from otel_vsm.semconv import SCHEMA_URL, SCOPE_NAME, VSM_LINK_KIND, LinkKind

_SCOPE = InstrumentationScope(SCOPE_NAME, __version__, SCHEMA_URL)
_TO_ANCESTOR = {VSM_LINK_KIND: LinkKind.ANCESTOR.value}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def spans(parcel: Parcel) -> Sequence[ReadableSpan]:
    """The records of a parcel, under its resource."""
    resource = Resource({**parcel.resource})
    return [_span(record, resource) for record in parcel.records]


def _span(record: Record, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        name=record.name,
        context=_context(record.trace_id, record.span_id),
        parent=_context(record.trace_id, record.parent_span_id) if record.parent_span_id else None,
        resource=resource,
        attributes=record.attributes,
        links=[
            *(Link(_context(*link)) for link in record.links),
            *(Link(_context(*link), _TO_ANCESTOR) for link in record.ancestors),
        ],
        status=Status(StatusCode.ERROR if record.failed else StatusCode.UNSET),
        start_time=record.start_ns,
        end_time=record.end_ns,
        instrumentation_scope=_SCOPE,
    )


def _context(trace_id: TraceId, span_id: SpanId) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)
