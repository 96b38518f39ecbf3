"""OTLP as its specification has exporters speak it, over real sockets.

The numbers are those of the project's list of what an exporter has to satisfy.
"""

import email.utils
import os
import socketserver
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from harness.factories import NewRecord
from otel_vsm import __version__, propagation
from otel_vsm.export import transport
from otel_vsm.export.endpoint import UNLIMITED_S, Compression, Protocol, disabled_reason, read_endpoint
from otel_vsm.export.exporters import MAX_RESPONSE_BYTES, ExportResult, Outcome
from otel_vsm.export.parcel import Parcel, current_resource, resource_problem
from otel_vsm.export.transport import Sender

BASE = "OTEL_EXPORTER_OTLP_"


@dataclass
class Answer:
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    client: object


class Server:
    """Answers as it is told, the last answer for ever, and remembers what it was sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(Request(self.path, headers, body, self.client_address))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if answer.code < 0:
                    self.close_connection = True
                    return
                self.send_response(answer.code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def do_CONNECT(self) -> None:
                outer.requests.append(Request(self.path, dict(self.headers.items()), b"", None))
                self.send_error(502)

            def log_message(self, format: str, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.01)


def send(record: NewRecord, *, within_s: str = "5", **variables: str) -> ExportResult:
    """Send one span, as the variables say: `ENDPOINT` stands for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
    timeout_s = float(within_s)
    env = {f"{BASE}{name}": value for name, value in variables.items()}
    with Sender(read_endpoint(env), timeout_s=timeout_s) as sender:
        return sender.send([Parcel(resource={}, records=(record(),))])


def test_a2_01_where_to(server: Server, new_record: NewRecord) -> None:
    for variables, path in (
        ({"ENDPOINT": server.url}, "/v1/traces"),
        ({"ENDPOINT": f"{server.url}/in/"}, "/in/v1/traces"),
        ({"ENDPOINT": f"{server.url}/in?a=b"}, "/in/v1/traces?a=b"),
        ({"TRACES_ENDPOINT": server.url}, "/"),
        ({"TRACES_ENDPOINT": f"{server.url}/in?a=b"}, "/in?a=b"),
    ):
        assert send(new_record, **variables).outcome is Outcome.ACCEPTED
        assert server.requests[-1].path == path
    default = read_endpoint({})
    assert (default.url, default.protocol) == ("http://localhost:4318/v1/traces", Protocol.HTTP)
    assert server.requests[0].headers["content-type"] == "application/x-protobuf"
    schemes = {"http": True, "https": False}
    for scheme, insecure in schemes.items():
        env = {
            f"{BASE}PROTOCOL": "grpc",
            f"{BASE}ENDPOINT": f"{scheme}://x:1",
            f"{BASE}INSECURE": str(not insecure),
        }
        assert read_endpoint(env).insecure is insecure


@pytest.mark.parametrize(
    ("name", "general", "own", "attribute", "value"),
    [
        ("ENDPOINT", "http://a:1", "http://b:2", "url", "http://b:2"),
        ("HEADERS", "a=1", "b=2", "headers", (("b", "2"),)),
        ("TIMEOUT", "1000", "2000", "timeout_s", 2.0),
        ("COMPRESSION", "gzip", "none", "compression", Compression.NONE),
        ("PROTOCOL", "http/protobuf", "grpc", "protocol", Protocol.GRPC),
        ("CERTIFICATE", "/a", "/b", "certificate", "/b"),
        ("CLIENT_KEY", "/a", "/b", "client_key", "/b"),
        ("CLIENT_CERTIFICATE", "/a", "/b", "client_certificate", "/b"),
        ("INSECURE", "false", "true", "insecure", True),
    ],
)
def test_a2_02_the_variable_for_traces_wins(
    name: str, general: str, own: str, attribute: str, value: object
) -> None:
    env = {f"{BASE}{name}": general, f"{BASE}TRACES_{name}": own}
    if name == "INSECURE":
        env |= {f"{BASE}PROTOCOL": "grpc", f"{BASE}ENDPOINT": "host:1"}
    assert getattr(read_endpoint(env), attribute) == value
    env[f"{BASE}TRACES_{name}"] = ""
    assert getattr(read_endpoint(env), attribute) != value


