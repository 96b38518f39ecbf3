"""A clock that stands still until it is told."""

from datetime import UTC, datetime


class FakeClock:
    """Called, it tells the time in nanoseconds since the epoch, as `time.time_ns` does."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """`start` needs a time zone; only its whole seconds count."""
        if start.tzinfo is None:
            raise ValueError(f"{start} has no time zone: give it one, such as datetime.UTC")
        self._now_ns = int(start.timestamp()) * 1_000_000_000

    def __call__(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> int:
        """Move on by so many seconds, which may be negative: clocks do step. The new time."""
        self._now_ns += round(seconds * 1_000_000_000)
        return self._now_ns
