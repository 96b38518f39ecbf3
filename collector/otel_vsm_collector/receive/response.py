"""What a verdict is in OTLP's words, the same for each transport."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_vsm_collector.spans.accept import Verdict

RETRY_AFTER_S = 1
"""When a sender that was told to come back may do so."""


def response(verdict: Verdict) -> ExportTraceServiceResponse:
    """The response to an accepted request; the partial success is unset where all is well."""
    if not verdict.message:
        return ExportTraceServiceResponse()
    partial = ExportTracePartialSuccess(rejected_spans=verdict.rejected, error_message=verdict.message)
    return ExportTraceServiceResponse(partial_success=partial)
