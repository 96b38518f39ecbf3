"""How long a sender waits for its acknowledgement while 63 others send too.

Each client sends its next request as soon as the last one is answered, so the collector is never idle. The
clients share one process on the same machine: part of what they wait for is themselves.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc.aio

from bench.spans import requests
from bench.throughput import EXPORT
from bench.yardsticks import cpu_s, fsync_ms, percentile
from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import RunningCollector, collector

CLIENTS = 64
_WARM_UP_S = 2.0
Send = Callable[[bytes], Awaitable[None]]


def report(duration_s: float) -> Iterator[str]:
    """Sentences with the figures, for each protocol."""
    with TemporaryDirectory() as folder:
        fsync = fsync_ms(Path(folder))
    yield (
        f"{CLIENTS} clients, one span to a request as a wrapper sends it;"
        f" making 4 KiB durable takes {fsync:.2f} ms here."
    )
    for protocol in Protocol:
        with collector() as running:
            cpu_before_s = cpu_s(running.pid)
            waits = asyncio.run(_measure(protocol, running, duration_s))
            cpu_used_s = cpu_s(running.pid) - cpu_before_s
        p50, p99 = (percentile(waits, percent) * 1e3 for percent in (50, 99))
        yield (
            f"{protocol.value}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (target 50),"
            f" {p50 / fsync:.0f} and {p99 / fsync:.0f} times the durable write;"
            f" {len(waits) / duration_s:,.0f} requests per second,"
            f" {cpu_used_s / (duration_s + _WARM_UP_S) * 100:.0f} % of a CPU in the collector."
        )


async def _measure(protocol: Protocol, running: RunningCollector, duration_s: float) -> list[float]:
    payloads = list(itertools.islice(requests(100_000, batch=1), 20_000))
    turn = itertools.cycle(payloads)
    waits: list[float] = []
    begin = time.perf_counter() + _WARM_UP_S
    end = begin + duration_s

    async def client() -> None:
        async with _sender(protocol, running) as send:
            while (sent := time.perf_counter()) < end:
                await send(next(turn))
                if sent >= begin:
                    waits.append(time.perf_counter() - sent)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return waits


@asynccontextmanager
async def _sender(protocol: Protocol, running: RunningCollector) -> AsyncIterator[Send]:
    address = running.otlp(protocol).removeprefix("http://")
    if protocol is Protocol.GRPC:
        # Channels to one address share a connection unless they are told apart.
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            yield partial(_over_grpc, channel.unary_unary(EXPORT))
    else:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield partial(_over_http, reader, writer)
        writer.close()


async def _over_grpc(export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes], payload: bytes) -> None:
    assert await export(payload) == b""


async def _over_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> None:
    head = (
        "POST /v1/traces HTTP/1.1\r\nHost: collector\r\nContent-Type: application/x-protobuf\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    writer.write(head.encode() + payload)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 0\r\n" in answer
