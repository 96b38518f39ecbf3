"""How the product is asked: what in the tests knows by which definitions, of which tables, in which words."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.tables import FactTables
from scenarios.question import Question
from scenarios.world import BY_DEFAULT, World

Settings = Mapping[str, Any]
"""As in vsm.yaml."""


def definitions(settings: Settings) -> Definitions:
    """What facts are derived by where this is declared."""
    return _definitions(json.dumps(settings))


def facts(settings: Settings, *, inline: bool = False) -> FactTables:
    """The facts where this is declared, the same object each time: compiled questions are known by it."""
    return _facts(json.dumps(settings), inline)


def reader(facts: FactTables, world: World) -> Reader:
    """What answers from what the world has taken in up to now."""
    return world.engine.reader(facts)


def selection(question: Question, of: FactTables) -> Selection:
    """What a question selects of the facts."""
    asked = vars(question).copy()
    zone = asked.pop("time_zone")
    if asked.pop("environment_is_name"):
        raise ValueError("the product is not asked for an environment by its very name")
    return Selection(**asked, facts=of).in_zone(zone)


@cache
def _facts(settings: str, inline: bool) -> FactTables:
    return FactTables(_definitions(settings), inline=inline)


@cache
def _definitions(settings: str) -> Definitions:
    return Definitions(Declared.model_validate(json.loads(settings))) if settings != "{}" else BY_DEFAULT
