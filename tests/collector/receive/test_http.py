"""OTLP/HTTP: what is answered, in which encoding, to sound and to bad requests."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from handmade.otlp import Otlp
from otel_vsm_collector.receive import limits
from otel_vsm_collector.receive.http import JSON, PATH, PROTOBUF, HttpReceiver
from otel_vsm_collector.spans.accept import Outcome, Verdict, accept


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Post = Callable[..., Answer]


@pytest.fixture
def taken() -> list[bytes]:
    """What the receiver handed on."""
    return []


@pytest.fixture
def post(taken: list[bytes]) -> Post:
    """Sends one request and gives the answer; a body may come in pieces."""

    def send(
        *pieces: bytes, path: str = PATH, method: str = "POST", verdict: Verdict | None = None, **headers: str
    ) -> Answer:
        async def export(payload: bytes) -> Verdict:
            taken.append(payload)
            return verdict or accept([payload]).verdicts[0]

        sent: list[dict[str, Any]] = []
        events = [
            {"type": "http.request", "body": piece, "more_body": left > 0}
            for left, piece in reversed(list(enumerate(reversed(pieces or (b"",)))))
        ]

        async def receive() -> dict[str, Any]:
            return events.pop(0) if events else {"type": "http.disconnect"}

        async def keep(event: Any) -> None:
            sent.append(event)

        scope = {
            "type": "http",
            "path": path,
            "method": method,
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        asyncio.run(HttpReceiver(export)(scope, receive, keep))
        if not sent:
            return Answer(0, {}, b"")
        start, body = sent
        return Answer(
            start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]
        )

    return send


def status_of(answer: Answer) -> Status:
    """The Status in an error's body, in the encoding that it says it has."""
    if answer.headers["content-type"] == PROTOBUF:
        return Status.FromString(answer.body)
    data = json.loads(answer.body)
    return Status(code=data["code"], message=data["message"])


@pytest.mark.parametrize("method", ["none", "identity", "gzip"])
def test_a1_1_and_2_traces_are_taken_plain_and_packed(
    post: Post, taken: list[bytes], otlp: Otlp, method: str
) -> None:
    payload = otlp.payload(otlp.span())
    packed = gzip.compress(payload) if method == "gzip" else payload
    headers = {} if method == "none" else {"content_encoding": method}
    assert post(packed, content_type=PROTOBUF, **headers).status == 200
    assert taken == [payload]


def test_a_body_may_come_in_pieces(post: Post, taken: list[bytes], otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span())
    assert post(payload[:10], payload[10:20], payload[20:], content_type=PROTOBUF).status == 200
    assert taken == [payload]


def test_a_sender_that_goes_away_in_between_is_forgotten() -> None:
    async def export(payload: bytes) -> Verdict:
        raise AssertionError

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(event: Any) -> None:
        raise AssertionError

    scope = {
        "type": "http",
        "path": PATH,
        "method": "POST",
        "headers": [(b"content-type", PROTOBUF.encode())],
    }
    asyncio.run(HttpReceiver(export)(scope, receive, send))


def test_a1_2_corrupt_gzip_is_400(post: Post) -> None:
    answer = post(b"no gzip", content_type=PROTOBUF, content_encoding="gzip")
    assert answer.status == 400
    assert "gzip" in status_of(answer).message


def test_a1_2_an_unknown_content_encoding_is_415(post: Post, taken: list[bytes]) -> None:
    answer = post(b"", content_type=PROTOBUF, content_encoding="snappy")
    assert answer.status == 415
    assert "'snappy' is not known; send gzip or none" in status_of(answer).message
    assert taken == []


def test_a1_3_a_body_over_the_limit_is_413(post: Post) -> None:
    too_large = bytes(limits.MAX_REQUEST_BYTES + 1)
    announced = post(b"", content_type=PROTOBUF, content_length=str(len(too_large)))
    sent = post(too_large[:100], too_large[100:], content_type=PROTOBUF)
    unpacked = post(gzip.compress(too_large, 1), content_type=PROTOBUF, content_encoding="gzip")
    for answer in (announced, sent, unpacked):
        assert answer.status == 413
        assert "send fewer spans at a time" in status_of(answer).message


