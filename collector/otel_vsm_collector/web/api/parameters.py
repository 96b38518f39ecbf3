"""The parameters that every figure and list takes, and what they select."""

import time
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from otel_vsm.identity import normalise_repository
from otel_vsm.semconv import IncidentSeverity
from otel_vsm.text import quoted
from otel_vsm_collector.declared.closest import instead
from otel_vsm_collector.declared.lengths import SCHEMA, Length
from otel_vsm_collector.declared.sections import PRODUCTION, TimeZone
from otel_vsm_collector.facts.names import unknown
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.facts.zones import after, midnight
from otel_vsm_collector.web.api.models import Notice
from otel_vsm_collector.web.api.problems import BadParameter
from otel_vsm_collector.web.api.times import read_time, read_window

_When = Annotated[
    int | date,
    PlainValidator(read_time),
    WithJsonSchema({"type": "string", "examples": ["2026-05-01", "2026-05-01T08:00:00Z"]}),
]
_Window = Annotated[
    Length | date,
    PlainValidator(read_window),
    WithJsonSchema(
        {"anyOf": [SCHEMA, {"type": "string", "pattern": r"^\d{4}-\d{2}$", "examples": ["2026-05"]}]}
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=1024)]


Profile = Annotated[
    Name | None,
    Field(
        description="By whose definitions figures are computed: dora, devlake, gitlab, pelorus, middleware or"
        " one that vsm.yaml declares; else the one that it makes the default, dora."
    ),
]


def known_by(reader: Reader, profile: str | None, parameter: str = "profile") -> FactTables:
    """The facts as a profile has them. Raises BadParameter where there is none of this name."""
    try:
        return reader.facts.named(profile)
    except KeyError:
        known = ", ".join(reader.facts.declared.profile_names)
        raise BadParameter(parameter, f"{quoted(profile)} is no profile; known are {known}") from None


def notices(reader: Reader, selection: Selection) -> list[Notice]:
    """A notice for each filter that names what nothing is known of: it may be misspelt."""
    missing = []
    for what, names in unknown(reader, selection).items():
        closest = instead(getattr(selection, what), names)
        message = f"nothing is known of the {what.replace('_', ' ')} {quoted(getattr(selection, what))}"
        missing.append(Notice(parameter=what, message=f"{message}; {closest}" if closest else message))
    return missing


class Filters(BaseModel):
    """A window of time, given by its ends or by its length until now, and what to count in it."""

    model_config = ConfigDict(extra="forbid")

    from_: _When | None = Field(
        None,
        alias="from",
        description="Start of the window, itself in it: RFC 3339 with offset, or a date: its"
        " midnight in the time zone.",
    )
    to: _When | None = Field(None, description="End of the window, itself no longer in it; now if left out.")
    window: _Window | None = Field(
        None,
        description="Length of a window that ends now, or a month of the calendar up to now, instead of from"
        " and to; else what vsm.yaml says, 30d.",
    )
    service: Name | None = None
    environment: Name = Field(
        PRODUCTION, description="A class of environments that vsm.yaml declares, or the name of one."
    )
    repository: Name | None = Field(None, description="Any of its addresses, or github.com/acme/shop.")
    team: Name | None = None
    value_stream: Name | None = None
    severity: IncidentSeverity | None = Field(
        None, description="Of incidents: no others count, nor are the reason that a deployment failed."
    )
    profile: Profile = None
    time_zone: TimeZone | None = Field(
        None,
        description="Whose days are counted and begin at midnight, such as Europe/Berlin; else what vsm.yaml"
        " says, UTC.",
    )

    @model_validator(mode="before")
    @classmethod
    def _given(cls, given: Any) -> Any:
        """An empty parameter is one that a client's template left out."""
        return (
            {name: value for name, value in given.items() if value != ""}
            if isinstance(given, dict)
            else given
        )

    def selection(self, reader: Reader) -> Selection:
        """The facts that are asked for. Raises BadParameter where the times contradict each other, and where
        there is no such profile."""
        zone = self.zone(reader)
        start, end = self._window(reader.facts.declared.window, zone)
        named = None if self.repository is None else normalise_repository(self.repository)
        return Selection(
            from_ns=start,
            to_ns=end,
            service=self.service,
            environment=self.environment,
            repository=named or self.repository,
            team=self.team,
            value_stream=self.value_stream,
            severity=self.severity,
            facts=self.facts(reader, self.profile),
        ).in_zone(zone)

    def facts(self, reader: Reader, profile: str | None, parameter: str = "profile") -> FactTables:
        """The facts as a profile has them, but for what the value stream and the severity that are asked for
        say. Raises BadParameter where there is no such profile."""
        facts = known_by(reader, profile, parameter)
        stream = reader.facts.declared.value_streams.get(self.value_stream or "")
        profile_of = facts.definitions.profile
        different: dict[str, Any] = {}
        if stream is not None and stream.start is not None:
            different["lead_time_start"] = (stream.start,)
        if self.severity is not None:
            counted = profile_of.incident_severities
            different["incident_severities"] = (
                (self.severity,) if counted is None or self.severity in counted else ()
            )
        return facts.by(profile_of.model_copy(update=different)) if different else facts

    def context(self, reader: Reader, selection: Selection) -> dict[str, Any]:
        """What an answer says of what was asked: `profile`, `notices` and `value_stream`."""
        stream = selection.stream
        declared = None if stream is None else {"name": self.value_stream} | stream.model_dump(mode="json")
        return {
            "profile": self.profile or reader.facts.declared.profile,
            "value_stream": declared,
            "notices": notices(reader, selection),
        }

    def zone(self, reader: Reader) -> str:
        """The time zone whose days are meant."""
        return self.time_zone or reader.facts.declared.time_zone

    def _window(self, usual: Length, zone: str) -> tuple[int, int]:
        def instant(when: int | date) -> int:
            return max(0, midnight(when, zone)) if isinstance(when, date) else when

        if self.window is not None:
            if self.from_ is not None or self.to is not None:
                raise BadParameter("window", "is an alternative to from and to: give it, or them, not both")
            end = time.time_ns()
            if isinstance(self.window, Length):
                return max(0, end - self.window.ns), end
            start = midnight(self.window, zone)
            if start >= end:
                raise BadParameter("window", f"{self.window:%Y-%m} has not begun")
            return max(0, start), min(end, midnight(after(self.window, "month"), zone))
        end = time.time_ns() if self.to is None else instant(self.to)
        start = max(0, end - usual.ns) if self.from_ is None else instant(self.from_)
        if start >= end:
            raise BadParameter("from", "has to be before to, which is now if left out")
        return start, end
