"""OTLP over HTTP."""

import socket
from collections.abc import Iterator, Sequence
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any

import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_vsm import __version__
from otel_vsm.export import endpoint as target
from otel_vsm.export.exporters import Fate, Outcome, readable

MAX_ANSWER_BYTES = 4 * 1024 * 1024

_COMPRESSION = {
    target.Compression.NONE: Compression.NoCompression,
    target.Compression.GZIP: Compression.Gzip,
    target.Compression.DEFLATE: Compression.Deflate,
}
# Not the spans' fault: who asks, where, or how often.
_SET_UP = {
    401: "check OTEL_EXPORTER_OTLP_HEADERS",
    403: "check OTEL_EXPORTER_OTLP_HEADERS",
    404: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    405: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    407: "check HTTPS_PROXY",
}
_LATER = {408, 429, 502, 503, 504}


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

    def send(self, spans: Sequence[ReadableSpan]) -> Outcome:
        self._session.last = None
        result = self._exporter.export(spans)
        last = self._session.last
        if isinstance(last, Answer):
            return last.outcome()
        if last is not None:
            return _failure(last, self._timeout_s)
        if result is SpanExportResult.SUCCESS:
            return Outcome(Fate.ACCEPTED)
        return Outcome(Fate.REFUSED, "the spans could not be encoded")

    def close(self) -> None:
        self._session.close()


class _Session(requests.Session):
    """Remembers what came of the last request, since the exporter keeps it to itself."""

    last: "Answer | Exception | None" = None

    def __init__(self, *, use_proxies: bool) -> None:
        super().__init__()
        self._use_proxies = use_proxies

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if not self._use_proxies:
            options["proxies"] = {}
        try:
            # As a stream, so that what a hostile server answers is not read to its end.
            response = super().send(request, **{**options, "stream": True})
            body = response.raw.read(MAX_ANSWER_BYTES, decode_content=True)
        except Exception as error:
            self.last = error
            raise
        self.last = Answer(response, body)
        return response


class Answer:
    def __init__(self, response: requests.Response, body: bytes) -> None:
        self._code = response.status_code
        self._reason = response.reason or ""
        self._protobuf = "x-protobuf" in response.headers.get("content-type", "")
        self._body = body

    def outcome(self) -> Outcome:
        if 200 <= self._code < 300:
            return self._accepted()
        said = ": ".join(filter(None, (f"HTTP {self._code}", readable(self._message()))))
        if self._code in _SET_UP:
            return Outcome(Fate.UNAVAILABLE, said, remedy=_SET_UP[self._code])
        if self._code in _LATER:
            return Outcome(Fate.UNAVAILABLE, said)
        if 400 <= self._code < 500:
            return Outcome(Fate.REFUSED, said)
        return Outcome(Fate.FAULTED, said)

    def _accepted(self) -> Outcome:
        answer = ExportTraceServiceResponse()
        try:
            # Some receivers answer with JSON or plain text, whatever they were sent. It is a success still.
            answer.ParseFromString(self._body if self._protobuf else b"")
        except DecodeError:
            return Outcome(Fate.ACCEPTED)
        partial = answer.partial_success
        return Outcome(Fate.ACCEPTED, readable(partial.error_message), max(0, partial.rejected_spans))

    def _message(self) -> str:
        if self._protobuf:
            status = Status()
            try:
                status.ParseFromString(self._body)
            except DecodeError:
                return self._reason
            return str(status.message) or self._reason
        return self._reason


def _failure(error: BaseException, timeout_s: float) -> Outcome:
    """Why there was no answer; the libraries wrap the reason several times."""
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Outcome(Fate.UNAVAILABLE, "refused")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Outcome(Fate.UNAVAILABLE, "the name of the host is not known")
    if any(
        isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected) for cause in causes
    ):
        remedy = "if it speaks gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        return Outcome(Fate.UNAVAILABLE, "the answer is not HTTP/1.1", remedy=remedy)
    if isinstance(error, requests.exceptions.SSLError):
        remedy = "check OTEL_EXPORTER_OTLP_CERTIFICATE"
        return Outcome(Fate.UNAVAILABLE, f"TLS: {readable(str(causes[-1]))}", remedy=remedy)
    if isinstance(error, requests.exceptions.Timeout):
        return Outcome(Fate.UNAVAILABLE, f"no answer within {timeout_s:.1f} s")
    return Outcome(Fate.UNAVAILABLE, readable(str(causes[-1])) or type(causes[-1]).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
