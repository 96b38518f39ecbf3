"""When to derive: at once for a reader who waits, otherwise seldom enough to cost little per span."""

from dataclasses import dataclass

GATHER_S = 1.0
"""How long spans gather while nobody asks."""
GATHER_SPANS = 100_000
"""That many are enough, whatever the time."""
REST = 4.0
"""A run is followed by a rest of so many times its duration."""


@dataclass(slots=True)
class Pace:
    """Times are seconds of one monotonic clock."""

    ended_at: float = float("-inf")
    took_s: float = 0.0

    def due_in(self, now: float, *, since: float, spans: int, asked: bool) -> float:
        """Seconds until the next run: spans gather since `since`, `asked` tells that a reader waits."""
        if asked or spans >= GATHER_SPANS:
            return 0.0
        return max(since + GATHER_S, self.ended_at + REST * self.took_s) - now

    def ran(self, started_at: float, ended_at: float) -> None:
        self.ended_at, self.took_s = ended_at, ended_at - started_at