def test_a2_03_headers(server: Server, new_record: NewRecord) -> None:
    sent = "Authorization=Bearer%20secret, x-a = 1%2C2 ,cookie=a=b;c=d,,X-Empty="
    assert send(new_record, ENDPOINT=server.url, HEADERS=sent).outcome is Outcome.ACCEPTED
    [request] = server.requests
    headers = [request.headers[name] for name in ("authorization", "x-a", "cookie", "x-empty")]
    assert headers == ["Bearer secret", "1,2", "a=b;c=d", ""]
    endpoint = read_endpoint({f"{BASE}HEADERS": "secret,b a=secret,x=a%0D%0Ab: secret,good=1"})
    assert endpoint.headers == (("good", "1"),)
    assert len(endpoint.problems) == 3
    assert "secret" not in repr(endpoint)


def test_a2_03_the_configured_authorization_is_sent_and_no_other(
    server: Server, new_record: NewRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password wrong\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    send(new_record, ENDPOINT=server.url, HEADERS="authorization=mine")
    send(new_record, ENDPOINT=server.url)
    send(new_record, ENDPOINT=server.url.replace("//", "//ada:p%40ss@"))
    assert [request.headers.get("authorization") for request in server.requests] == [
        "mine",
        None,
        "Basic YWRhOnBAc3M=",
    ]


def test_a2_04_the_timeout() -> None:
    for value, seconds in (("2500", 2.5), ("", 10.0), ("0", UNLIMITED_S), ("-1", 10.0), ("5s", 10.0)):
        endpoint = read_endpoint({f"{BASE}TIMEOUT": value})
        assert endpoint.timeout_s == seconds
        assert bool(endpoint.problems) == (value in ("-1", "5s"))


def test_a2_04_the_timeout_holds_for_all_tries(server: Server, new_record: NewRecord) -> None:
    server.answers = [Answer(503, {"Retry-After": "0"})]
    assert send(new_record, within_s="0.3", ENDPOINT=server.url).outcome is Outcome.UNAVAILABLE
    assert len(server.requests) > 1


def test_a2_05_values_of_variables() -> None:
    assert read_endpoint({f"{BASE}PROTOCOL": "GRPC", f"{BASE}COMPRESSION": "GZip"}).problems == ()
    unknown = read_endpoint({f"{BASE}PROTOCOL": "smoke", f"{BASE}COMPRESSION": "zip"})
    assert (unknown.protocol, unknown.compression, len(unknown.problems)) == (Protocol.HTTP, "none", 2)
    assert read_endpoint(
        {f"{BASE}PROTOCOL": "", f"{BASE}TIMEOUT": "", f"{BASE}HEADERS": ""}
    ) == read_endpoint({})
    endpoint = {f"{BASE}ENDPOINT": "http://x"}
    assert disabled_reason({**endpoint, "OTEL_SDK_DISABLED": "1"}) is None
    assert disabled_reason({**endpoint, "OTEL_SDK_DISABLED": "True"})


def test_a2_06_a_disabled_sdk_reads_nothing_of_the_endpoint() -> None:
    """That the command runs and passes context on is tested with the wrapper."""
    assert disabled_reason({f"{BASE}ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"})


def test_a2_07_the_resource() -> None:
    env = {"OTEL_RESOURCE_ATTRIBUTES": "a=b%20c,service.name=x", "OTEL_SERVICE_NAME": "shop"}
    assert current_resource(env) == {"a": "b c", "service.name": "shop"}
    env["OTEL_RESOURCE_ATTRIBUTES"] = "a=b,broken"
    assert current_resource(env) == {"service.name": "shop"}
    assert resource_problem(env)


def test_a2_08_propagators() -> None:
    assert propagation.is_wanted({})
    assert propagation.is_wanted({"OTEL_PROPAGATORS": "b3,tracecontext,tracecontext"})
    assert not propagation.is_wanted({"OTEL_PROPAGATORS": "b3"})
    context = f"00-{'a' * 32}-{'b' * 16}-01"
    assert propagation.incoming({"TRACEPARENT": context})
    assert propagation.incoming({"traceparent": context}) is None


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a2_09_what_may_be_sent_again_is(server: Server, new_record: NewRecord, code: int) -> None:
    server.answers = [Answer(code), Answer(code), Answer()]
    assert send(new_record, ENDPOINT=server.url).outcome is Outcome.ACCEPTED
    assert len({request.body for request in server.requests}) == 1
    assert len(server.requests) == 3


def test_a2_09_a_broken_connection_is_tried_again(server: Server, new_record: NewRecord) -> None:
    server.answers = [Answer(-1), Answer()]
    assert send(new_record, ENDPOINT=server.url).outcome is Outcome.ACCEPTED
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", [301, 307, 400, 401, 404, 408, 413, 418, 500, 501, 505])
def test_a2_09_nothing_else_is_sent_again(server: Server, new_record: NewRecord, code: int) -> None:
    server.answers = [Answer(code, {"Location": f"{server.url}/else", "Retry-After": "0"})]
    assert send(new_record, ENDPOINT=server.url).outcome is not Outcome.ACCEPTED
    assert len(server.requests) == 1


def test_a2_09_pauses_grow_and_differ(
    server: Server, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr("otel_vsm.export.transport.time.sleep", pauses.append)
    server.answers = [*[Answer(503)] * 4, Answer()]
    send(new_record, within_s="1000", ENDPOINT=server.url)
    assert [round(pause / 2**number) for number, pause in enumerate(pauses)] == [1, 1, 1, 1]
    assert len(set(pauses)) == 4


class GrpcServer:
    def __init__(self) -> None:
        self.answers: list[tuple[grpc.StatusCode, float | None]] = []
        self.calls = 0

        def export(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls += 1
            if not self.answers:
                return ExportTraceServiceResponse().SerializeToString()
            code, retry_s = self.answers.pop(0)
            if retry_s is not None:
                info = RetryInfo()
                info.retry_delay.FromNanoseconds(int(retry_s * 1e9))
                detail = AnyMessage()
                detail.Pack(info)
                status = Status(code=code.value[0], details=[detail])
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            return cast(bytes, context.abort(code, "no"))

        handlers: dict[str, Any] = {"Export": grpc.unary_unary_rpc_method_handler(export)}
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self.env = {
            "ENDPOINT": f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}",
            "PROTOCOL": "grpc",
        }
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None)


@pytest.fixture
def grpc_server() -> Iterator[GrpcServer]:
    server = GrpcServer()
    yield server
    server.stop()


AGAIN = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a2_09_over_grpc(grpc_server: GrpcServer, new_record: NewRecord, code: grpc.StatusCode) -> None:
    grpc_server.answers = [(code, None)]
    send(new_record, **grpc_server.env)
    assert grpc_server.calls == 1 + (code.name in AGAIN)


def test_a2_09_exhausted_resources_are_tried_again_only_when_asked(
    grpc_server: GrpcServer, new_record: NewRecord
) -> None:
    grpc_server.answers = [(grpc.StatusCode.RESOURCE_EXHAUSTED, 0.01)]
    assert send(new_record, **grpc_server.env).outcome is Outcome.ACCEPTED
    assert grpc_server.calls == 2


def test_a2_10_the_receiver_says_when(
    server: Server, grpc_server: GrpcServer, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("otel_vsm.export.transport.time.sleep", pauses.append)
    in_a_while = email.utils.formatdate(time.time() + 7.5, usegmt=True)
    server.answers = [Answer(503, {"Retry-After": "3"}), Answer(429, {"Retry-After": in_a_while}), Answer()]
    assert send(new_record, within_s="60", ENDPOINT=server.url).outcome is Outcome.ACCEPTED
    grpc_server.answers = [(grpc.StatusCode.UNAVAILABLE, 4.5)]
    assert send(new_record, within_s="60", **grpc_server.env).outcome is Outcome.ACCEPTED
    assert (pauses[0], pauses[2]) == (3.0, 4.5)
    assert 3 < pauses[1] <= 7.5
    for far in ("1000000000", "Fri, 31 Dec 9999 23:59:59 GMT"):
        server.answers = [Answer(503, {"Retry-After": far})]
        assert send(new_record, within_s="60", ENDPOINT=server.url).outcome is Outcome.UNAVAILABLE
    assert len(pauses) == 3


def test_a2_11_what_was_rejected_is_counted_and_not_sent_again(server: Server, new_record: NewRecord) -> None:
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="no")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    server.answers = [Answer(200, {"Content-Type": "application/x-protobuf"}, body)]
    result = send(new_record, ENDPOINT=server.url)
    assert (result.outcome, result.rejected, result.reason) == (Outcome.ACCEPTED, 1, "no")
    assert len(server.requests) == 1


def test_a2_12_what_is_too_large(
    server: Server, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [Answer(200, {}, b"x" * (MAX_RESPONSE_BYTES + 1))]
    result = send(new_record, ENDPOINT=server.url)
    assert (result.outcome, result.reason) == (Outcome.ACCEPTED, "the response is larger than 4 MiB")
    monkeypatch.setattr(transport, "MAX_REQUEST_BYTES", 10)
    result = send(new_record, ENDPOINT=server.url)
    assert (result.outcome, len(server.requests)) == (Outcome.REFUSED, 1)


def test_a2_13_who_sends_and_how(server: Server, new_record: NewRecord) -> None:
    env = {f"{BASE}ENDPOINT": server.url, f"{BASE}COMPRESSION": "gzip"}
    with Sender(read_endpoint(env), timeout_s=5.0) as sender:
        for records in ((new_record(),), (), (new_record(), new_record())):
            sender.send([Parcel(resource={}, records=records)])
    agents = {request.headers["user-agent"] for request in server.requests}
    assert agents == {f"otel-vsm/{__version__} OTel-OTLP-Exporter-Python/{__version__}"}
    assert len({request.client for request in server.requests}) == 1  # kept alive
    bodies = [zlib.decompress(request.body, wbits=31) for request in server.requests]
    messages = list(map(ExportTraceServiceRequest.FromString, bodies))
    assert [len(message.resource_spans) for message in messages] == [1, 0, 1]


def test_a2_13_a_connection_that_was_closed_since_is_made_again(new_record: NewRecord) -> None:
    class Once(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Once) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        env = {f"{BASE}ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}"}
        with Sender(read_endpoint(env), timeout_s=5.0) as sender:
            for _ in range(3):
                parcel = Parcel(resource={}, records=(new_record(),))
                assert sender.send([parcel]).outcome is Outcome.ACCEPTED
                time.sleep(0.05)
        server.shutdown()


def test_a2_14_proxies(server: Server, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = server.url.replace("//", "//ada:secret@")
    for name in ("http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    assert send(new_record, ENDPOINT="http://collector.invalid:4318").outcome is Outcome.ACCEPTED
    assert server.requests[-1].path == "http://collector.invalid:4318/v1/traces"
    assert server.requests[-1].headers["proxy-authorization"] == "Basic YWRhOnNlY3JldA=="
    result = send(new_record, within_s="60", ENDPOINT="https://collector.invalid:4318")
    assert (result.outcome, result.advice) == (Outcome.UNAVAILABLE, "check HTTPS_PROXY")
    assert server.requests[-1].path == "collector.invalid:4318"
    count = len(server.requests)
    for host, no_proxy in (("collector.invalid", ".invalid"), ("10.1.2.3", "10.0.0.0/8"), ("x.invalid", "*")):
        monkeypatch.setenv("no_proxy", no_proxy)
        send(new_record, within_s="0.1", ENDPOINT=f"http://{host}:1")
    monkeypatch.delenv("no_proxy")
    send(new_record, within_s="0.1", ENDPOINT="http://localhost:1")
    assert len(server.requests) == count
    assert os.environ["http_proxy"] == proxy
