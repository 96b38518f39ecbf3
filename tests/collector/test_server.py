"""What strangers may take up: connections, time, memory and questions; robustness C.1 to C.5."""

import asyncio
import contextlib
import gzip
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pytest
from starlette.types import Message, Receive, Scope, Send

from handmade.otlp import Otlp
from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import RunningCollector, collector
from otel_vsm_collector import server
from otel_vsm_collector.receive.grpc import METHOD, SERVICE
from otel_vsm_collector.receive.limits import MAX_FIELDS, TooLargeError, check_fields
from otel_vsm_collector.receive.otlp_json import request_from_json
from otel_vsm_collector.web import questions
from otel_vsm_collector.web.questions import Question

EMPTY_MESSAGES = {
    "spans": b"\x12\x00",
    "attributes": b"\x4a\x00",
    "events": b"\x5a\x00",
    "long tags": b"\x92\x00\x00",
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCollector]:
    with collector() as running:
        yield running


def address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)


def resident_bytes(running: RunningCollector) -> int:
    """The most that it ever had."""
    status = Path(f"/proc/{running.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) << 10


def post(running: RunningCollector, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address(running.otlp()), timeout=30)
    sent = {"content-type": "application/x-protobuf"} | {k.replace("_", "-"): v for k, v in headers.items()}
    connection.request("POST", "/v1/traces", body, sent)
    answer = connection.getresponse()
    status, content = answer.status, answer.read()
    connection.close()
    return status, content


def message(tag: int, body: bytes) -> bytes:
    """A field of one tag, whatever its length."""
    length, size = b"", len(body)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([tag]) + length + bytes([size]) + body


def many(what: str, number: int) -> bytes:
    """A request with so many empty messages of a kind."""
    body = EMPTY_MESSAGES[what] * number
    return message(0x0A, message(0x12, body if what in ("spans", "long tags") else message(0x12, body)))


@pytest.mark.parametrize("what", EMPTY_MESSAGES)
def test_c_1_more_fields_than_a_request_may_have_are_noticed_before_they_are_built(what: str) -> None:
    check_fields(many(what, MAX_FIELDS - 10))
    with pytest.raises(TooLargeError, match="2,000,000 fields; send fewer spans"):
        check_fields(many(what, MAX_FIELDS + 1))


def test_c_1_text_that_looks_like_fields_is_none(otlp: Otlp) -> None:
    check_fields(otlp.payload(otlp.span({"log": "\n" * (3 * MAX_FIELDS)})))


@pytest.mark.parametrize("end", [b"\x0a", b"\x0a\x80", b"\x0a\xff\xff\xff\xff\x7f"])
def test_c_1_what_is_no_protobuf_is_left_to_its_reader(end: bytes) -> None:
    check_fields(many("spans", MAX_FIELDS - 10) + end)


@pytest.mark.parametrize("text", [b'{"a":[%s{}]}' % (b"{}," * 600_000), b"[" * 1_100_000])
def test_c_1_json_with_too_many_values_is_refused_unread(text: bytes) -> None:
    with pytest.raises(TooLargeError, match="values in JSON"):
        request_from_json(text)


@pytest.mark.parametrize("kind", ["json", "spans"])
def test_c_1_bombs_of_nothing_at_once_are_413_and_take_little_memory(
    running: RunningCollector, kind: str
) -> None:
    before = resident_bytes(running)
    body = b"[" + b"{}," * (8 << 20) if kind == "json" else many(kind, 8 << 20)
    bomb = gzip.compress(body, 1)
    media_type = "application/json" if kind == "json" else "application/x-protobuf"
    answers: list[int] = []

    def send() -> None:
        answers.append(post(running, bomb, content_type=media_type, content_encoding="gzip")[0])

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [413] * 3
    # Two are read at a time, each of some 20 MiB unpacked, with what it was put together from.
    assert resident_bytes(running) - before < 200 << 20


def test_c_2_a_bomb_by_grpc_is_too_much_and_not_to_be_tried_again(running: RunningCollector) -> None:
    before = resident_bytes(running)
    with grpc.insecure_channel(running.otlp(Protocol.GRPC).removeprefix("http://")) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        with pytest.raises(grpc.RpcError) as caught:
            export(many("spans", 8 << 20), timeout=30, compression=grpc.Compression.Gzip)
    error = caught.value
    assert isinstance(error, grpc.Call)
    assert (error.code(), error.trailing_metadata()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, ())
    assert "send fewer spans at a time" in error.details()
    assert resident_bytes(running) - before < 200 << 20


@contextlib.contextmanager
def served(app: Any) -> Iterator[tuple[str, int]]:
    """An application behind our server, while it listens there."""
    serving = server.Server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(serving.serve([listener])))
        thread.start()
        yield listener.getsockname()[:2]
        serving.should_exit = True
        thread.join()


