"""OTLP over gRPC."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

# gRPC's core writes its own log on stderr, below Python's reach. It reads this when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.grpc.version import __version__ as exporter_version
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_vsm import __version__
from otel_vsm.export import endpoint as target
from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.text import one_line

_REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.NOT_FOUND,
}
# RESOURCE_EXHAUSTED means too many requests as well as too large a one, so the next one is worth a try.
_FAULTED = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.RESOURCE_EXHAUSTED}
_ADVICE = {
    grpc.StatusCode.UNAUTHENTICATED: "check OTEL_EXPORTER_OTLP_HEADERS",
    grpc.StatusCode.PERMISSION_DENIED: "check OTEL_EXPORTER_OTLP_HEADERS",
    grpc.StatusCode.UNIMPLEMENTED: "check OTEL_EXPORTER_OTLP_ENDPOINT",
}


class GrpcExporter:
    def __init__(self, endpoint: target.Endpoint, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        agent = f"otel-vsm/{__version__} OTel-OTLP-Exporter-Python/{exporter_version}"
        options: list[tuple[str, Any]] = [("grpc.primary_user_agent", agent)]
        if endpoint.loopback:
            options.append(("grpc.enable_http_proxy", 0))
        with _without("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"):
            self._exporter = _Exporter(
                endpoint=endpoint.url,
                insecure=endpoint.insecure,
                timeout=timeout_s,
                compression=_COMPRESSION[endpoint.compression],
                channel_options=cast(Any, tuple(options)),
            )

    def send(self, spans: Sequence[ReadableSpan]) -> ExportResult:
        self._exporter.last = None
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # encoding is inside the exporter's call, and raises what it likes
            return ExportResult(Outcome.REFUSED, f"the spans could not be encoded: {one_line(str(error))}")
        last = self._exporter.last
        if isinstance(last, grpc.RpcError):
            return self._failure(last)
        if result is not SpanExportResult.SUCCESS:
            return ExportResult(Outcome.UNAVAILABLE, "the exporter failed")
        partial = (last or ExportTraceServiceResponse()).partial_success
        return ExportResult(Outcome.ACCEPTED, one_line(partial.error_message), max(0, partial.rejected_spans))

    def close(self) -> None:
        self._exporter.shutdown()

    def _failure(self, error: grpc.RpcError) -> ExportResult:
        call = cast(grpc.Call, error)
        code, details = call.code(), call.details() or ""
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ExportResult(Outcome.UNAVAILABLE, f"no answer within {self._timeout_s:.1f} s")
        if code is grpc.StatusCode.UNAVAILABLE:
            return _unavailable(details)
        reason = ": ".join(filter(None, (f"gRPC {code.name}", one_line(details))))
        if code in _ADVICE:
            return ExportResult(Outcome.UNAVAILABLE, reason, advice=_ADVICE[code])
        if code in _REFUSED:
            return ExportResult(Outcome.REFUSED, reason)
        return ExportResult(Outcome.FAULTED if code in _FAULTED else Outcome.UNAVAILABLE, reason)


class _Exporter(OTLPSpanExporter):
    """Remembers what came of the last call, since the SDK's exporter keeps it to itself."""

    last: "ExportTraceServiceResponse | grpc.RpcError | None" = None

    def _initialize_channel_and_stub(self) -> None:
        # Not public, but the only place: the channel is made here, and again after a broken connection. Were
        # it to go, failures would all be taken for an absent receiver; a test would tell.
        super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
        self._client = _Stub(self._client, self)  # type: ignore[assignment]


class _Stub:
    def __init__(self, stub: Any, exporter: _Exporter) -> None:
        self._stub = stub
        self._exporter = exporter

    def Export(self, request: ExportTraceServiceRequest, **options: Any) -> ExportTraceServiceResponse:
        try:
            response: ExportTraceServiceResponse = self._stub.Export(request, **options)
        except grpc.RpcError as error:
            self._exporter.last = error
            raise
        self._exporter.last = response
        return response


_COMPRESSION = {
    target.Compression.NONE: grpc.Compression.NoCompression,
    target.Compression.GZIP: grpc.Compression.Gzip,
}


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Hide a variable that the exporter reads even where it is told, and fails on where it is no number."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def _unavailable(details: str) -> ExportResult:
    """The core tells all of this apart in words only."""
    if "Connection refused" in details:
        return ExportResult(Outcome.UNAVAILABLE, "refused")
    if "lookup" in details or "DNS" in details:
        return ExportResult(Outcome.UNAVAILABLE, "the name of the host is not known")
    if "parsing HTTP/2" in details:
        advice = "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or the port for gRPC"
        return ExportResult(Outcome.UNAVAILABLE, "the answer is not gRPC", advice=advice)
    return ExportResult(Outcome.UNAVAILABLE, one_line(details) or "not available")
