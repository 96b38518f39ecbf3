"""What explains a figure, compares profiles and measures is the same on every engine."""

from collections.abc import Iterator
from typing import Any

import pytest

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.compare import differences
from otel_vsm_collector.figures.explain.figures import EXPLAINED
from otel_vsm_collector.figures.explain.page import page
from otel_vsm_collector.figures.measurement import measurement
from scenarios import engines
from scenarios.events import Span
from scenarios.offsets import moment_ns
from scenarios.product import facts, selection
from scenarios.question import Question
from scenarios.world import World

PROFILES = ("dora", "gitlab")


@pytest.fixture(scope="module")
def clickhouse(side_by_side: list[Span]) -> Iterator[World]:
    engine = engines.clickhouse()
    world = World(engine)
    world.take(side_by_side)
    yield world
    engine.close()


def asked(world: World, profile: str) -> tuple[Reader, Selection]:
    window = Question(from_ns=moment_ns("-100d"), to_ns=moment_ns("100d"))
    tables = facts({}, profile, inline=world.engine.inline)
    return world.engine.reader(tables), selection(window, tables)


@pytest.mark.parametrize("figure", EXPLAINED)
def test_rows_and_reasons_are_the_same(everything: World, clickhouse: World, figure: Any) -> None:
    for profile in PROFILES:
        found = []
        for world in (everything, clickhouse):
            reader, selected = asked(world, profile)
            found.append(page(reader, figure, selected, limit=10_000, after=None))
        assert found[0] == found[1]


def test_differences_are_the_same(everything: World, clickhouse: World) -> None:
    found = []
    for world in (everything, clickhouse):
        (reader, ours), (_, theirs) = asked(world, "dora"), asked(world, "gitlab")
        alone = {"lead_time_start": theirs}
        found.append(differences(reader, "change_lead_time", ours, theirs, alone, limit=10_000, after=None))
    assert found[0] == found[1] != []


def test_the_measurement_is_the_same(everything: World, clickhouse: World) -> None:
    found = [measurement(*asked(world, "dora")) for world in (everything, clickhouse)]
    assert found[0] == found[1]
    assert found[0]["spans"]["unlinked"] > 0
