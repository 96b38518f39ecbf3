"""The history of a made-up company's deliveries, of any size, the same for the same seed.

Ten million spans are 600,000 changes of 200 services in two years. A smaller history has fewer services and
is shorter, both by the root of its size, so that as much happens to a service in a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import sqrt
from pathlib import Path
from random import Random

from bench.arrivals import Arrival, Arrivals
from bench.changes import DAY_NS, HOUR_NS, MINUTE_NS
from bench.company import Company, Service
from otel_vsm.identity import Repository
from otel_vsm_collector.stores.journal import Journal

BEGIN_NS = 1_719_792_000 * 10**9
"""2024-07-01, a Monday."""
_SPANS, _SERVICES = 10_000_000, 200
_ROW_SPANS = 1_000
_SPANS_PER_DAY = 68
"""Of a service, on average."""
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Written:
    spans: int
    """As they came, those that came twice among them."""
    end_ns: int
    """Until when the history was told."""
    size_bytes: int
    following: list[bytes]
    """What comes next: OTLP requests of at least a thousand spans each."""
    following_spans: int


def write(folder: Path, spans: int, *, seed: int = 0, following: int = 0) -> Written:
    """Writes the journal of a collector that has received a history of so many spans, into a new folder."""
    folder.mkdir(parents=True)
    journal = Journal(folder / "journal.sqlite")
    rows = history(spans, seed=seed)
    written = end_ns = 0
    while written < spans:
        row = next(rows)
        journal.append(row.requests)
        written, end_ns = written + row.spans, row.end_ns
    following_requests: list[bytes] = []
    following_spans = 0
    for _ in range(following):
        request_spans, requests = 0, b""
        while request_spans < _ROW_SPANS:
            row = next(rows)
            # Requests in protobuf, one after the other, are one request.
            request_spans, requests = request_spans + row.spans, requests + b"".join(row.requests)
        following_requests, following_spans = [*following_requests, requests], following_spans + request_spans
    size = journal.size_bytes()
    journal.close()
    return Written(written, end_ns, size, following_requests, following_spans)


def history(spans: int, *, seed: int = 0) -> Iterator[Arrival]:
    """What a company of the size tells in time, without an end: rows of a journal, in their order."""
    rng = Random(seed)
    services = _services(max(2, round(_SERVICES * sqrt(spans / _SPANS))))
    arrivals = Arrivals(rng, _ROW_SPANS * DAY_NS // (_SPANS_PER_DAY * len(services)))
    company = Company(rng, arrivals.send)
    for day in count():
        at, is_workday = BEGIN_NS + day * DAY_NS, day % _WEEK < 5
        for service in services:
            for _ in range(rng.randrange(12) if is_workday else rng.randrange(2)):
                company.change(service, at + _working_moment(rng))
            for offset_ns in sorted(
                _working_moment(rng) for _ in range(rng.randrange(4) if is_workday else 0)
            ):
                company.deploy(service, at + offset_ns)
        yield from arrivals.until(at + DAY_NS)


def _working_moment(rng: Random) -> int:
    """A moment of a day, between seven and nineteen hours."""
    return 7 * HOUR_NS + rng.randrange(12 * 60) * MINUTE_NS


def _services(number: int) -> list[Service]:
    """Every tenth shares the repository of the one before it; every tenth has a foreign pipeline."""
    services: list[Service] = []
    for index in range(number):
        shared = index % 10 == 9
        name = f"service-{index}"
        repository = services[-1].repository if shared else Repository(f"github.com/acme/{name}")
        services.append(
            Service(
                name=name,
                repository=repository,
                requests=services[-1].requests if shared else count(1),
                team=f"team-{index // 5}",
                value_stream=f"stream-{index // 20}",
                foreign=index % 10 == 4,
            )
        )
    return services
