"""Attacks that reach a pipeline: through its arguments, its environment, and the server that it sends to.

The numbers are those of the project's list of attacks.
"""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest

from harness.cli import Cli, Repository, without_history
from otel_vsm.export.endpoint import Protocol
from otel_vsm.export.exporters import MAX_RESPONSE_BYTES
from otel_vsm.identity import change_root
from otel_vsm.testing import ExportResponse, OtlpReceiver

SECRET = "hunter2"
Handler = http.server.BaseHTTPRequestHandler


@contextmanager
def hostile(respond: Callable[[Handler], None]) -> Iterator[str]:
    """An HTTP server that responds so; its address."""

    class Hostile(Handler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            respond(self)

        do_GET = lambda self: respond(self)  # noqa: E731

        def log_message(self, format: str, *arguments: object) -> None: ...

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "exit 0", "--token", SECRET],
        ["sh", "-c", "exit 0", f"--token={SECRET}"],
        ["env", f"TOKEN={SECRET}", "true"],
        ["sh", "-c", "exit 0", f"https://ada:{SECRET}@example.com"],
    ],
)
def test_c24_what_the_command_is_called_with_is_not_told(
    cli: Cli, otlp_receiver: OtlpReceiver, command: list[str]
) -> None:
    assert cli("stage", "build", "--", *command).returncode == 0
    assert SECRET not in repr(otlp_receiver.requests)


@pytest.mark.parametrize(
    "address",
    [f"https://ada:{SECRET}@host/x", f"https://host/x?token={SECRET}", f"ada:{SECRET}@host:x"],
)
def test_c24_secrets_in_addresses_are_not_told(
    cli: Cli, otlp_receiver: OtlpReceiver, address: str, shop: Repository
) -> None:
    env = {
        "GITLAB_CI": "true",
        "CI_JOB_URL": address,
        "CI_PIPELINE_URL": address,
        "CI_PROJECT_URL": "https://github.com/acme/shop",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.url={address.replace('=', '%3D')}",
    }
    done = cli("stage", f"build {address}", "--attribute", f"url={address}", "--", "true", env=env)
    assert done.returncode == 0
    [record] = without_history(otlp_receiver.records)
    assert "host" in str(record.attributes["url"])
    assert SECRET not in repr(otlp_receiver.requests) + done.stderr
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    assert cli("stage", "build", "--attribute", f"url={address}", "--", "true", env=env).returncode == 0
    [spooled] = (Path(cli.env["OTEL_VSM_STATE_DIR"]) / "spool").iterdir()
    assert SECRET not in spooled.read_text()


def test_c25_of_environment_and_output_nothing_is_told(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    script = f"echo {SECRET}; echo {SECRET} >&2; exit 3"
    env = {"AWS_SECRET_ACCESS_KEY": SECRET, "CI": "true", "CI_JOB_TOKEN": SECRET, "GITLAB_CI": "true"}
    done = cli("stage", "build", "--", "sh", "-c", script, env=env)
    assert (done.stdout, done.stderr) == (f"{SECRET}\n", f"{SECRET}\n")
    assert SECRET not in repr(otlp_receiver.requests)


@pytest.mark.parametrize("name", ["TRACEPARENT", "TRACESTATE", "BAGGAGE"])
@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        f"00-{'a' * 32}-{'b' * 16}-01\nInjected: yes",
        f"00-{'0' * 32}-{'b' * 16}-01",
        "k=v," * 9000,
    ],
    ids=["large", "newline", "zeros", "many"],
)
def test_c26_a_hostile_context_is_ignored_and_the_command_runs(
    cli: Cli, otlp_receiver: OtlpReceiver, name: str, value: str
) -> None:
    assert cli("stage", "build", "--", "sh", "-c", "exit 5", env={name: value}).returncode == 5
    [record] = without_history(otlp_receiver.records)
    assert record.links == ()
    assert (record.trace_id, record.parent_span_id) == change_root("github.com/acme/shop#12")


def endless(handler: Handler) -> None:
    handler.send_response(500)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def huge(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(MAX_RESPONSE_BYTES * 4))
    handler.end_headers()
    handler.wfile.write(b"x" * MAX_RESPONSE_BYTES * 4)


def much_later(handler: Handler) -> None:
    handler.send_response(503)
    handler.send_header("Retry-After", "1000000000")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def elsewhere(handler: Handler) -> None:
    handler.send_response(307)
    handler.send_header("Location", "file:///etc/passwd")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def headers_without_end(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Header: " + b"x" * 1000 + b"\r\n")


@pytest.mark.parametrize("respond", [endless, huge, much_later, elsewhere, headers_without_end])
def test_c27_a_malicious_server_changes_nothing(quiet: Cli, respond: Callable[[Handler], None]) -> None:
    with hostile(respond) as address:
        quiet.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = address
        done = quiet("stage", "build", "--", "sh", "-c", "exit 6")
        assert done.returncode == 6
        assert len(done.stderr.splitlines()) <= 1
        assert quiet("flush").returncode in (0, 1)


def test_c27_details_of_a_grpc_status_are_bounded(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    otlp_receiver.response = ExportResponse(400, grpc.StatusCode.INVALID_ARGUMENT, "x" * 6000)
    done = cli("stage", "build", "--", "sh", "-c", "exit 6", env=otlp_receiver.environment(Protocol.GRPC))
    assert done.returncode == 6
    assert len(done.stderr) < 600


@pytest.mark.parametrize("respond", [endless, huge])
def test_c27_what_is_asked_of_a_collector_comes_to_an_end(
    quiet: Cli, respond: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hostile(respond) as address:
        done = quiet("report", "--url", address)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_c28_what_a_server_says_is_stripped_of_escapes(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    message = "\x1b[31mred\x1b[0m\n::error::injected\r\x07\u202e"
    otlp_receiver.response = ExportResponse(400, grpc.StatusCode.INVALID_ARGUMENT, message)
    done = cli("stage", "build\x1b[31m\n", "--", "true")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.isprintable()
