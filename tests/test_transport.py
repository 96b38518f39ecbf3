"""What the receiver gets, and what becomes of what it answers; over real sockets, for both protocols."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from harness.factories import NewRecord
from otel_vsm import __version__
from otel_vsm.export.endpoint import Protocol, read_endpoint
from otel_vsm.export.exporters import Outcome
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.transport import Sender
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.record import Record
from otel_vsm.testing import ACCEPT, BAD_REQUEST, BUSY, UNAUTHENTICATED, ExportResponse, OtlpReceiver

Send = Callable[..., Outcome]


@pytest.fixture(params=Protocol, ids=str)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    protocol: Protocol = request.param
    return protocol


@pytest.fixture
def open_sender(otlp_receiver: OtlpReceiver, protocol: Protocol) -> Iterator[Callable[..., Sender]]:
    opened = []

    def sender(timeout_s: float = 10.0, **env: str) -> Sender:
        variables = {**os.environ, **otlp_receiver.environment(protocol), **env}
        opened.append(Sender(read_endpoint(variables), timeout_s=timeout_s))
        return opened[-1]

    yield sender
    for one in opened:
        one.__exit__()


def span(trace: str, span: str) -> SpanReference:
    return SpanReference(TraceId(trace * 16), SpanId(span * 8))


def parcel_of(*records: Record) -> Parcel:
    return Parcel(resource={"service.name": "shop", "vsm.team": "payments"}, records=records)


def test_a_record_arrives_as_it_was_made(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    stage = new_record(
        attributes={"text": "größer ☃", "yes": True, "count": 2**40, "share": 0.25},
        links=(span("ab", "cd"), span("12", "34")),
        failed=True,
    )
    event = new_record("change.merged", parent_span_id=None, end_ns=1_770_000_000_000_000_001)
    assert open_sender().send([parcel_of(stage, event)]).outcome is Outcome.ACCEPTED
    assert otlp_receiver.records == [stage, event]


def test_scope_and_resource_are_told(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    open_sender().send([parcel_of(new_record())])
    (span,) = otlp_receiver.spans
    assert (span.scope, span.scope_version) == ("otel_vsm", __version__)
    assert span.schema_url.startswith("https://")
    assert span.resource["service.name"] == "shop"
    assert span.resource["vsm.team"] == "payments"
    assert span.resource["telemetry.sdk.language"] == "python"


def test_each_parcel_keeps_its_resource(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    parcels = [Parcel(resource={"vsm.team": team}, records=(new_record(team),)) for team in ("one", "two")]
    open_sender().send(parcels)
    assert {span.record.name: span.resource["vsm.team"] for span in otlp_receiver.spans} == {
        "one": "one",
        "two": "two",
    }


def test_what_is_no_text_is_sent_as_far_as_it_is(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    undecodable = b"caf\xe9".decode("utf-8", "surrogateescape")
    record = new_record(undecodable, attributes={undecodable: undecodable})
    assert open_sender().send([parcel_of(record)]).outcome is Outcome.ACCEPTED
    assert otlp_receiver.records[0].name == "caf?"
    assert otlp_receiver.records[0].attributes == {"caf?": "caf?"}


@pytest.mark.parametrize("bad", [{"start_ns": -1}, {"trace_id": "no hex"}, {"name": 7}])
def test_what_cannot_be_encoded_is_not_taken_for_sent(
    otlp_receiver: OtlpReceiver,
    open_sender: Callable[..., Sender],
    new_record: NewRecord,
    bad: dict[str, Any],
) -> None:
    result = open_sender().send([parcel_of(new_record(**bad))])
    assert result.outcome is Outcome.REFUSED
    assert "could not be encoded" in result.reason
    assert otlp_receiver.requests == []


@pytest.mark.parametrize(
    ("response", "outcome", "message"),
    [
        (ACCEPT, Outcome.ACCEPTED, ""),
        (BAD_REQUEST, Outcome.REFUSED, "not understood"),
        (ExportResponse(413, grpc.StatusCode.FAILED_PRECONDITION, "too large"), Outcome.REFUSED, "too large"),
        (ExportResponse(500, grpc.StatusCode.INTERNAL, "bug"), Outcome.REFUSED, "bug"),
        (
            ExportResponse(501, grpc.StatusCode.RESOURCE_EXHAUSTED, "large or many"),
            Outcome.REFUSED,
            "large or many",
        ),
        (ExportResponse(408, grpc.StatusCode.UNKNOWN, "slow"), Outcome.REFUSED, "slow"),
        (BUSY, Outcome.UNAVAILABLE, "too busy"),
        (ExportResponse(429, grpc.StatusCode.ABORTED, "slowly"), Outcome.UNAVAILABLE, "slowly"),
        (UNAUTHENTICATED, Outcome.UNAVAILABLE, "who are you?; check OTEL_EXPORTER_OTLP_HEADERS"),
        (
            ExportResponse(404, grpc.StatusCode.UNIMPLEMENTED, "not here"),
            Outcome.UNAVAILABLE,
            "not here; check OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (ExportResponse(400, grpc.StatusCode.INVALID_ARGUMENT, "a\x1b[31m\nb"), Outcome.REFUSED, "a [31m b"),
        (ExportResponse(400, grpc.StatusCode.INVALID_ARGUMENT, "x" * 999), Outcome.REFUSED, "x" * 200 + "…"),
    ],
)
def test_an_answer_decides_what_becomes_of_the_spans(
    otlp_receiver: OtlpReceiver,
    open_sender: Callable[..., Sender],
    new_record: NewRecord,
    response: ExportResponse,
    outcome: Outcome,
    message: str,
) -> None:
    otlp_receiver.response = response
    # Shorter than the first pause, so that it is not tried again.
    result = open_sender(timeout_s=0.7).send([parcel_of(new_record())])
    assert result.outcome is outcome
    assert result.message.endswith(message)
    assert len(otlp_receiver.requests) == 1


def test_rejected_spans_are_counted(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    otlp_receiver.response = ExportResponse(rejected=1, message="no id")
    result = open_sender().send([parcel_of(new_record(), new_record())])
    assert (result.outcome, result.rejected, result.reason) == (Outcome.ACCEPTED, 1, "no id")


def test_a_busy_receiver_is_tried_again(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    responses = iter([BUSY, ACCEPT])
    otlp_receiver.response = lambda spans: next(responses)
    assert open_sender().send([parcel_of(new_record())]).outcome is Outcome.ACCEPTED
    assert len(otlp_receiver.requests) == 2


def test_an_outcome_is_that_of_the_last_request(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    sender = open_sender()
    refused, accepted = (BAD_REQUEST, Outcome.REFUSED), (ACCEPT, Outcome.ACCEPTED)
    for response, outcome in (refused, accepted, refused):
        otlp_receiver.response = response
        assert sender.send([parcel_of(new_record())]).outcome is outcome


def test_a_closed_port_is_said_to_refuse(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    with otlp_receiver.refusing():
        result = open_sender(timeout_s=0.7).send([parcel_of(new_record())])
    assert (result.outcome, result.reason) == (Outcome.UNAVAILABLE, "refused")


def test_silence_is_said_to_be_no_answer(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    with otlp_receiver.silent():
        result = open_sender(timeout_s=0.2).send([parcel_of(new_record())])
    assert (result.outcome, result.reason) == (Outcome.UNAVAILABLE, "no answer within 0.2 s")


def test_a_name_that_nobody_knows_is_said_to_be_that(
    open_sender: Callable[..., Sender], new_record: NewRecord
) -> None:
    # .invalid is reserved for names that do not exist.
    sender = open_sender(timeout_s=0.7, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")
    result = sender.send([parcel_of(new_record())])
    assert result.outcome is Outcome.UNAVAILABLE
    assert result.reason in ("the name of the host is not known", "no answer within 0.7 s")


def test_a_server_without_tls_is_not_spoken_to_in_the_clear(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord, protocol: Protocol
) -> None:
    endpoint = otlp_receiver.url(protocol).replace("http:", "https:")
    result = open_sender(timeout_s=0.7, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).send([parcel_of(new_record())])
    assert result.outcome is Outcome.UNAVAILABLE
    assert otlp_receiver.requests == []


def test_the_wrong_protocol_for_a_port_is_said_with_the_remedy(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], new_record: NewRecord, protocol: Protocol
) -> None:
    (other,) = set(Protocol) - {protocol}
    sender = open_sender(timeout_s=0.7, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_receiver.url(other))
    result = sender.send([parcel_of(new_record())])
    assert result.outcome is Outcome.UNAVAILABLE
    assert f"set OTEL_EXPORTER_OTLP_PROTOCOL={other}" in result.advice


def test_headers_are_sent_and_the_sender_is_named(
    otlp_receiver: OtlpReceiver,
    open_sender: Callable[..., Sender],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=our%20shop")
    open_sender().send([])
    (request,) = otlp_receiver.requests
    assert request.headers["x-tenant"] == "our shop"
    assert request.headers["user-agent"].startswith(f"otel-vsm/{__version__} OTel-OTLP-Exporter-Python/")


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none", "zstd", ""])
def test_every_compression_arrives(
    otlp_receiver: OtlpReceiver,
    open_sender: Callable[..., Sender],
    new_record: NewRecord,
    monkeypatch: pytest.MonkeyPatch,
    compression: str,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", compression)
    open_sender().send([parcel_of(new_record())])
    (request,) = otlp_receiver.requests
    assert len(request.records) == 1
    if request.protocol is Protocol.HTTP:
        assert request.headers.get("content-encoding") == (
            compression if compression in ("gzip", "deflate") else None
        )


@pytest.mark.parametrize("value", ["", "5s", "-1", "0"])
def test_a_timeout_that_is_no_number_of_seconds_breaks_nothing(
    otlp_receiver: OtlpReceiver,
    open_sender: Callable[..., Sender],
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", value)
    assert open_sender().send([]).outcome is Outcome.ACCEPTED
    assert os.environ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] == value


def test_no_proxy_is_asked_for_this_machine(
    otlp_receiver: OtlpReceiver, open_sender: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert open_sender().send([]).outcome is Outcome.ACCEPTED
