"""All that is declared, and what derivations and figures ask of it. Raises pydantic's ValidationError."""

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import ConfigDict, model_validator

from otel_vsm_collector.declared.content import Content
from otel_vsm_collector.declared.contradictions import ContradictoryError, contradictions
from otel_vsm_collector.declared.patterns import matches, regex_of
from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from otel_vsm_collector.declared.sections import Stage


class Declared(Content):
    """What users declare in a `vsm.yaml`; what they leave out is as if the defaults had been given."""

    model_config = ConfigDict(title="vsm.yaml")

    @model_validator(mode="after")
    def _free_of_contradictions(self) -> Self:
        if contradictory := tuple(contradictions(self)):
            raise ContradictoryError(contradictory)
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

    @property
    def services_of_all_stages(self) -> Mapping[str, str]:
        """Repository → the service that has all stages there which no other one has."""
        unrestricted: dict[str, list[str]] = {}
        for name, service in self.services.items():
            if service.repository and not service.stages:
                unrestricted.setdefault(service.repository, []).append(name)
        return {repository: names[0] for repository, names in unrestricted.items() if len(names) == 1}

    def team_of(self, *, service: str | None = None, stage: str | None = None) -> str | None:
        """The team that does a stage's work, else the one that the service belongs to, or None."""
        if stage is not None:
            if team := self.stage(stage).team:
                return team
            for name, owned in self.teams.items():
                if matches(stage, owned.stages):
                    return name
        if service is not None and service in self.services and (owner := self.services[service].team):
            return owner
        return next((name for name, team in self.teams.items() if service in team.services), None)

    def repositories_of(self, services: Iterable[str]) -> tuple[str, ...]:
        """The repositories that these services are declared to have."""
        own = (self.services[name].repository for name in services if name in self.services)
        return tuple(dict.fromkeys(one for one in own if one is not None))

    def project_of(self, service: str) -> str | None:
        """The first value stream that delivers the service, or None."""
        return next((name for name, stream in self.value_streams.items() if service in stream.systems), None)

    def profile_named(self, name: str | None = None) -> Profile:
        """The profile, or the default one. Raises KeyError where there is none of this name."""
        name = self.profile if name is None else name
        own = self.profiles.get(name)
        return own.over(self.profile_named(own.extends)) if own else BUILT_IN[name]
