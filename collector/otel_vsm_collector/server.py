"""An HTTP server that strangers cannot wear out: bounded connections, headers, times and bytes.

uvicorn has no limit on any of these. Who sends too slowly or too much is cut off, and senders of telemetry
try again after that.
"""

import asyncio
import contextlib
import json
import logging
import resource
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from otel_vsm_collector.receive.limits import MAX_REQUEST_BYTES
from otel_vsm_collector.tls import Tls

STOP_S = 5.0
"""How long requests in flight may go on after a signal to stop."""
CONNECTIONS = 500
"""Of one server at a time."""
HEAD_S = 10.0
"""Within which a request's headers have to be there, from when the connection was made or it began."""
REQUEST_S = 60.0
"""Within which the rest of it has to."""
HEAD_BYTES = 64 << 10
_REQUEST_BYTES = MAX_REQUEST_BYTES + (1 << 20)
"""On the wire, with headers and chunks."""
_KEEP_ALIVE_S = 75
"""Longer than the pauses between two exports of an SDK, which would otherwise find its connection closed."""
_END = b"content-length: 0\r\nconnection: close\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n" + _END
_LONG_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _END
_NO_HTTP = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"


class _Protocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _bytes = 0
    """Of the request that is being received."""
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._cut_off(_FULL)
        else:
            self._expect_within(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_within(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._bytes += len(data)
        super().data_received(data)
        if self._in_head and self._bytes > HEAD_BYTES:
            self._cut_off(_LONG_HEAD)
        elif self._bytes > _REQUEST_BYTES:
            self._cut_off(b"")

    def send_400_response(self, msg: str) -> None:
        # As an OTLP Status, since it is not known what the sender speaks.
        body = json.dumps({"code": 3, "message": msg}).encode()
        head = b"%scontent-length: %d\r\nconnection: close\r\n\r\n" % (_NO_HTTP, len(body))
        self._cut_off(head + body)

    def on_message_begin(self) -> None:
        self._expect_within(HEAD_S)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, after the body, and are of no use to anybody.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._expect_within(REQUEST_S)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._bytes = True, 0
        self._expect_within(None)
        super().on_message_complete()

    def _expect_within(self, seconds: float | None) -> None:
        """Something has to come within this time; None where nothing has to."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._cut_off, b"")

    def _cut_off(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            if answer:
                self.transport.write(answer)
                self.transport.close()
            else:
                self.transport.abort()


class Server(uvicorn.Server):
    """Says when it listens, and leaves signals to the service."""

    def __init__(self, app: Any, tls: Tls | None = None, *, ask_clients: bool = False) -> None:
        """`ask_clients` for the certificates that `tls` wants of senders."""
        files: dict[str, Any] = {}
        if tls is not None:
            files = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
            if ask_clients and tls.client_ca is not None:
                files |= {"ssl_ca_certs": str(tls.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        self._tls = tls
        super().__init__(
            uvicorn.Config(
                app,
                **files,
                http=_Protocol,
                ws="none",
                lifespan="off",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(STOP_S),
            )
        )
        self.listening = asyncio.Event()
        # It would say of each request that is no HTTP that it was none.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def read_certificate_again(self) -> None:
        """For connections to come."""
        if self._tls is not None and self.config.ssl is not None:
            self.config.ssl.load_cert_chain(self._tls.certificate, self._tls.key)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def allow_connections() -> None:
    """Opens as many files as this process may: the usual soft limit is no more than a few hundred strangers
    can take up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
