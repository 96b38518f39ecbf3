"""Receivers of metrics by OTLP, which remember what they get."""

import http.server
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)


class Receiver(NamedTuple):
    endpoint: str
    received: queue.Queue[ExportMetricsServiceRequest]
    headers: list[dict[str, str]]
    """Of each request; over HTTP only."""


@contextmanager
def over_http() -> Iterator[Receiver]:
    """One over HTTP, while it listens."""
    headers: list[dict[str, str]] = []
    received: queue.Queue[ExportMetricsServiceRequest] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/v1/metrics":
                received.put(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield Receiver(f"http://127.0.0.1:{server.server_port}", received, headers)
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def over_grpc() -> Iterator[Receiver]:
    """The same over gRPC."""
    received: queue.Queue[ExportMetricsServiceRequest] = queue.Queue()

    class Servicer(MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            received.put(request)
            return ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    add_MetricsServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield Receiver(f"http://127.0.0.1:{port}", received, [])
    server.stop(None).wait()
