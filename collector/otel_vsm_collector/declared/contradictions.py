"""What is well formed, and yet cannot all be true."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from otel_vsm.text import quoted
from otel_vsm_collector.declared.closest import allowed
from otel_vsm_collector.declared.content import Content
from otel_vsm_collector.declared.patterns import is_literal, matches
from otel_vsm_collector.declared.profiles import BUILT_IN

Location = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""


class Contradiction(NamedTuple):
    """Something that contradicts what was said elsewhere."""

    location: Location
    text: str


class ContradictoryError(ValueError):
    """All the contradictions."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(text for _, text in contradictions))
        self.contradictions = contradictions


def contradictions(declared: Content) -> Iterator[Contradiction]:
    """Every contradiction, in no particular order."""
    for check in CHECKS:
        yield from check(declared)


def environment_of_two_classes(declared: Content) -> Iterator[Contradiction]:
    """Two patterns with wildcards may overlap: whether they do, only names can tell."""
    seen: list[tuple[str, str]] = []
    for name, patterns in declared.environments.items():
        for index, pattern in enumerate(patterns):
            for other, earlier in seen:
                if other != name and _overlap(pattern, earlier):
                    yield Contradiction(
                        ("environments", name, index),
                        f"{quoted(pattern)} is of {other} already, by {quoted(earlier)};"
                        " an environment is of one class",
                    )
                    break
            seen.append((name, pattern))


def service_of_two_teams(declared: Content) -> Iterator[Contradiction]:
    owners: dict[str, str] = {
        name: service.team for name, service in declared.services.items() if service.team is not None
    }
    for team, owned in declared.teams.items():
        for index, service in enumerate(owned.services):
            if (owner := owners.setdefault(service, team)) != team:
                yield Contradiction(
                    ("teams", team, "services", index),
                    f"{service} belongs to {owner} already; a service belongs to one team",
                )


def stage_of_two_teams(declared: Content) -> Iterator[Contradiction]:
    owners = {pattern.lower(): stage.team for pattern, stage in declared.stages.items() if stage.team}
    for team, owned in declared.teams.items():
        for index, pattern in enumerate(owned.stages):
            if (owner := owners.setdefault(pattern.lower(), team)) != team:
                yield Contradiction(
                    ("teams", team, "stages", index),
                    f"{quoted(pattern)} is the work of {owner} already; a stage is the work of one team",
                )


def stage_of_two_services(declared: Content) -> Iterator[Contradiction]:
    said = {pattern.lower(): stage.service for pattern, stage in declared.stages.items() if stage.service}
    owners: dict[tuple[str | None, str], str] = {}
    for name, service in declared.services.items():
        for index, pattern in enumerate(service.stages):
            key = pattern.lower()
            owner = said.get(key) or owners.setdefault((service.repository, key), name)
            if owner != name:
                yield Contradiction(
                    ("services", name, "stages", index),
                    f"{quoted(pattern)} is of {owner} already; a stage is of one service",
                )


def unknown_services(declared: Content) -> Iterator[Contradiction]:
    """Where services are declared at all, a name that is none of them is a mistake."""
    named: list[tuple[Location, str | None]] = [
        (("stages", pattern, "service"), stage.service) for pattern, stage in declared.stages.items()
    ]
    for team, owned in declared.teams.items():
        named += _each(("teams", team, "services"), owned.services)
    for stream, value_stream in declared.value_streams.items():
        named += _each(("value_streams", stream, "systems"), value_stream.systems)
    yield from _unknown("service", named, declared.services)


def unknown_teams(declared: Content) -> Iterator[Contradiction]:
    """Where teams are declared at all, a name that is none of them is a mistake."""
    named: list[tuple[Location, str | None]] = [
        *((("stages", pattern, "team"), stage.team) for pattern, stage in declared.stages.items()),
        *((("services", name, "team"), service.team) for name, service in declared.services.items()),
    ]
    for stream, value_stream in declared.value_streams.items():
        named += _each(("value_streams", stream, "teams"), value_stream.teams)
    yield from _unknown("team", named, declared.teams)


def profiles_of_other_tools(declared: Content) -> Iterator[Contradiction]:
    for name in declared.profiles.keys() & BUILT_IN.keys():
        yield Contradiction(
            ("profiles", name),
            "is built in and means the same everywhere; give yours another name, and extends: " + name,
        )


def unknown_profiles(declared: Content) -> Iterator[Contradiction]:
    known = declared.profile_names
    named: list[tuple[Location, str]] = [(("profile",), declared.profile)]
    named += [(("profiles", name, "extends"), own.extends) for name, own in declared.profiles.items()]
    for location, name in named:
        if name not in known:
            yield Contradiction(location, f"there is no profile {quoted(name)}; {allowed(name, known)}")


def profiles_in_a_circle(declared: Content) -> Iterator[Contradiction]:
    own = {name: profile for name, profile in declared.profiles.items() if name not in BUILT_IN}
    for name in own:
        path = [name]
        while path[-1] in own and own[path[-1]].extends not in path:
            path.append(own[path[-1]].extends)
        if path[-1] in own and own[path[-1]].extends == name:
            yield Contradiction(("profiles", name, "extends"), "extends itself: " + " → ".join((*path, name)))


def windows_of_one_length(declared: Content) -> Iterator[Contradiction]:
    seen: dict[int, str] = {}
    for index, window in enumerate(declared.windows):
        if window.seconds in seen:
            yield Contradiction(("windows", index), f"{window} is as long as {seen[window.seconds]}")
        seen[window.seconds] = window


CHECKS = (
    environment_of_two_classes,
    service_of_two_teams,
    stage_of_two_teams,
    stage_of_two_services,
    unknown_services,
    unknown_teams,
    profiles_of_other_tools,
    unknown_profiles,
    profiles_in_a_circle,
    windows_of_one_length,
)


def _overlap(one: str, other: str) -> bool:
    return (
        one.lower() == other.lower()
        or (is_literal(one) and matches(one, (other,)))
        or (is_literal(other) and matches(other, (one,)))
    )


def _each(location: Location, names: Iterable[str]) -> Iterator[tuple[Location, str | None]]:
    return (((*location, index), name) for index, name in enumerate(names))


def _unknown(
    what: str, named: Iterable[tuple[Location, str | None]], known: Mapping[str, object]
) -> Iterator[Contradiction]:
    if not known:
        return
    for location, name in named:
        if name is not None and name not in known:
            yield Contradiction(
                location, f"there is no {what} {quoted(name)} under {what}s; {allowed(name, known)}"
            )