@pytest.mark.parametrize(
    ("content_type", "body"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans":[]}')]
)
def test_a1_5_an_empty_request_succeeds_without_partial_success(
    post: Post, content_type: str, body: bytes
) -> None:
    answer = post(body, content_type=content_type)
    assert (answer.status, answer.body) == (200, b"" if content_type == PROTOBUF else b"{}")


def test_a1_6_a_partial_success_is_200_with_exact_numbers(post: Post, otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span(), otlp.span(span_id=b""), otlp.span(trace_id=b""))
    answer = post(payload, content_type=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_spans) == (200, 2)
    assert "2 spans were rejected" in partial.error_message


def test_a1_6_a_partial_success_in_json_has_lower_camel_case(post: Post) -> None:
    answer = post(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}', content_type=JSON)
    assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == "1"


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a1_7_the_answer_has_the_requests_content_type(post: Post, content_type: str) -> None:
    body = b"" if content_type == PROTOBUF else b"{}"
    assert post(body, content_type=content_type).headers["content-type"] == content_type
    assert post(b"\xff", content_type=content_type).headers["content-type"] == content_type


@pytest.mark.parametrize(
    ("status", "request_of"),
    [
        (400, {"content_type": "{}", "body": b"\xff\xff"}),
        (404, {"content_type": "{}", "path": "/v1/metrics"}),
        (404, {"content_type": "{}", "path": "/"}),
        (405, {"content_type": "{}", "method": "GET"}),
        (415, {"content_type": "{}", "content_encoding": "br"}),
        (503, {"content_type": "{}", "verdict": Verdict(Outcome.BUSY, "later")}),
    ],
)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a1_8_every_error_is_a_status_in_the_requests_encoding(
    post: Post, status: int, request_of: dict[str, Any], content_type: str
) -> None:
    request = request_of | {"content_type": content_type}
    body = request.pop("body", b"" if content_type == PROTOBUF else b"{}")
    answer = post(body, **request)
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)
    assert status_of(answer).code > 0
    assert status_of(answer).message


@pytest.mark.parametrize("headers", [{"content_type": "text/plain"}, {}])
def test_a1_8_an_unknown_content_type_is_told_in_json(post: Post, headers: dict[str, str]) -> None:
    answer = post(b"", **headers)
    assert (answer.status, answer.headers["content-type"]) == (415, JSON)
    assert f"send {PROTOBUF} or {JSON}" in status_of(answer).message


def test_a1_8_another_method_is_told_which_is_allowed(post: Post) -> None:
    assert post(method="PUT", content_type=JSON).headers["allow"] == "POST"


def test_a1_9_what_cannot_be_decoded_is_400(post: Post) -> None:
    assert post(b"not protobuf", content_type=PROTOBUF).status == 400
    assert post(b"not json", content_type=JSON).status == 400


def test_a1_10_a_busy_collector_says_when_to_come_back(post: Post) -> None:
    answer = post(b"", content_type=PROTOBUF, verdict=Verdict(Outcome.BUSY, "the disk is full"))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert status_of(answer).message == "the disk is full"


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
)
def test_a1_12_json_is_known_by_any_spelling(
    post: Post, taken: list[bytes], otlp: Otlp, content_type: str
) -> None:
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "name": "build",
        "startTimeUnixNano": "1700000000000000000",
        "attributes": [{"key": "vsm.stage.name", "value": {"stringValue": "build"}}],
    }
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * 200}]}]}).encode()
    assert post(text, content_type=content_type).status == 200
    (payload,) = taken
    assert accept([payload]).counts.kept == 200


def test_a1_8_what_is_wrong_with_a_400_stands_in_its_details(post: Post) -> None:
    status = Status.FromString(post(b"no protobuf", content_type=PROTOBUF).body)
    bad = BadRequest()
    assert status.details[0].Unpack(bad)
    assert [one.description for one in bad.field_violations] == [status.message]
    (detail,) = json.loads(post(b"no JSON", content_type=JSON).body)["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"


def answer_to_half_a_body(receiver: HttpReceiver, *, stop: bool = False, size: int = 10) -> Any:
    """What is sent to somebody who does not send the rest, where the server is stopped meanwhile."""
    sent: list[dict[str, Any]] = []
    events = [{"type": "http.request", "body": bytes(size), "more_body": True}]

    async def receive() -> dict[str, Any]:
        return events.pop() if events else await asyncio.get_running_loop().create_future()

    async def keep(event: Any) -> None:
        sent.append(event)

    headers = [(b"content-type", PROTOBUF.encode())]
    scope = {"type": "http", "path": PATH, "method": "POST", "headers": headers}

    async def run() -> None:
        task = asyncio.ensure_future(receiver(scope, receive, keep))
        await asyncio.wait((task,), timeout=0.1)
        if stop:
            task.cancel()
            await task

    asyncio.run(run())
    return sent


async def unreached(payload: bytes) -> Verdict:
    raise AssertionError


def test_a1_16_a_body_that_is_not_whole_when_the_server_stops_is_503() -> None:
    start, body = answer_to_half_a_body(HttpReceiver(unreached), stop=True)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert Status.FromString(body["body"]).message == "the collector is shutting down; send it again later"


def test_a1_10_more_at_once_than_there_is_room_for_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.Arriving.__init__, "__defaults__", (1000,))
    receiver = HttpReceiver(unreached)
    start, _ = answer_to_half_a_body(receiver, size=1001)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    for _ in range(3):  # what has ended takes no room any more
        _, body = answer_to_half_a_body(receiver, size=1000)
        assert Status.FromString(body["body"]).message.startswith("the collector is shutting down")
