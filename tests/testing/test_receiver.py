"""The test receiver, spoken to without this project's own exporters."""

import gzip
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import BUSY, ExportResponse, OtlpReceiver


def message(*names: str) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    spans = made.resource_spans.add().scope_spans.add().spans
    for number, name in enumerate(names, start=1):
        span = spans.add(name=name, trace_id=bytes(15) + b"\1", span_id=number.to_bytes(8, "big"))
        span.attributes.add(key="list").value.array_value.values.add(string_value="x")
        span.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 7
        span.attributes.add(key="empty")
    return made


def post(receiver: OtlpReceiver, body: bytes, path: str = "/v1/traces", **headers: str) -> bytes:
    headers = {"Content-Type": "application/x-protobuf", **headers}
    request = HttpRequest(f"{receiver.url()}{path}", body, headers)
    with urlopen(request, timeout=30) as response:
        data: bytes = response.read()
    return data


@pytest.fixture
def stub(otlp_receiver: OtlpReceiver) -> Iterator[TraceServiceStub]:
    with grpc.insecure_channel(otlp_receiver.url(Protocol.GRPC).removeprefix("http://")) as channel:
        yield TraceServiceStub(channel)  # type: ignore[no-untyped-call]


def test_it_remembers_what_came_over_http(otlp_receiver: OtlpReceiver) -> None:
    body = gzip.compress(message("a", "b").SerializeToString())
    assert post(otlp_receiver, body, **{"Content-Encoding": "gzip", "X-Tenant": "shop"}) == b""
    (request,) = otlp_receiver.requests
    assert request.protocol is Protocol.HTTP
    assert request.headers["x-tenant"] == "shop"
    assert [record.name for record in request.records] == ["a", "b"]
    attributes: Mapping[str, Any] = request.records[0].attributes
    assert attributes == {"list": ["x"], "map": {"k": 7}, "empty": None}
    assert request.records[1].span_id == "0000000000000002"


def test_it_remembers_what_came_over_grpc(otlp_receiver: OtlpReceiver, stub: TraceServiceStub) -> None:
    assert stub.Export(message("a"), metadata=[("x-tenant", "shop")]) == ExportTraceServiceResponse()
    (request,) = otlp_receiver.requests
    assert request.protocol is Protocol.GRPC
    assert request.headers["x-tenant"] == "shop"


def test_it_answers_as_it_is_told(otlp_receiver: OtlpReceiver, stub: TraceServiceStub) -> None:
    otlp_receiver.response = BUSY
    with pytest.raises(HTTPError, match="503"):
        post(otlp_receiver, b"")
    with pytest.raises(grpc.RpcError, match="too busy"):
        stub.Export(message())
    otlp_receiver.response = lambda spans: ExportResponse(rejected=len(spans), message="no")
    response = ExportTraceServiceResponse.FromString(
        post(otlp_receiver, message("a", "b").SerializeToString())
    )
    assert response.partial_success.rejected_spans == 2
    assert stub.Export(message("a")).partial_success.error_message == "no"


def test_it_takes_traces_only(otlp_receiver: OtlpReceiver) -> None:
    with pytest.raises(HTTPError, match="404"):
        post(otlp_receiver, b"", path="/v1/logs")
    assert otlp_receiver.requests == []


def test_it_can_be_waited_for(otlp_receiver: OtlpReceiver) -> None:
    post(otlp_receiver, message("a").SerializeToString())
    assert [record.name for record in otlp_receiver.wait_for(1)] == ["a"]
    with pytest.raises(TimeoutError, match="1 of 2 spans"):
        otlp_receiver.wait_for(2, timeout_s=0.01)


def test_refusing_is_not_listening_and_passes(otlp_receiver: OtlpReceiver, stub: TraceServiceStub) -> None:
    for _ in range(2):
        with otlp_receiver.refusing():
            for protocol in Protocol:
                with socket.socket() as client:
                    address = otlp_receiver.url(protocol).removeprefix("http://").split(":")
                    with pytest.raises(ConnectionRefusedError):
                        client.connect((address[0], int(address[1])))
        post(otlp_receiver, message("http").SerializeToString())
        stub.Export(message("grpc"), wait_for_ready=True, timeout=30)
    assert [record.name for record in otlp_receiver.records] == ["http", "grpc"] * 2


def test_silence_is_listening_without_an_answer_and_passes(otlp_receiver: OtlpReceiver) -> None:
    with otlp_receiver.silent(), pytest.raises(TimeoutError):
        urlopen(otlp_receiver.url(), timeout=0.05)
    post(otlp_receiver, message("a").SerializeToString())
    assert len(otlp_receiver.records) == 1
