"""A real OTLP server, in this process, that remembers what it got and misbehaves on order."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_vsm.export.endpoint import Protocol
from otel_vsm.record import Record
from otel_vsm.testing.request import Received, Request, decoded
from otel_vsm.testing.servers import GrpcServer, HttpServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer a request with, over either protocol."""

    http: int = 200
    grpc: StatusCode = StatusCode.OK
    message: str = ""
    """Of an error, or of why spans were rejected."""
    rejected: int = 0
    """Spans that a successful answer leaves out."""

    def to_response(self) -> ExportTraceServiceResponse:
        response = ExportTraceServiceResponse()
        if self.rejected or self.message:
            response.partial_success.rejected_spans = self.rejected
            response.partial_success.error_message = self.message
        return response


ACCEPT = Answer()
BUSY = Answer(503, StatusCode.UNAVAILABLE, "too busy")
BAD_REQUEST = Answer(400, StatusCode.INVALID_ARGUMENT, "not understood")
UNAUTHENTICATED = Answer(401, StatusCode.UNAUTHENTICATED, "who are you?")


class OtlpReceiver:
    """Listens on 127.0.0.1, on a free port each for HTTP and gRPC, within `with`.

    `answer` may be set to an `Answer` or to a function from the spans of a request to one.
    """

    answer: Answer | Callable[[tuple[Received, ...]], Answer] = ACCEPT

    def __init__(self) -> None:
        self._requests: list[Request] = []
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
    def requests(self) -> list[Request]:
        """All requests so far, whatever they were answered with."""
        with self._changed:
            return list(self._requests)

    @property
    def spans(self) -> list[Received]:
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
        held = [_hold(port, listen=listen) for port in self._ports.values()]
        try:
            yield
        finally:
            for one in held:
                one.close()
            self._http = HttpServer(self._ports[Protocol.HTTP], self._handle)
            self._grpc = GrpcServer(self._ports[Protocol.GRPC], self._handle)

    def _handle(
        self, protocol: Protocol, headers: dict[str, str], message: ExportTraceServiceRequest
    ) -> Answer:
        spans = tuple(decoded(message))
        with self._changed:
            self._requests.append(Request(protocol, headers, spans))
            self._changed.notify_all()
        return self.answer if isinstance(self.answer, Answer) else self.answer(spans)


def _hold(port: int, *, listen: bool) -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    if listen:
        held.listen()
    return held
