"""Spans received, kept and derived per CPU second of the collector, and what they take on disk."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.request import urlopen

import grpc

from bench.spans import BATCH, requests
from bench.yardsticks import cpu_s, parse_us
from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import RunningCollector, collector

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_CAUGHT_UP_WITHIN_S = 600.0
Send = Callable[[bytes], None]


def report(spans: int) -> Iterator[str]:
    """Sentences with the figures, for each protocol."""
    sample = list(itertools.islice(requests(40 * BATCH), 40))
    size = sum(map(len, sample)) / 40 / BATCH
    yield f"Spans of {size:.0f} bytes and 11 attributes, {BATCH} to a request, {spans:,} over each protocol."
    for protocol in Protocol:
        yield _measure(protocol, spans, sample)


def _measure(protocol: Protocol, spans: int, sample: list[bytes]) -> str:
    yardstick_us = parse_us(sample, len(sample) * BATCH)
    with collector() as running:
        cpu_before_s, start = cpu_s(running.pid), time.perf_counter()
        with _sender(protocol, running) as send:
            _send_all(send, requests(spans))
        received_s, sent = cpu_s(running.pid), time.perf_counter()
        _catch_up(running)
        derived_s, caught_up = cpu_s(running.pid), time.perf_counter()
        running.stop()
        on_disk = {file.name: file.stat().st_size / spans for file in running.data.iterdir()}
    per_span_us = (derived_s - cpu_before_s) / spans * 1e6
    files = " + ".join(f"{size:.0f} ({name})" for name, size in sorted(on_disk.items()) if size >= 1)
    return (
        f"{protocol.value}: {1e6 / per_span_us:,.0f} spans per CPU second of the collector, received, kept"
        f" and derived (target 100,000). {per_span_us:.1f} µs of CPU per span,"
        f" {per_span_us / yardstick_us:.0f} times what protobuf's C library takes to parse the same bytes"
        f" ({yardstick_us:.2f} µs); {(derived_s - received_s) / spans * 1e6:.1f} µs of it after the last"
        f" answer. {sent - start:.0f} s to send, by a sender on the same machine;"
        f" {caught_up - sent:.1f} s until derived."
        f" On disk {sum(on_disk.values()):.0f} B per span (target 150): {files}."
    )


def _send_all(send: Send, payloads: Iterable[bytes]) -> None:
    for payload in payloads:
        send(payload)


@contextmanager
def _sender(protocol: Protocol, running: RunningCollector) -> Iterator[Send]:
    address = running.otlp(protocol).removeprefix("http://")
    if protocol is Protocol.GRPC:
        with grpc.insecure_channel(address) as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)

            def over_grpc(payload: bytes) -> None:
                assert export(payload) == b""

            yield over_grpc
    else:
        connection = HTTPConnection(address)

        def over_http(payload: bytes) -> None:
            connection.request("POST", "/v1/traces", payload, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"")

        yield over_http
        connection.close()


def _catch_up(running: RunningCollector) -> None:
    deadline = time.monotonic() + _CAUGHT_UP_WITHIN_S
    while time.monotonic() < deadline:
        with urlopen(f"{running.web}/api/v1/deployments?limit=1", timeout=60) as answer:
            if float(answer.headers["vsm-lag-seconds"]) == 0.0:
                return
    raise TimeoutError(f"the collector did not catch up within {_CAUGHT_UP_WITHIN_S:.0f} s")
