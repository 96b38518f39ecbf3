"""What may stand in a `vsm.yaml`."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.profiles import BUILT_IN
from otel_vsm_collector.declared.sections import (
    DEFAULT_PROFILE,
    PRODUCTION,
    PRODUCTION_NAMES,
    UTC,
    Advice,
    Limits,
    Name,
    Objectives,
    OwnProfile,
    Pattern,
    Patterns,
    Section,
    Service,
    Stage,
    Team,
    Telemetry,
    TimeZone,
    TraceUrl,
    ValueStream,
)

_DEFAULT_ENVIRONMENTS = {PRODUCTION: PRODUCTION_NAMES}


def _with_defaults(given: Mapping[str, Patterns]) -> Mapping[str, Patterns]:
    return {**_DEFAULT_ENVIRONMENTS, **given}


class Content(Section):
    """Every section, with its default."""

    environments: Annotated[Mapping[Name, Patterns], AfterValidator(_with_defaults)] = Field(
        default=_DEFAULT_ENVIRONMENTS,
        description="Class of environments → patterns of the names that are of it. Who asks for a class gets"
        " all of them. `production` is there also where only others are given.",
    )
    stages: Mapping[Pattern, Stage] = Field(
        default={},
        description="Pattern of a stage's name → what is known of it. The first that matches holds.",
    )
    services: Mapping[Name, Service] = Field(
        default={}, description="Service → where it comes from. Where this is given, it names all services."
    )
    teams: Mapping[Name, Team] = Field(
        default={}, description="Team → what it works on. Where this is given, it names all teams."
    )
    windows: Annotated[tuple[Length, ...], Field(min_length=1)] = Field(
        default=(Length("7d"), Length("30d"), Length("90d")),
        description="The lengths of the windows that metrics show figures of.",
    )
    window: Length = Field(
        default=Length("30d"),
        description="The length of the window that is answered for where none is asked for.",
    )
    time_zone: TimeZone = Field(
        default=UTC,
        description="Whose days are counted, and whose days, weeks and months a series is cut into.",
    )
    limits: Limits = Field(
        default=Limits(),
        description="What counts as too much, too long or too seldom. A figure is shown beside its limit.",
    )
    objectives: Objectives = Field(
        default=Objectives(), description="What is to be reached; how far it is missed becomes alerts."
    )
    advice: Advice = Field(
        default=Advice(), description="From when on something is said to hold changes back."
    )
    profile: Name = Field(
        default=DEFAULT_PROFILE,
        description="The profile by which figures are computed where none is asked for.",
    )
    profiles: Mapping[Name, OwnProfile] = Field(
        default={},
        description="Name → a profile of one's own: the one that it extends, but for what is given. The"
        " defaults here are those of `dora`.",
    )
    value_streams: Mapping[Name, ValueStream] = Field(
        default={}, description="Name → a value stream, from a demand to what its recipient gets."
    )
    trace_url: TraceUrl | None = Field(
        default=None,
        description="Where a trace can be looked at, with `{trace_id}` where its id belongs. Pages link to"
        " it.",
    )
    telemetry: Telemetry = Field(
        default=Telemetry(),
        description="What becomes of spans of tools that this version cannot read. They are kept as they"
        " came, in no figure, until a later version has a mapping for them.",
    )

    @property
    def profile_names(self) -> tuple[str, ...]:
        return (*BUILT_IN, *self.profiles)
