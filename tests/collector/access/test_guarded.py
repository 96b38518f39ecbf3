"""A collector that is closed to strangers, as a process: TLS, tokens and names."""

import http.client
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest

from handmade.otlp import Otlp
from otel_vsm.testing import CollectorFailed, RunningCollector, collector
from otel_vsm_collector.receive.grpc import METHOD, SERVICE

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificates")
SENDER, READER = "sender-5a1c", "reader-77fe"
TRACES = "/v1/traces"


class Guarded(NamedTuple):
    running: RunningCollector
    folder: Path

    def address(self, what: str) -> str:
        url = self.running.web if what == "web" else self.running._addresses[f"otlp/{what}"]
        return url.removeprefix("http://")

    def ask(
        self, what: str, method: str, path: str, body: bytes = b"", **headers: str
    ) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        connection = http.client.HTTPSConnection(self.address(what), timeout=20, context=context)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        return connection.getresponse()

    def send(self, payload: bytes, token: str | None) -> http.client.HTTPResponse:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.ask("http", "POST", TRACES, payload, content_type="application/x-protobuf", **headers)


def certificate(folder: Path) -> None:
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    certificate(folder)
    tokens = {SENDER: "ingest", READER: "read"}
    (folder / "tokens.yaml").write_text(
        "tokens:\n"
        + "".join(
            f"  {scope}: {{sha256: {sha256(secret.encode()).hexdigest()}, scopes: [{scope}]}}\n"
            for secret, scope in tokens.items()
        )
    )
    (folder / "webhooks.yaml").write_text("webhooks: {alertmanager: {secret: of-alertmanager}}")
    options = {
        "tokens": "tokens.yaml",
        "webhooks": "webhooks.yaml",
        "tls-cert": "cert.pem",
        "tls-key": "key.pem",
    }
    arguments = [part for name, file in options.items() for part in (f"--{name}", str(folder / file))]
    with collector(*arguments, "--allowed-host", "vsm.example.com", data=folder / "data") as running:
        yield Guarded(running, folder)


def test_c_6_by_http_only_who_has_a_token_may_send(guarded: Guarded, otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span())
    assert [guarded.send(payload, token).status for token in (None, "wrong", READER, SENDER)] == [
        401,
        401,
        403,
        200,
    ]
    refused = guarded.send(payload, "wrong")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert b"wrong" not in refused.read()


def test_c_2_and_6_by_grpc_only_who_has_a_token_may_send(guarded: Guarded, otlp: Otlp) -> None:
    credentials = grpc.ssl_channel_credentials((guarded.folder / "cert.pem").read_bytes())
    payload = otlp.payload(otlp.span())
    codes = []
    with grpc.secure_channel(guarded.address("grpc"), credentials) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        for token in ("", "wrong", READER, SENDER):
            try:
                export(payload, timeout=10, metadata=(("authorization", f"Bearer {token}"),))
                codes.append(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                assert isinstance(error, grpc.Call)
                codes.append(error.code())
    unknown = grpc.StatusCode.UNAUTHENTICATED
    assert codes == [unknown, unknown, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.OK]


def test_a_webhook_has_a_secret_in_place_of_a_token(guarded: Guarded) -> None:
    def status(path: str, credential: str) -> int:
        headers = {"authorization": f"Bearer {credential}", "content_type": "application/json"}
        return guarded.ask("http", "POST", path, b'{"alerts": []}', **headers).status

    webhook = "/webhooks/alertmanager"
    assert [status(webhook, one) for one in ("of-alertmanager", SENDER, "wrong")] == [200, 401, 401]
    for path in ("/events", "/v1/logs", "/v1/metrics"):
        assert [status(path, one) for one in (SENDER, "of-alertmanager", READER)] == [400, 401, 403]


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/dora", "/openapi.json", "/no-such-page"])
def test_c_11_only_who_may_read_may_read(guarded: Guarded, path: str) -> None:
    statuses = [
        guarded.ask("web", "GET", path, b"", authorization=f"Bearer {token}").status
        for token in ("", SENDER, READER)
    ]
    assert statuses == [401, 403, 404 if path == "/no-such-page" else 200]


def test_everybody_may_know_that_it_lives(guarded: Guarded) -> None:
    assert [guarded.ask("web", "GET", path).status for path in ("/healthz", "/readyz")] == [200, 200]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8750", 200),
        ("[::1]:8750", 200),
        ("10.0.0.7", 200),
        ("VSM.example.com", 200),
        ("evil.example.com", 421),
        ("127.0.0.1.evil.example.com", 421),
        ("", 421),
    ],
)
def test_c_22_only_by_names_that_are_ours(guarded: Guarded, host: str, status: int) -> None:
    assert guarded.ask("web", "GET", "/healthz", host=host).status == status


