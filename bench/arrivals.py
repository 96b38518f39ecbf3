"""In which order spans arrive: most at once, some late, some twice, those of one moment together."""

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from bench.encoded import request

HOUR_NS = 3600 * 10**9
_LATE, _LATE_BY_NS = 0.005, 72 * HOUR_NS
_REPEATED, _REPEATED_AFTER_NS = 0.005, HOUR_NS


class Arrival(NamedTuple):
    end_ns: int
    spans: int
    requests: list[bytes]
    """In protobuf, one per sender."""


class Arrivals:
    """Takes spans in any order and gives them in the order of their arrival, many at a time.

    `width_ns`: spans that arrive within it come together, as from a sender that gathers.
    """

    def __init__(self, rng: Random, width_ns: int) -> None:
        self._rng, self._width_ns = rng, width_ns
        self._waiting: dict[int, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))

    def send(self, at_ns: int, sender: str, span: bytes) -> None:
        """A span that is sent at a time, which must not lie before what was taken out already."""
        draw = self._rng.random()
        if draw < _LATE:
            at_ns += int(self._rng.expovariate(1 / _LATE_BY_NS))
        elif draw < _LATE + _REPEATED:
            repeated_ns = at_ns + int(self._rng.expovariate(1 / _REPEATED_AFTER_NS))
            self._waiting[repeated_ns // self._width_ns][sender].append(span)
        self._waiting[at_ns // self._width_ns][sender].append(span)

    def until(self, at_ns: int) -> Iterator[Arrival]:
        """What arrives before, moment by moment."""
        last = at_ns // self._width_ns
        for slot in sorted(slot for slot in self._waiting if slot < last):
            by_sender = self._waiting.pop(slot)
            yield Arrival(
                (slot + 1) * self._width_ns,
                sum(map(len, by_sender.values())),
                [request(spans) for spans in by_sender.values()],
            )
