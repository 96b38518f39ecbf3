"""What it takes to derive a history anew, to take new spans into a long one, and to answer from it.

A collector of its own is measured from outside, on the journals that `bench.history` makes up. The answers of
a window are timed as a client sees them, each the second time and later: the first one waits for a query to
be compiled, once in a collector's life.
"""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode

import duckdb

from bench import history
from bench.changes import DAY_NS
from bench.yardsticks import cpu_s, parse_us
from otel_vsm.testing import RunningCollector, collector

_WINDOW_NS = 90 * DAY_NS
_REFRESHES, _REPEATS = 12, 4
_REBUILT_WITHIN_S, _ANSWERED_WITHIN_S = 3600.0, 120.0
_FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"service": "service-0"},
    {"repository": "github.com/acme/service-0"},
    {"team": "team-0"},
    {"value_stream": "stream-0"},
)
_PROFILES = ("devlake", "gitlab", "pelorus", "middleware")
_FIGURES = ("dora", "dora/series", "stages", "flow")
_LISTS = ("changes", "deployments", "incidents")
# What DuckDB alone takes for the same: reading the key of every span, a figure of the window.
_KEYS = "SELECT count(*) FROM span WHERE trace_id IN (SELECT trace_id FROM span LIMIT 300)"
_LEAD_TIMES = (
    "SELECT quantile_cont(lead_time_s, [0.5, 0.75, 0.9, 0.95]) FROM delivery"
    " WHERE delivered_at BETWEEN ? AND ?"
)


class _Rebuilt(NamedTuple):
    wall_s: float
    cpu_s: float
    resident_gb: float


def report(sizes: Sequence[int]) -> Iterator[str]:
    """Sentences with the figures, for each number of spans."""
    costs = []
    for spans in sizes:
        with TemporaryDirectory(prefix="otel-vsm-") as folder:
            data = Path(folder) / "data"
            start = time.perf_counter()
            written = history.write(data, spans, following=_REFRESHES)
            yield (
                f"{written.spans:,} spans, made up in {time.perf_counter() - start:.0f} s,"
                f" {written.size_bytes / written.spans:.0f} B each in the journal."
            )
            with collector(data=data, stop_timeout_s=_ANSWERED_WITHIN_S) as running:
                rebuilt = _rebuilt(running)
                costs.append(f"{rebuilt.wall_s / written.spans * 1e6:.1f} ({written.spans:,})")
                yield _rebuild(rebuilt, written)
                refreshes = _refreshes(running, written.following)
                durations = dict(_answer_durations(running, written.end_ns))
            with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as ledger:
                yield _refresh(refreshes, _least_s(ledger, _KEYS))
                window = (written.end_ns - _WINDOW_NS, written.end_ns)
                yield _answer_sentence(durations, _least_s(ledger, _LEAD_TIMES, window))
    yield f"A rebuild takes, in µs per span: {', '.join(costs)}."


def _rebuild(rebuilt: _Rebuilt, written: history.Written) -> str:
    spans, cpu_us = written.spans, rebuilt.cpu_s / written.spans * 1e6
    yardstick_us = parse_us(written.following, written.following_spans)
    return (
        f"Rebuilt from the journal in {rebuilt.wall_s:.1f} s (target for 10,000,000 spans: 120) with at most"
        f" {rebuilt.resident_gb:.2f} GB resident (target 2): {rebuilt.wall_s / spans * 1e6:.1f} µs per span,"
        f" {cpu_us:.1f} µs of CPU, {cpu_us / yardstick_us:.0f} times what"
        f" protobuf's C library takes to parse it ({yardstick_us:.2f} µs)."
    )


def _refresh(seconds: list[float], keys_s: float) -> str:
    return (
        f"A thousand new spans are in every figure after {statistics.median(seconds):.2f} s, at worst"
        f" {max(seconds):.2f} s (target 0.5), median and maximum of {len(seconds)};"
        f" DuckDB looks through the keys of all spans in {keys_s * 1e3:.0f} ms."
    )