async def patient(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads all of a body before it answers with its length."""
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size, more = size + len(event["body"]), event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost:",
        b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\nabc",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nhost:",
    ],
)
def test_c_4_who_sends_too_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.2)
    monkeypatch.setattr(server, "REQUEST_S", 0.2)
    with served(patient) as address, socket.create_connection(address, timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(1000):
                received += part
        assert received.count(b" 200 OK") == sent.count(b"GET / HTTP/1.1\r\n\r\n")


def test_c_4_who_rests_between_two_requests_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.1)
    monkeypatch.setattr(server, "REQUEST_S", 0.1)
    with served(patient) as address:
        connection = http.client.HTTPConnection(*address, timeout=10)
        for _ in range(2):
            connection.request("POST", "/", b"abc")
            assert connection.getresponse().read() == b"3"
            time.sleep(0.3)


def test_c_4_chunks_and_trailers_without_end_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_REQUEST_BYTES", 100_000)
    with served(patient) as address, socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ")
        with pytest.raises(OSError):
            for _ in range(1000):
                connection.sendall(b"a" * 10_000)


async def answer_of(app: Any, receive: Receive) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": "/"}, receive, send)
    return sent


def asks_for_ever(ended: threading.Event) -> Any:
    """Something that asks the database for what takes for ever, and says when it was made to stop."""

    def ask(question: Question) -> None:
        with duckdb.connect() as connection, question.asked(connection):
            try:
                connection.execute("SELECT max(hash(range)) FROM range(1_000_000_000_000)")
            except duckdb.InterruptException:
                ended.set()
                raise

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(ask, scope["state"]["question"])

    return app


async def _staying() -> Message:
    await asyncio.sleep(60)
    raise AssertionError


async def _leaving() -> Message:
    await asyncio.sleep(0.1)
    return {"type": "http.disconnect"}


def test_a_question_that_takes_too_long_is_ended_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ANSWER_S", 0.2)
    ended = threading.Event()
    start, body = asyncio.run(answer_of(questions.Bounded(asks_for_ever(ended)), _staying))
    assert start["status"] == 503
    assert b"ask for a shorter window" in body["body"]
    assert ended.is_set()


def test_a_question_is_ended_when_who_asked_has_gone() -> None:
    ended = threading.Event()
    assert asyncio.run(answer_of(questions.Bounded(asks_for_ever(ended)), _leaving)) == []
    assert ended.is_set()


def test_an_error_of_ours_stays_an_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(answer_of(questions.Bounded(app), _staying))


def test_c_4_headers_without_end_are_431(running: RunningCollector) -> None:
    for url in (running.otlp(), running.web):
        with socket.create_connection(address(url), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nx: ")
            with contextlib.suppress(OSError):
                for _ in range(100):
                    connection.sendall(b"a" * 16_384)
            received = b""
            with contextlib.suppress(OSError):
                received = connection.recv(1000)
        # Its answer may be lost where more was sent after it.
        assert received[:12] in (b"HTTP/1.1 431", b"")


def test_a1_8_what_is_no_http_is_400_with_a_status(running: RunningCollector) -> None:
    with socket.create_connection(address(running.otlp()), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
        assert json.loads(answer.read())["code"] == 3


def test_c_5_more_connections_than_there_may_be_are_told_to_come_back(running: RunningCollector) -> None:
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(address(running.otlp()), timeout=10))
            for _ in range(server.CONNECTIONS + 20)
        ]
        assert connections[-1].recv(1000).startswith(b"HTTP/1.1 503 ")
        assert running.get("/healthz") == {"status": "ok"}
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            if post(running, b"")[0] == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_c_5_more_questions_than_are_answered_at_once_wait_or_are_told_to_come_back(
    running: RunningCollector,
) -> None:
    answers: list[int] = []

    def ask() -> None:
        connection = http.client.HTTPConnection(*address(running.web), timeout=60)
        connection.request("GET", "/api/v1/dora")
        answer = connection.getresponse()
        answer.read()
        answers.append(answer.status)

    threads = [threading.Thread(target=ask) for _ in range(150)]
    for thread in threads:
        thread.start()
    assert running.get("/healthz") == {"status": "ok"}
    for thread in threads:
        thread.join()
    assert set(answers) == {200, 503}
    assert running.get("/api/v1/dora")["deployment_frequency"]["deployments"] == 0
