"""How the product is asked: what in the tests knows by which definitions, of which tables, in which words."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import ibis

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.facts.by_profile import Book, Facts
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.zones import offsets
from scenarios.engines import InDuckDB
from scenarios.question import Question
from scenarios.world import BY_DEFAULT, World

Settings = Mapping[str, Any]
"""As in vsm.yaml."""


def definitions(settings: Settings, profile: str | None = None) -> Definitions:
    """What is derived by, or asked to be computed by."""
    return _definitions(json.dumps(settings), profile)


def facts(settings: Settings, profile: str | None = None) -> Facts:
    """The facts as a profile has them, the same object each time: compiled questions are known by it."""
    return _facts(json.dumps(settings), profile)


def selection(question: Question, of: Facts) -> Selection:
    """What a question selects of the facts."""
    asked = vars(question).copy()
    zone = asked.pop("time_zone")
    if asked.pop("environment_is_name"):
        raise ValueError("the product is not asked for an environment by its very name")
    return Selection(**asked, facts=of, offsets=offsets(zone, question.from_ns, question.to_ns))


@cache
def _facts(settings: str, profile: str | None) -> Facts:
    return Facts(_definitions(settings, profile), _definitions(settings, None))


@cache
def _definitions(settings: str, profile: str | None) -> Definitions:
    if settings == "{}" and profile is None:
        return BY_DEFAULT
    declared = Declared.model_validate(json.loads(settings))
    return Definitions(declared, declared.profile_named(profile))


class ByProfile:
    """One ledger in DuckDB, asked by any profile of a declaration, as the collector does it: what a profile
    defines differently is computed once."""

    def __init__(self, world: World, declared: Declared) -> None:
        assert isinstance(world.engine, InDuckDB), "what is computed for a profile is computed by DuckDB"
        self._book = Book(declared)
        # Another profile's tables belong to one connection.
        self._connection = world.engine.connection.cursor()
        self.declared = declared
        self.definitions = self._book.definitions
        """Those that the ledger has to follow."""
        self.backend = ibis.duckdb.from_connection(self._connection)

    def compute(self, profile: Profile) -> None:
        """Makes the tables of a profile anew: to be done before it is asked for, and when facts changed."""
        self._book.facts_by(profile).compute(self._connection)

    def selection(self, question: Question, profile: Profile) -> Selection:
        """What a question selects of the facts by a profile."""
        return selection(question, self._book.facts_by(profile))
