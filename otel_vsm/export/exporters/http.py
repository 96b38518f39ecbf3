"""OTLP over HTTP."""

import gzip
import http.client
import os
import socket
import ssl
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from otel_vsm.export.endpoint import USER_AGENT, Compression, Endpoint
from otel_vsm.export.exporters import MAX_RESPONSE_BYTES, ExportResult, Outcome
from otel_vsm.text import one_line

_COMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.compress,
    Compression.DEFLATE: zlib.compress,
}
# Not the spans' fault: who asks, where, or how often.
_ADVICE = {
    401: "check OTEL_EXPORTER_OTLP_HEADERS",
    403: "check OTEL_EXPORTER_OTLP_HEADERS",
    404: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    405: "check OTEL_EXPORTER_OTLP_ENDPOINT",
    407: "check HTTPS_PROXY",
}
_RETRYABLE = frozenset({429, 502, 503, 504})
_CHUNK_BYTES = 1 << 16


class HttpExporter:
    """One connection, for all requests. Redirects are not followed, and ~/.netrc is not read."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: http.client.HTTPConnection | None = None
        self._headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": "application/x-protobuf",
            **_authorization(endpoint.url, "Authorization"),
            **(_authorization(_proxy(endpoint) or "", "Proxy-Authorization") if endpoint.insecure else {}),
            **dict(endpoint.headers),
        }
        if endpoint.compression is not Compression.NONE:
            self._headers["Content-Encoding"] = endpoint.compression.value

    def send(self, body: bytes, *, timeout_s: float) -> ExportResult:
        deadline = time.monotonic() + timeout_s
        body = _COMPRESS.get(self._endpoint.compression, bytes)(body)
        try:
            return self._exchange(body, deadline)
        except Exception as error:
            self.close()
            if time.monotonic() >= deadline or isinstance(error, TimeoutError):
                reason = f"no answer within {timeout_s:.1f} s"
                return ExportResult(Outcome.UNAVAILABLE, reason, retryable=True)
            return _failure(error)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, deadline: float) -> ExportResult:
        if self._connection:
            # The server may have closed it since; then there is nothing to learn from the failure.
            with suppress(ConnectionError, http.client.RemoteDisconnected):
                return self._request(self._connection, body, deadline)
            self._connection.close()
        self._connection = _connect(self._endpoint, _left_s(deadline))
        return self._request(self._connection, body, deadline)

    def _request(self, connection: http.client.HTTPConnection, body: bytes, deadline: float) -> ExportResult:
        connection.timeout = _left_s(deadline)
        # Each wait for the network has the connection's timeout; a server that drips would outlast it.
        guard = threading.Timer(_left_s(deadline), _shut_down, [connection])
        guard.daemon = True
        guard.start()
        try:
            if connection.sock:
                connection.sock.settimeout(_left_s(deadline))
            connection.request("POST", self._target(), body, self._headers)
            response = connection.getresponse()
            answered = _read(response)
            response.close()  # or the next request would wait for it to be read
        finally:
            guard.cancel()
        if len(answered) > MAX_RESPONSE_BYTES or response.will_close:
            self.close()
        return _result(response, answered)

    def _target(self) -> str:
        parts = urlsplit(self._endpoint.url)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        is_proxied = self._endpoint.insecure and _proxy(self._endpoint)
        return f"http://{parts.netloc.rpartition('@')[2]}{target}" if is_proxied else target


def _left_s(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _connect(endpoint: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(endpoint.url)
    proxy = _proxy(endpoint)
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else parts
    host, port = via.hostname or "", via.port
    if endpoint.insecure:
        return http.client.HTTPConnection(host, port or 80, timeout=timeout_s)
    context = ssl.create_default_context(cafile=endpoint.certificate)
    if endpoint.client_certificate:
        context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
    if not proxy:
        return http.client.HTTPSConnection(host, port or 443, timeout=timeout_s, context=context)
    connection = http.client.HTTPSConnection(host, port or 80, timeout=timeout_s, context=context)
    connection.set_tunnel(
        parts.hostname or "", parts.port or 443, _authorization(via.geturl(), "Proxy-Authorization")
    )
    return connection


def _proxy(endpoint: Endpoint) -> str | None:
    """The proxy that the environment names for it; no proxy reaches this machine."""
    if endpoint.loopback or not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies_environment, proxy_bypass

    host = urlsplit(endpoint.url).netloc.rpartition("@")[2]
    proxies = getproxies_environment()
    if proxy_bypass(host) or _in_network(host, proxies.get("no", "")):
        return None
    return proxies.get("http" if endpoint.insecure else "https") or proxies.get("all")


def _in_network(host: str, no_proxy: str) -> bool:
    """Whether the host is an address in one of the networks, as 10.0.0.0/8."""
    from ipaddress import ip_address, ip_network

    with suppress(ValueError):
        address = ip_address(host.partition(":")[0])
        for network in filter(lambda entry: "/" in entry, map(str.strip, no_proxy.split(","))):
            with suppress(ValueError):
                if address in ip_network(network, strict=False):
                    return True
    return False


def _authorization(url: str, name: str) -> dict[str, str]:
    """User and password of the URL, as a header."""
    parts = urlsplit(url)
    if parts.username is None:
        return {}
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {name: f"Basic {b64encode(credentials.encode()).decode()}"}


def _shut_down(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse) -> bytes:
    """The body; of one that is longer than a response may be, a little more than that."""
    body = bytearray()
    while len(body) <= MAX_RESPONSE_BYTES and (chunk := response.read1(_CHUNK_BYTES)):
        body += chunk
    return bytes(body)


def _result(response: http.client.HTTPResponse, body: bytes) -> ExportResult:
    code = response.status
    is_protobuf = "x-protobuf" in response.headers.get("content-type", "")
    too_large = len(body) > MAX_RESPONSE_BYTES
    if not is_protobuf or too_large:
        body = b""
    if 200 <= code < 300:
        return _accepted(body, "the response is larger than 4 MiB" if too_large else "")
    reason = ": ".join(filter(None, (f"HTTP {code}", one_line(_message(body) or response.reason or ""))))
    if code in _RETRYABLE:
        retry_after_s = _retry_after_s(response.headers.get("retry-after", ""))
        return ExportResult(Outcome.UNAVAILABLE, reason, retryable=True, retry_after_s=retry_after_s)
    if code in _ADVICE or 300 <= code < 400:
        return ExportResult(Outcome.UNAVAILABLE, reason, advice=_ADVICE.get(code, _ADVICE[404]))
    return ExportResult(Outcome.REFUSED, reason)


def _accepted(body: bytes, reason: str) -> ExportResult:
    response = ExportTraceServiceResponse()
    # Some receivers answer with JSON or plain text, whatever they were sent. It is a success still.
    with suppress(DecodeError):
        response.ParseFromString(body)
    partial = response.partial_success
    return ExportResult(
        Outcome.ACCEPTED, one_line(partial.error_message) or reason, max(0, partial.rejected_spans)
    )


def _message(body: bytes) -> str:
    # Of google.rpc.Status, which a package of its own would bring, only the message is shown, and that is the
    # same field in OpenTelemetry's own Status.
    status = Status()
    with suppress(DecodeError):
        status.ParseFromString(body)
    return status.message


def _retry_after_s(value: str) -> float | None:
    """Seconds or a date, as HTTP has it."""
    if value.strip().isascii() and value.strip().isdigit():
        return float(value[:12])
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _failure(error: Exception) -> ExportResult:
    """Why there was no response."""
    if isinstance(error, ConnectionRefusedError):
        return ExportResult(Outcome.UNAVAILABLE, "refused", retryable=True)
    if isinstance(error, socket.gaierror):
        return ExportResult(Outcome.UNAVAILABLE, "the name of the host is not known", retryable=True)
    if "Tunnel connection failed" in str(error):  # http.client has no class for it
        return ExportResult(Outcome.UNAVAILABLE, one_line(str(error)), advice=_ADVICE[407])
    if isinstance(error, ssl.SSLError):
        advice = "check OTEL_EXPORTER_OTLP_CERTIFICATE"
        return ExportResult(Outcome.UNAVAILABLE, f"TLS: {one_line(str(error))}", advice=advice)
    if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        advice = "if it speaks gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        return ExportResult(Outcome.UNAVAILABLE, "the answer is not HTTP/1.1", advice=advice)
    return ExportResult(Outcome.UNAVAILABLE, one_line(str(error)) or type(error).__name__, retryable=True)
