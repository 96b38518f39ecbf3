"""How the product is asked: what in the tests knows by which definitions, of which tables, in which words."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.facts.zones import offsets
from scenarios.question import Question
from scenarios.world import BY_DEFAULT, World

Settings = Mapping[str, Any]
"""As in vsm.yaml."""


def definitions(settings: Settings, profile: str | None = None) -> Definitions:
    """What is derived by, or asked to be computed by."""
    return _definitions(json.dumps(settings), profile)


def facts(settings: Settings, profile: str | None = None, *, inline: bool = False) -> FactTables:
    """The facts as a profile has them, the same object each time: compiled questions are known by it."""
    return _facts(json.dumps(settings), inline).named(profile)


def selection(question: Question, of: FactTables) -> Selection:
    """What a question selects of the facts."""
    asked = vars(question).copy()
    zone = asked.pop("time_zone")
    if asked.pop("environment_is_name"):
        raise ValueError("the product is not asked for an environment by its very name")
    return Selection(**asked, facts=of, offsets=offsets(zone, question.from_ns, question.to_ns))


@cache
def _facts(settings: str, inline: bool) -> FactTables:
    return FactTables(_definitions(settings, None), inline=inline)


@cache
def _definitions(settings: str, profile: str | None) -> Definitions:
    if settings == "{}" and profile is None:
        return BY_DEFAULT
    declared = Declared.model_validate(json.loads(settings))
    return Definitions(declared, declared.profile_named(profile))


class ByProfile:
    """One ledger, asked by any profile of a declaration."""

    def __init__(self, world: World, declared: Declared) -> None:
        self.declared = declared
        self._world, self._facts = world, FactTables(Definitions(declared), inline=world.engine.inline)
        self.definitions = self._facts.definitions
        """Those that the ledger has to follow."""
        self.look()

    def look(self) -> None:
        """From now on `reader` answers from the facts as they are now."""
        self.reader = self._world.engine.reader(self._facts)

    def selection(self, question: Question, profile: Profile) -> Selection:
        """What a question selects of the facts by a profile."""
        return selection(question, self._facts.by(profile))
