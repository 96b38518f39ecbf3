"""What can be asked: of the product, and of the reference."""

from dataclasses import dataclass

DAY_NS = 86_400 * 10**9


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
        return (self.to_ns - self.from_ns) / DAY_NS
