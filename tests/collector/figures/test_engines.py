"""What explains a figure, compares profiles, measures and draws is the same on every engine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import pytest

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.distribution import distribution
from otel_vsm_collector.figures.dora.incidents import active_incidents
from otel_vsm_collector.figures.explain.compare import differences
from otel_vsm_collector.figures.explain.page import page
from otel_vsm_collector.figures.flow.cumulative import cumulative
from otel_vsm_collector.figures.flow.future import Factors, future
from otel_vsm_collector.figures.flow.passage import passage
from otel_vsm_collector.figures.groups import dora, dora_by, measurement, stream_map
from otel_vsm_collector.figures.lists import timeline
from otel_vsm_collector.figures.registry import EXPLAINED
from scenarios import engines, product
from scenarios.events import Span
from scenarios.offsets import moment_ns
from scenarios.question import Question
from scenarios.world import World

WINDOW = Question(from_ns=moment_ns("-100d"), to_ns=moment_ns("100d"))
pytestmark = pytest.mark.clickhouse

STAGES = ("build", "test", "deploy")
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


def test_what_pages_draw_is_the_same(everything: World, clickhouse: World) -> None:
    edges = [moment_ns(f"{day}d") for day in range(-100, 101, 20)]
    found = []
    for world in (everything, clickhouse):
        reader, selection = asked(world, "dora")
        drawn = stream_map(reader, selection)
        assert drawn["steps"]
        as_now = future(reader, selection, {})
        assert as_now["now"] == as_now["then"]
        assert as_now["now"]["flow_time"] == drawn["flow_time"]
        points = cumulative(reader, selection, edges)
        assert points[-1]["open"] == drawn["wip"]
        found.append(
            [
                passage(reader, selection),
                points,
                future(reader, selection, {stage: Factors(50, 25) for stage in STAGES}),
                [distribution(reader, figure, selection) for figure in ("change_lead_time", "flow_time")],
                sorted(row["id"] for row in reader.answer(active_incidents, selection)),
            ]
        )
    assert found[0] == found[1]


def test_figures_by_service_are_those_of_each_alone(everything: World, clickhouse: World) -> None:
    for world in (everything, clickhouse):
        reader, selection = asked(world, "dora")
        names = sorted(
            {row["service"] for row in reader.answer(services, selection) if row["service"] is not None}
        )
        assert len(names) > 3
        by_service = dora_by(reader, selection, "service", names)
        for name, figures in list(zip(names, by_service, strict=True))[:12]:
            assert figures == dora(reader, selection.of("service", name)), name


def services(selection: Selection) -> ir.Table:
    return selection.table("deployment_report").select("service").distinct()


def test_timelines_are_the_same(everything: World, clickhouse: World) -> None:
    found = []
    for world in (everything, clickhouse):
        reader, selection = asked(world, "dora")
        ids = sorted(row["change_id"] for row in reader.answer(changes_with_incidents, selection))[:5]
        assert ids
        found.append(
            [
                reader.answer(what, selection, change_id=id)
                for id in ids
                for what in (timeline.runs, timeline.approvals, timeline.incidents)
            ]
        )
    assert found[0] == found[1]


def changes_with_incidents(selection: Selection) -> ir.Table:
    carried, incident = selection.table("deployment_change"), selection.table("incident")
    return carried.semi_join(incident, "deployment_id").select("change_id").distinct()