def test_c_22_a_web_page_can_send_nothing(guarded: Guarded) -> None:
    headers = {"content_type": "application/json", "origin": "https://evil.example.com"}
    answer = guarded.ask("http", "POST", TRACES, b"{}", authorization=f"Bearer {SENDER}", **headers)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (403, None)


def test_the_commands_send_and_read_with_their_tokens(guarded: Guarded, tmp_path: Path) -> None:
    def command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        # What this machine trusts besides is not asked.
        others = ("OTEL_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return subprocess.run(
            [sys.executable, "-c", "from otel_vsm.cli import main; main()", *arguments],
            env=inherited | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    cert = str(guarded.folder / "cert.pem")
    sent = command(
        *("deploy", "--service", "shop", "--environment", "production", "--change", "github.com/acme/shop#1"),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"https://{guarded.address('http')}",
        OTEL_EXPORTER_OTLP_CERTIFICATE=cert,
        OTEL_EXPORTER_OTLP_HEADERS=f"Authorization=Bearer%20{SENDER}",
        OTEL_VSM_STATE_DIR=str(tmp_path / "state"),
    )
    assert (sent.returncode, sent.stderr) == (0, "")
    url = f"https://{guarded.address('web')}"
    report = ("report", "--url", url, "--service", "shop")
    read = command(*report, SSL_CERT_FILE=cert, OTEL_VSM_READ_TOKEN=READER)
    assert read.returncode == 0, read.stderr
    assert "1 deployment" in read.stdout
    for token, said in (("", "a token is needed"), (SENDER, "needs the scope read"), ("a\nb", "is no token")):
        denied = command(*report, SSL_CERT_FILE=cert, OTEL_VSM_READ_TOKEN=token)
        assert denied.returncode == 1
        assert said in denied.stderr
        assert not token or token not in denied.stderr


def test_tokens_and_certificates_are_read_again(guarded: Guarded) -> None:
    before = (guarded.folder / "cert.pem").read_bytes()
    with pytest.raises(ssl.SSLError):
        certificate(guarded.folder)  # what it shows is not yet this one
        guarded.ask("web", "GET", "/healthz")
    os.kill(guarded.running.pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert guarded.ask("web", "GET", "/healthz").status == 200
            break
        except ssl.SSLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert before != (guarded.folder / "cert.pem").read_bytes()


@pytest.mark.parametrize("option", ["--grpc", "--http", "--web"])
def test_c_9_strangers_are_not_let_in_by_accident(tmp_path: Path, option: str) -> None:
    with (
        pytest.raises(
            CollectorFailed, match=r"(?s)exit code 2.*give --tls-cert and --tls-key and --tokens, or"
        ),
        collector(option, "0.0.0.0:0", data=tmp_path / "data"),
    ):
        pass
    assert not (tmp_path / "data").exists()


def test_c_9_but_on_purpose(tmp_path: Path) -> None:
    with collector("--web", "0.0.0.0:0", "--allow-anybody", data=tmp_path / "data"):
        pass


def test_c_10_senders_need_a_certificate_of_the_authority(tmp_path: Path, otlp: Otlp) -> None:
    certificate(tmp_path)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    certificate(stranger)
    options = {"tls-cert": "cert.pem", "tls-key": "key.pem", "tls-client-ca": "cert.pem"}
    arguments = [part for name, file in options.items() for part in (f"--{name}", str(tmp_path / file))]
    with collector(*arguments, data=tmp_path / "data") as running:
        for folder in (None, stranger, tmp_path):
            pair = folder and ((folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes())
            credentials = grpc.ssl_channel_credentials((tmp_path / "cert.pem").read_bytes(), *(pair or ()))
            context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            if folder is not None:
                context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
            address = Guarded(running, tmp_path).address("http")
            connection = http.client.HTTPSConnection(address, timeout=20, context=context)
            with grpc.secure_channel(Guarded(running, tmp_path).address("grpc"), credentials) as channel:
                export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                    f"/{SERVICE}/{METHOD}"
                )
                if folder is tmp_path:
                    assert export(b"", timeout=10) == b""
                    connection.request("POST", TRACES, b"", {"content-type": "application/x-protobuf"})
                    assert connection.getresponse().status == 200
                else:
                    with pytest.raises(grpc.RpcError):
                        export(b"", timeout=10)
                    with pytest.raises(OSError):
                        connection.request("POST", TRACES, b"", {"content-type": "application/x-protobuf"})
                        connection.getresponse()
