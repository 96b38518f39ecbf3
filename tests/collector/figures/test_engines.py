"""What explains a figure, compares profiles and measures is the same on every engine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.compare import differences
from otel_vsm_collector.figures.explain.page import page
from otel_vsm_collector.figures.groups import measurement
from otel_vsm_collector.figures.registry import EXPLAINED
from scenarios import engines, product
from scenarios.events import Span
from scenarios.offsets import moment_ns
from scenarios.question import Question
from scenarios.world import World

WINDOW = Question(from_ns=moment_ns("-100d"), to_ns=moment_ns("100d"))
pytestmark = pytest.mark.clickhouse

PROFILES = ("dora", "gitlab")


@pytest.fixture(scope="module")
def clickhouse(side_by_side: list[Span]) -> Iterator[World]:
    engine = engines.clickhouse()
    world = World(engine)
    world.take(side_by_side)
    yield world
    engine.close()


def asked(world: World, profile: str) -> tuple[Reader, Selection]:
    facts = product.facts({}, inline=world.engine.inline)
    return product.reader(facts, world), product.selection(WINDOW, facts.named(profile))


@pytest.mark.parametrize("figure", EXPLAINED)
def test_rows_and_reasons_are_the_same(everything: World, clickhouse: World, figure: Any) -> None:
    for profile in PROFILES:
        found = [
            page(reader, figure, selection, limit=10_000, after=None)
            for reader, selection in (asked(world, profile) for world in (everything, clickhouse))
        ]
        assert found[0] == found[1]


def test_differences_are_the_same(everything: World, clickhouse: World) -> None:
    found = []
    for world in (everything, clickhouse):
        (reader, ours), (_, theirs) = asked(world, "dora"), asked(world, "gitlab")
        alone = {"lead_time_start": replace(theirs)}
        found.append(differences(reader, "change_lead_time", ours, theirs, alone, limit=10_000, after=None))
    assert found[0] == found[1] != []


def test_the_measurement_is_the_same(everything: World, clickhouse: World) -> None:
    found = [measurement(*asked(world, "dora")) for world in (everything, clickhouse)]
    assert found[0] == found[1]
    assert found[0]["spans"]["unlinked"] > 0
