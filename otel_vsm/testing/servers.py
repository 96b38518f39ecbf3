"""The two servers of the test receiver: they decode, ask what to respond, and respond."""

import gzip
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing.messages import ExportResponse

Respond = Callable[[Protocol, dict[str, str], ExportTraceServiceRequest], ExportResponse]

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


class HttpServer:
    """OTLP/HTTP with protobuf bodies, at `/v1/traces`."""

    def __init__(self, port: int, respond: Respond) -> None:
        class Handler(_HttpHandler):
            responder = staticmethod(respond)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        self.port: int = self._server.server_address[1]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _HttpHandler(BaseHTTPRequestHandler):
    responder: Respond
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/traces":
            self._send(404, Status(message=f"there is no {self.path}"))
            return
        message = ExportTraceServiceRequest()
        message.ParseFromString(_DECODERS[self.headers.get("Content-Encoding", "")](body))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.responder(Protocol.HTTP, headers, message)
        if response.http == 200:
            self._send(200, response.to_message())
        else:
            self._send(response.http, Status(message=response.message))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests have their own output."""

    def _send(self, status: int, message: ExportTraceServiceResponse | Status) -> None:
        body = message.SerializeToString()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class GrpcServer:
    """OTLP/gRPC without TLS."""

    def __init__(self, port: int, respond: Respond) -> None:
        def export(
            message: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            headers = {str(key): str(value) for key, value in context.invocation_metadata()}
            response = respond(Protocol.GRPC, headers, message)
            if response.grpc is not grpc.StatusCode.OK:
                context.abort(response.grpc, response.message)
            return response.to_message()

        method = grpc.unary_unary_rpc_method_handler(
            export,
            request_deserializer=ExportTraceServiceRequest.FromString,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        service, name = _METHOD.strip("/").split("/")
        # Without this, a second server on the same port would silently take half of the requests.
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)], maximum_concurrent_rpcs=64
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {name: method}),)
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()
