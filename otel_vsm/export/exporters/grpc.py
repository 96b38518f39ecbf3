"""OTLP over gRPC."""

import os
from pathlib import Path
from typing import Any, cast

# gRPC's core writes its own log on stderr, below Python's reach. It reads this when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_vsm.export.endpoint import USER_AGENT, Compression, Endpoint
from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.text import one_line

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# Not the spans' fault: who asks, and where.
_ADVICE = {
    grpc.StatusCode.UNAUTHENTICATED: "check OTEL_EXPORTER_OTLP_HEADERS",
    grpc.StatusCode.PERMISSION_DENIED: "check OTEL_EXPORTER_OTLP_HEADERS",
    grpc.StatusCode.UNIMPLEMENTED: "check OTEL_EXPORTER_OTLP_ENDPOINT",
}
_COMPRESSION = {Compression.NONE: grpc.Compression.NoCompression, Compression.GZIP: grpc.Compression.Gzip}
_STATUS_DETAILS = "grpc-status-details-bin"


class GrpcExporter:
    """One channel."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._channel: grpc.Channel | None = None

    def send(self, body: bytes, *, timeout_s: float) -> ExportResult:
        try:
            self._channel = self._channel or _channel(self._endpoint)
        except (OSError, ValueError) as error:
            advice = "check OTEL_EXPORTER_OTLP_CERTIFICATE"
            return ExportResult(Outcome.UNAVAILABLE, f"TLS: {one_line(str(error))}", advice=advice)
        export = self._channel.unary_unary(
            _METHOD, request_serializer=bytes, response_deserializer=ExportTraceServiceResponse.FromString
        )
        metadata = tuple((name.lower(), value) for name, value in self._endpoint.headers)
        try:
            partial = export(body, timeout=timeout_s, metadata=metadata).partial_success
        except grpc.RpcError as error:
            return _failure(cast(grpc.Call, error), timeout_s)
        except Exception as error:  # what is no message of gRPC raises what it likes
            return ExportResult(Outcome.REFUSED, one_line(str(error)))
        return ExportResult(Outcome.ACCEPTED, one_line(partial.error_message), max(0, partial.rejected_spans))

    def close(self) -> None:
        if self._channel:
            self._channel.close()


def _channel(endpoint: Endpoint) -> grpc.Channel:
    options: list[tuple[str, Any]] = [("grpc.primary_user_agent", USER_AGENT)]
    if endpoint.loopback:
        options.append(("grpc.enable_http_proxy", 0))
    compression = _COMPRESSION[endpoint.compression]
    if endpoint.insecure:
        return grpc.insecure_channel(endpoint.url, options, compression)
    files = (endpoint.certificate, endpoint.client_key, endpoint.client_certificate)
    credentials = grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))
    return grpc.secure_channel(endpoint.url, credentials, options, compression)


def _failure(call: grpc.Call, timeout_s: float) -> ExportResult:
    code, details = call.code(), call.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return ExportResult(Outcome.UNAVAILABLE, f"no answer within {timeout_s:.1f} s", retryable=True)
    retry_after_s = _retry_after_s(call)
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable(details, retry_after_s)
    reason = ": ".join(filter(None, (f"gRPC {code.name}", one_line(details))))
    if code in _ADVICE:
        return ExportResult(Outcome.UNAVAILABLE, reason, advice=_ADVICE[code])
    # Without a time, RESOURCE_EXHAUSTED says that the request is too large.
    if code in _RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and retry_after_s is not None):
        return ExportResult(Outcome.UNAVAILABLE, reason, retryable=True, retry_after_s=retry_after_s)
    return ExportResult(Outcome.REFUSED, reason)


def _retry_after_s(call: grpc.Call) -> float | None:
    """What the status asks for in a RetryInfo."""
    for key, value in call.trailing_metadata() or ():
        if key == _STATUS_DETAILS and isinstance(value, bytes):
            try:
                details = Status.FromString(value).details
                for detail in details:
                    if detail.Is(RetryInfo.DESCRIPTOR):
                        delay = RetryInfo.FromString(detail.value).retry_delay
                        return max(0.0, float(delay.seconds + delay.nanos / 1e9))
            except DecodeError:
                return None
    return None


def _unavailable(details: str, retry_after_s: float | None) -> ExportResult:
    """The core tells all of this apart in words only."""
    if "parsing HTTP/2" in details:
        advice = "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or the port for gRPC"
        return ExportResult(Outcome.UNAVAILABLE, "the answer is not gRPC", advice=advice)
    reason = one_line(details) or "not available"
    if "Connection refused" in details:
        reason = "refused"
    elif "lookup" in details or "DNS" in details:
        reason = "the name of the host is not known"
    return ExportResult(Outcome.UNAVAILABLE, reason, retryable=True, retry_after_s=retry_after_s)
