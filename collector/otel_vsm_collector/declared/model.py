"""All that is declared, and what derivations and figures ask of it. Raises pydantic's ValidationError."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from otel_vsm_collector.declared.contradictions import ContradictoryError, contradictions
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.patterns import matches, regex_of
from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from otel_vsm_collector.declared.sections import (
    DEFAULT_PROFILE,
    PRODUCTION,
    PRODUCTION_NAMES,
    UTC,
    Limits,
    Name,
    OwnProfile,
    Pattern,
    Patterns,
    Section,
    Service,
    Stage,
    Team,
    Telemetry,
    TimeZone,
    ValueStream,
)

_DEFAULT_ENVIRONMENTS = {PRODUCTION: PRODUCTION_NAMES}


def _with_defaults(given: Mapping[str, Patterns]) -> Mapping[str, Patterns]:
    return {**_DEFAULT_ENVIRONMENTS, **given}


class Declared(Section):
    """What users declare in a `vsm.yaml`; what they leave out is as if the defaults had been given."""

    model_config = ConfigDict(title="vsm.yaml")

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
    time_zone: TimeZone = Field(default=UTC, description="Whose days, weeks and months a series is cut into.")
    limits: Limits = Field(
        default=Limits(),
        description="What counts as too much, too long or too seldom. A figure is shown beside its limit.",
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
    telemetry: Telemetry = Field(
        default=Telemetry(),
        description="What becomes of spans of tools that this version cannot read. They are kept as they"
        " came, in no figure, until a later version has a mapping for them.",
    )

    @model_validator(mode="after")
    def _free_of_contradictions(self) -> Self:
        if found := tuple(contradictions(self)):
            raise ContradictoryError(found)
        return self

    def environment_classes(self, name: str) -> frozenset[str]:
        """The classes that an environment of this name is of."""
        return frozenset(
            environment for environment, patterns in self.environments.items() if matches(name, patterns)
        )

    def environment_regex(self, wanted: str) -> str:
        """The regular expression of the environments that are asked for.

        `wanted` is a class, or a pattern of names, which a name itself is.
        """
        patterns = self.environments.get(wanted)
        return regex_of((wanted,) if patterns is None else patterns)

    def stage(self, name: str) -> Stage:
        """What is known of a stage of this name: the first pattern that matches, in the file's order."""
        return next((stage for pattern, stage in self.stages.items() if matches(name, (pattern,))), Stage())

    def service_of(
        self, *, repository: str | None = None, stage: str | None = None, path: str | None = None
    ) -> str | None:
        """The service that a stage or a file is of, or None where that is not known.

        What is said of the stage itself wins. Otherwise it is the first service of the repository, or of
        none, that owns the stage or the file; else the repository's only one that is restricted neither to
        stages nor to paths. `repository` is normalised.
        """
        if stage is not None and (told := self.stage(stage).service):
            return told
        candidates = {
            name: service
            for name, service in self.services.items()
            if service.repository is None or service.repository == repository
        }
        for name, service in candidates.items():
            if stage is not None and matches(stage, service.stages):
                return name
            if path is not None and matches(path, service.paths):
                return name
        rest = [
            name
            for name, service in candidates.items()
            if service.repository and not (service.stages or service.paths)
        ]
        return rest[0] if len(rest) == 1 else None

    def team_of(self, *, service: str | None = None, stage: str | None = None) -> str | None:
        """The team that does a stage's work, else the one that the service belongs to, or None."""
        if stage is not None:
            if told := self.stage(stage).team:
                return told
            for name, team in self.teams.items():
                if matches(stage, team.stages):
                    return name
        if service is not None and service in self.services and (told := self.services[service].team):
            return told
        return next((name for name, team in self.teams.items() if service in team.services), None)

    def project_of(self, service: str) -> str | None:
        """The first value stream that delivers the service, or None."""
        return next((name for name, stream in self.value_streams.items() if service in stream.systems), None)

    @property
    def profile_names(self) -> tuple[str, ...]:
        return (*BUILT_IN, *self.profiles)

    def profile_named(self, name: str | None = None) -> Profile:
        """The profile, or the default one. Raises KeyError where there is none of this name."""
        name = self.profile if name is None else name
        own = self.profiles.get(name)
        return own.over(self.profile_named(own.extends)) if own else BUILT_IN[name]

    @property
    def fingerprint(self) -> str:
        """Changes whenever facts have to be derived anew: figures follow from the rest by themselves."""
        shaping = self.model_dump_json(
            include={
                "stages": True,
                "services": True,
                "teams": True,
                "value_streams": True,
                "limits": {"suspicious_revisions"},
            }
        )
        return hashlib.sha256((shaping + self.profile_named().model_dump_json()).encode()).hexdigest()
