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

from bench.arrivals import Arrivals, Arrived
from bench.lives import Lives, Service
from bench.telling import DAY_NS, HOUR_NS, MINUTE_NS
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
    after: list[bytes] = []
    after_spans = 0
    for _ in range(following):
        held, requests = 0, b""
        while held < _ROW_SPANS:
            row = next(rows)
            # Requests in protobuf, one after the other, are one request.
            held, requests = held + row.spans, requests + b"".join(row.requests)
        after, after_spans = [*after, requests], after_spans + held
    size = journal.size_bytes()
    journal.close()
    return Written(written, end_ns, size, after, after_spans)


def history(spans: int, *, seed: int = 0) -> Iterator[Arrived]:
    """What a company of the size tells in time, without an end: rows of a journal, in their order."""
    dice = Random(seed)
    services = _services(max(2, round(_SERVICES * sqrt(spans / _SPANS))))
    arrivals = Arrivals(dice, _ROW_SPANS * DAY_NS // (_SPANS_PER_DAY * len(services)))
    lives = Lives(dice, arrivals.tell)
    for day in count():
        at, works = BEGIN_NS + day * DAY_NS, day % _WEEK < 5
        for service in services:
            for _ in range(dice.randrange(12) if works else dice.randrange(2)):
                lives.change(service, at + _by_day(dice))
            for moment in sorted(_by_day(dice) for _ in range(dice.randrange(4) if works else 0)):
                lives.deploy(service, at + moment)
        yield from arrivals.until(at + DAY_NS)


def _by_day(dice: Random) -> int:
    """A moment of a day, between seven and nineteen hours."""
    return 7 * HOUR_NS + dice.randrange(12 * 60) * MINUTE_NS


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
