"""The parameters that every figure and list takes, and what they select."""

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from otel_vsm_collector.derive.incidents import PRODUCTION
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.web.problems import BadParameter
from otel_vsm_collector.web.times import read_length, read_time

DEFAULT_WINDOW = "30d"
Profile = Literal["dora"]

_When = Annotated[
    int,
    PlainValidator(read_time),
    WithJsonSchema({"type": "string", "examples": ["2026-05-01", "2026-05-01T08:00:00Z"]}),
]
_Length = Annotated[
    int,
    PlainValidator(read_length),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,5}[hdw]$", "examples": ["12h", "30d", "2w"]}),
]
_Name = Annotated[str, Field(min_length=1, max_length=1024)]


class Filters(BaseModel):
    """A window of time, given by its ends or by its length until now, and what to count in it."""

    model_config = ConfigDict(extra="forbid")

    from_: _When | None = Field(
        None,
        alias="from",
        description="Start of the window, itself in it: RFC 3339 with offset, or a date (UTC).",
    )
    to: _When | None = Field(None, description="End of the window, itself no longer in it; now if left out.")
    window: _Length | None = Field(
        None,
        description=f"Length of a window that ends now, instead of from and to; else {DEFAULT_WINDOW}.",
    )
    service: _Name | None = None
    environment: _Name = PRODUCTION
    repository: _Name | None = Field(None, description="Normalised: github.com/acme/shop.")
    team: _Name | None = None
    value_stream: _Name | None = None
    profile: Profile = Field("dora", description="By whose definitions the figures are computed.")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, given: Any) -> Any:
        """An empty parameter is one that a client's template left out."""
        return (
            {name: value for name, value in given.items() if value != ""}
            if isinstance(given, dict)
            else given
        )

    def selection(self) -> Selection:
        """The facts that are asked for. Raises BadParameter where the times contradict each other."""
        start, end = self._window()
        return Selection(
            from_ns=start,
            to_ns=end,
            service=self.service,
            environment=self.environment,
            repository=self.repository,
            team=self.team,
            value_stream=self.value_stream,
        )

    def _window(self) -> tuple[int, int]:
        if self.window is not None:
            if self.from_ is not None or self.to is not None:
                raise BadParameter("window", "is an alternative to from and to: give it, or them, not both")
            end = time.time_ns()
            return max(0, end - self.window), end
        end = time.time_ns() if self.to is None else self.to
        start = max(0, end - read_length(DEFAULT_WINDOW)) if self.from_ is None else self.from_
        if start >= end:
            raise BadParameter("from", "has to be before to, which is now if left out")
        return start, end
