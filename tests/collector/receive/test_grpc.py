"""OTLP/gRPC, by a real server and a real client."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from handmade.otlp import Otlp
from otel_vsm_collector.receive.grpc import METHOD, SERVICE, add_trace_service, make_server
from otel_vsm_collector.spans.accept import Outcome, Verdict, accept

Export = Callable[[bytes], Awaitable[Verdict]]
PATH = f"/{SERVICE}/{METHOD}"


async def accepting(payload: bytes) -> Verdict:
    return accept([payload]).verdicts[0]


@asynccontextmanager
async def serving(export: Export = accepting) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server that hands requests to `export`."""
    server = make_server()
    port = server.add_insecure_port("127.0.0.1:0")
    add_trace_service(server, export)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


def call(
    payload: bytes, export: Export = accepting, path: str = PATH, compression: grpc.Compression | None = None
) -> bytes:
    async def run() -> bytes:
        async with serving(export) as channel:
            send: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
            return await send(payload, compression=compression)

    return asyncio.run(run())


@pytest.mark.parametrize("compression", [None, grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a1_1_2_and_5_traces_are_taken_plain_and_packed(
    otlp: Otlp, compression: grpc.Compression | None
) -> None:
    taken = []

    async def export(payload: bytes) -> Verdict:
        taken.append(payload)
        return Verdict(Outcome.ACCEPTED)

    payload = otlp.payload(*[otlp.span() for _ in range(100)])
    assert call(payload, export, compression=compression) == b""
    assert taken == [payload]


def test_a1_5_an_empty_request_succeeds() -> None:
    assert call(b"") == b""


def test_a1_6_a_partial_success_is_ok_with_exact_numbers(otlp: Otlp) -> None:
    answer = call(otlp.payload(otlp.span(), otlp.span(trace_id=b"")))
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 1
    assert "1 without a trace id" in partial.error_message


def test_a1_9_what_cannot_be_decoded_is_an_invalid_argument() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        call(b"not protobuf")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "no OTLP trace request" in (caught.value.details() or "")


def test_a1_3_too_large_is_resource_exhausted_without_a_hint_to_retry() -> None:
    bomb = bytes(70 << 20)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        call(bomb, compression=grpc.Compression.Gzip)
    assert len(gzip.compress(bomb, 1)) < 1 << 20
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in dict(caught.value.trailing_metadata())


def test_a1_10_a_busy_collector_says_when_to_come_back() -> None:
    async def export(payload: bytes) -> Verdict:
        return Verdict(Outcome.BUSY, "the disk is full")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        call(b"", export)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.UNAVAILABLE, "the disk is full")
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    status = Status.FromString(details)
    assert status.code == grpc.StatusCode.UNAVAILABLE.value[0]
    (packed,) = status.details
    assert isinstance(packed, AnyMessage)
    retry = RetryInfo()
    assert packed.Unpack(retry)
    assert retry.retry_delay.seconds == 1


def test_what_is_not_served_is_unimplemented() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        call(b"", path="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_second_server_does_not_share_the_port() -> None:
    async def run() -> None:
        first, second = make_server(), make_server()
        port = first.add_insecure_port("127.0.0.1:0")
        with pytest.raises(RuntimeError):
            second.add_insecure_port(f"127.0.0.1:{port}")
        await first.stop(None)

    asyncio.run(run())


def test_a1_15_concurrent_requests_are_answered_each(otlp: Otlp) -> None:
    async def run() -> set[int]:
        async with serving() as channel:
            export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PATH)
            faulty = [otlp.span(trace_id=b"") for _ in range(20)]
            answers = await asyncio.gather(*(export(otlp.payload(*faulty[:n])) for n in range(20)))
            parsed = [ExportTraceServiceResponse.FromString(answer) for answer in answers]
            return {answer.partial_success.rejected_spans for answer in parsed}

    assert asyncio.run(run()) == set(range(20))
