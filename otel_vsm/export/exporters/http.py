"""OTLP over HTTP."""

import socket
from collections.abc import Iterator, Sequence
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any

import requests
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_vsm import __version__
from otel_vsm.export import endpoint as target
from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.text import one_line

MAX_RESPONSE_BYTES = 4 * 1024 * 1024

_COMPRESSION = {
    target.Compression.NONE: Compression.NoCompression,
    target.Compression.GZIP: Compression.Gzip,
    target.Compression.DEFLATE: Compression.Deflate,
}
# Not the spans' fault: who asks, where, or how often.
_ADVICE = {
    401: "check OTEL_EXPORTER_OTLP_HEADERS",
    403: "check OTEL_EXPORTER_OTLP_HEADERS",
    404: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    405: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    407: "check HTTPS_PROXY",
}
_UNAVAILABLE = {408, 429, 502, 503, 504}


class HttpExporter:
    def __init__(self, endpoint: target.Endpoint, *, timeout_s: float) -> None:
        self._session = _Session(use_proxies=not endpoint.loopback)
        self._timeout_s = timeout_s
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint.url,
            headers={"user-agent": f"otel-vsm/{__version__} OTel-OTLP-Exporter-Python/{exporter_version}"},
            timeout=timeout_s,
            compression=_COMPRESSION[endpoint.compression],
            session=self._session,
        )

    def send(self, spans: Sequence[ReadableSpan]) -> ExportResult:
        self._session.last = None
        result = self._exporter.export(spans)
        last = self._session.last
        if isinstance(last, HttpResponse):
            return last.result()
        if last is not None:
            return _failure(last, self._timeout_s)
        if result is SpanExportResult.SUCCESS:
            return ExportResult(Outcome.ACCEPTED)
        return ExportResult(Outcome.REFUSED, "the spans could not be encoded")

    def close(self) -> None:
        self._session.close()


class _Session(requests.Session):
    """Remembers what came of the last request, since the exporter keeps it to itself."""

    last: "HttpResponse | Exception | None" = None

    def __init__(self, *, use_proxies: bool) -> None:
        super().__init__()
        self._use_proxies = use_proxies

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if not self._use_proxies:
            options["proxies"] = {}
        try:
            # As a stream, so that what a hostile server answers is not read to its end.
            response = super().send(request, **{**options, "stream": True})
            body = response.raw.read(MAX_RESPONSE_BYTES, decode_content=True)
        except Exception as error:
            self.last = error
            raise
        self.last = HttpResponse(response, body)
        return response


class HttpResponse:
    def __init__(self, response: requests.Response, body: bytes) -> None:
        self._code = response.status_code
        self._reason = response.reason or ""
        self._protobuf = "x-protobuf" in response.headers.get("content-type", "")
        self._body = body

    def result(self) -> ExportResult:
        if 200 <= self._code < 300:
            return self._accepted()
        reason = ": ".join(filter(None, (f"HTTP {self._code}", one_line(self._message()))))
        if self._code in _ADVICE:
            return ExportResult(Outcome.UNAVAILABLE, reason, advice=_ADVICE[self._code])
        if self._code in _UNAVAILABLE:
            return ExportResult(Outcome.UNAVAILABLE, reason)
        if 400 <= self._code < 500:
            return ExportResult(Outcome.REFUSED, reason)
        return ExportResult(Outcome.FAULTED, reason)

    def _accepted(self) -> ExportResult:
        response = ExportTraceServiceResponse()
        try:
            # Some receivers answer with JSON or plain text, whatever they were sent. It is a success still.
            response.ParseFromString(self._body if self._protobuf else b"")
        except DecodeError:
            return ExportResult(Outcome.ACCEPTED)
        partial = response.partial_success
        return ExportResult(Outcome.ACCEPTED, one_line(partial.error_message), max(0, partial.rejected_spans))

    def _message(self) -> str:
        if self._protobuf:
            status = status_pb2.Status()
            try:
                status.ParseFromString(self._body)
            except DecodeError:
                return self._reason
            return str(status.message) or self._reason
        return self._reason


def _failure(error: BaseException, timeout_s: float) -> ExportResult:
    """Why there was no answer; the libraries wrap the reason several times."""
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ExportResult(Outcome.UNAVAILABLE, "refused")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return ExportResult(Outcome.UNAVAILABLE, "the name of the host is not known")
    if any(
        isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected) for cause in causes
    ):
        advice = "if it speaks gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        return ExportResult(Outcome.UNAVAILABLE, "the answer is not HTTP/1.1", advice=advice)
    if isinstance(error, requests.exceptions.SSLError):
        advice = "check OTEL_EXPORTER_OTLP_CERTIFICATE"
        return ExportResult(Outcome.UNAVAILABLE, f"TLS: {one_line(str(causes[-1]))}", advice=advice)
    if isinstance(error, requests.exceptions.Timeout):
        return ExportResult(Outcome.UNAVAILABLE, f"no answer within {timeout_s:.1f} s")
    return ExportResult(Outcome.UNAVAILABLE, one_line(str(causes[-1])) or type(causes[-1]).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
