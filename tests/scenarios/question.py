"""What can be asked: of the product, and of the reference."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked for: `from_ns` ≤ time < `to_ns`; a filter that is None lets all through."""

    from_ns: int
    to_ns: int
    service: str | None = None
    environment: str | None = "production"
    repository: str | None = None
    team: str | None = None
    value_stream: str | None = None
    severity: str | None = None
    time_zone: str = "UTC"
    environment_is_name: bool = False
    """Whether only the environment of this very name is asked for, not those of the class."""

    def within(self, moment: int | None) -> bool:
        return moment is not None and self.from_ns <= moment < self.to_ns

    @property
    def days(self) -> float:
        """Calendar days, parts of days as their shares."""
        return _days(self.from_ns / 10**9, self.to_ns / 10**9, self.time_zone)


@cache
def _days(start_s: float, end_s: float, time_zone: str) -> float:
    """Day by day, what of it lies within."""
    zone, passed = ZoneInfo(time_zone), 0.0
    day = datetime.fromtimestamp(start_s, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    while day.timestamp() < end_s:
        following = day + timedelta(days=1)
        begins, ends = day.timestamp(), following.timestamp()
        passed += (min(ends, end_s) - max(begins, start_s)) / (ends - begins)
        day = following
    return passed
