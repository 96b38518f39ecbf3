"""A real OTLP server, in this process, that remembers what it got and misbehaves on order."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm.export.endpoint import Protocol
from otel_vsm.record import Record
from otel_vsm.testing.messages import ACCEPT, ExportRequest, ExportResponse, ReceivedSpan, decode
from otel_vsm.testing.servers import GrpcServer, HttpServer


class OtlpReceiver:
    """Listens on 127.0.0.1, on a free port each for HTTP and gRPC, within `with`.

    `response` may be set to an `ExportResponse` or to a function from the spans of a request to one.
    """

    response: ExportResponse | Callable[[tuple[ReceivedSpan, ...]], ExportResponse] = ACCEPT

    def __init__(self) -> None:
        self._requests: list[ExportRequest] = []
        self._changed = threading.Condition()
        self._http = HttpServer(0, self._handle)
        self._grpc = GrpcServer(0, self._handle)
        self._ports = {Protocol.HTTP: self._http.port, Protocol.GRPC: self._grpc.port}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.stop()
        self._grpc.stop()

    @property
    def requests(self) -> list[ExportRequest]:
        """All requests so far, whatever they were answered with."""
        with self._changed:
            return list(self._requests)

    @property
    def spans(self) -> list[ReceivedSpan]:
        """The spans of all requests so far."""
        return [span for request in self.requests for span in request.spans]

    @property
    def records(self) -> list[Record]:
        """The spans of all requests so far, as the wrappers made them."""
        return [span.record for span in self.spans]

    def wait_for(self, spans: int, *, timeout_s: float = 10.0) -> list[Record]:
        """The records, as soon as there are so many; TimeoutError with what there is otherwise."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while len(self.records) < spans:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(self.records)} of {spans} spans came within {timeout_s} s")
        return self.records

    def url(self, protocol: Protocol = Protocol.HTTP) -> str:
        return f"http://127.0.0.1:{self._ports[protocol]}"

    def environment(self, protocol: Protocol = Protocol.HTTP) -> dict[str, str]:
        """The variables by which a process sends its telemetry here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url(protocol),
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol.value,
        }

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Within it nobody listens on the ports, and nobody else can take them."""
        with self._down(listen=False):
            yield

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within it connections are accepted, and nothing is ever said on them."""
        with self._down(listen=True):
            yield

    @contextmanager
    def _down(self, *, listen: bool) -> Iterator[None]:
        self._http.stop()
        self._grpc.stop()
        sockets = [_bind(port, listen=listen) for port in self._ports.values()]
        try:
            yield
        finally:
            for bound in sockets:
                bound.close()
            self._http = HttpServer(self._ports[Protocol.HTTP], self._handle)
            self._grpc = GrpcServer(self._ports[Protocol.GRPC], self._handle)

    def _handle(
        self, protocol: Protocol, headers: dict[str, str], message: ExportTraceServiceRequest
    ) -> ExportResponse:
        spans = tuple(decode(message))
        with self._changed:
            self._requests.append(ExportRequest(protocol, headers, spans))
            self._changed.notify_all()
        return self.response if isinstance(self.response, ExportResponse) else self.response(spans)


def _bind(port: int, *, listen: bool) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    if listen:
        bound.listen()
    return bound
