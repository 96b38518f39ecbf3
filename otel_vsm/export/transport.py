"""Records on their way out: as the SDK's spans, through an exporter.

Importing this loads the SDK, which takes as long as starting Python a few times over.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from opentelemetry.sdk.resources import (
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
    Resource,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from otel_vsm import __version__
from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.exporters import (
    Exporter,
    ExportResult,
    Outcome,
    load_exporter,
    silence_libraries,
)
from otel_vsm.export.parcel import Parcel
from otel_vsm.identity import SpanId, TraceId
from otel_vsm.record import Record, Value
from otel_vsm.semconv import SCHEMA_URL, SCOPE_NAME, VSM_LINK_KIND, LinkKind
from otel_vsm.text import one_line, sendable

_SCOPE = InstrumentationScope(SCOPE_NAME, __version__, SCHEMA_URL)
_TO_ANCESTOR = {VSM_LINK_KIND: LinkKind.ANCESTOR.value}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Sender:
    """A connection to an endpoint that takes parcels."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float) -> None:
        silence_libraries()
        self._exporter: Exporter = load_exporter(endpoint.protocol)(endpoint, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exporter.close()

    def send(self, parcels: Iterable[Parcel]) -> ExportResult:
        """Send the parcels in one request, and wait for its answer."""
        try:
            batch = [span for parcel in parcels for span in spans(parcel)]
        except (ValueError, TypeError, AttributeError) as error:  # what stood on disk may be anything
            return ExportResult(Outcome.REFUSED, f"the spans could not be encoded: {one_line(str(error))}")
        return self._exporter.send(batch)


def spans(parcel: Parcel) -> Sequence[ReadableSpan]:
    """The records of a parcel as spans of the SDK.

    The resource is built from what the parcel says, and not by `Resource.create`: that would name this
    process, give each command an instance id of its own, and run detectors that may hang.
    """
    resource = Resource({**_clean(parcel.resource), **_SDK})
    return [_span(record, resource) for record in parcel.records]


_SDK = {
    TELEMETRY_SDK_LANGUAGE: "python",
    TELEMETRY_SDK_NAME: "opentelemetry",
    TELEMETRY_SDK_VERSION: sdk_version,
}


def _span(record: Record, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        name=sendable(record.name),
        context=_context(record.trace_id, record.span_id),
        parent=_context(record.trace_id, record.parent_span_id) if record.parent_span_id else None,
        resource=resource,
        attributes=_clean(record.attributes),
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


def _clean(attributes: Mapping[str, Value] | Mapping[str, str]) -> dict[str, Value]:
    return {
        sendable(key): sendable(value) if isinstance(value, str) else value
        for key, value in attributes.items()
    }