def _answer_sentence(durations: dict[str, float], lead_times_s: float) -> str:
    slowest = sorted(durations.items(), key=lambda duration: -duration[1])
    shown = "; ".join(f"{seconds:.2f} s {what}" for what, seconds in slowest[:5])
    slow = sum(seconds > 0.3 for _, seconds in slowest)
    return (
        f"{len(durations)} questions of 90 days, {slow} of them slower than the target of 0.3 s, the median"
        f" {statistics.median(durations.values()):.2f} s; DuckDB computes the quantiles of the window's lead"
        f" times in {lead_times_s * 1e3:.0f} ms. The slowest: {shown}."
    )


def _rebuilt(running: RunningCollector) -> _Rebuilt:
    """Waits until a collector that found a journal and no ledger is ready."""
    start = time.perf_counter()
    while _get(running, "/readyz")[0] != 200:
        if time.perf_counter() - start > _REBUILT_WITHIN_S:
            raise TimeoutError(f"the ledger was not made again within {_REBUILT_WITHIN_S:.0f} s")
        time.sleep(0.1)
    took_s = time.perf_counter() - start
    return _Rebuilt(took_s, cpu_s(running.pid), _most_resident_gb(running.pid))


def _refreshes(running: RunningCollector, requests: Sequence[bytes]) -> list[float]:
    """Seconds from each acknowledgement until nothing is left to derive."""
    durations_s = []
    for request in requests:
        connection = HTTPConnection(running.otlp().removeprefix("http://"))
        connection.request("POST", "/v1/traces", request, {"Content-Type": "application/x-protobuf"})
        assert connection.getresponse().status == 200
        connection.close()
        start = time.perf_counter()
        # A question that is refused, and before that the API waits for what was acknowledged.
        while (lag_s := _get(running, "/api/v1/changes?limit=0")[1]) != "0":
            assert lag_s is not None
        durations_s.append(time.perf_counter() - start)
    return durations_s


def _answer_durations(running: RunningCollector, end_ns: int) -> Iterator[tuple[str, float]]:
    """The median seconds of each answer that there is."""
    known = json.loads(_get(running, "/openapi.json")[2])["paths"]
    window = {"from": _date(end_ns - _WINDOW_NS), "to": _date(end_ns)}
    questions = [
        *((name, filters) for name in _FIGURES for filters in _FILTERS),
        *((name, {"profile": profile}) for name in ("dora", "flow") for profile in _PROFILES),
        *((name, {**filters, "limit": "100"}) for name in _LISTS for filters in _FILTERS),
    ]
    for name, parameters in questions:
        if f"/api/v1/{name}" not in known:
            continue
        query = urlencode({**window, **parameters})
        durations_s = []
        for _ in range(1 + _REPEATS):
            start = time.perf_counter()
            status, _, body = _get(running, f"/api/v1/{name}?{query}")
            durations_s.append(time.perf_counter() - start)
            assert status == 200, body
        yield (
            f"{name} {' '.join(map('='.join, parameters.items()))}".rstrip(),
            statistics.median(durations_s[1:]),
        )


def _get(running: RunningCollector, path: str) -> tuple[int, str | None, bytes]:
    """Status, lag and body."""
    connection = HTTPConnection(running.web.removeprefix("http://"), timeout=_ANSWERED_WITHIN_S)
    connection.request("GET", path)
    response = connection.getresponse()
    parts = response.status, response.headers["vsm-lag-seconds"], response.read()
    connection.close()
    return parts


def _date(at_ns: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at_ns / 10**9))


def _most_resident_gb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 10**9


def _least_s(ledger: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[int] = ()) -> float:
    def once() -> float:
        start = time.perf_counter()
        ledger.execute(query, parameters).fetchall()
        return time.perf_counter() - start

    return min(once() for _ in range(5))
