"""Every scenario file: its figures, on both engines, ledger in two ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest

from otel_vsm_collector.derive.rules.starts import with_start
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.zones import edges
from otel_vsm_collector.figures.flow.stages import stages
from otel_vsm_collector.figures.groups import dora, dora_over, flow
from otel_vsm_collector.figures.lists.changes import changes
from scenarios import product
from scenarios.comparison import check, check_rows
from scenarios.events import spans
from scenarios.reading import TABLES, Scenario, load, scenario_files
from scenarios.world import World

KEYS = {"delivery": "change_id", "identity": "identity", "stage_run": "stage_name"}
"""The columns by which a table's rows are named, where it is not `id`."""


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario(path: Path, duckdb_world: World) -> None:
    """The later half first, backwards, each span twice: what follows is the same."""
    scenario = load(path)
    ledger = spans(scenario.events)
    begin(duckdb_world, scenario)
    half = len(ledger) // 2
    for batch in (ledger[half:], ledger[:half]):
        duckdb_world.take([*reversed(batch), *batch])
    check_all(duckdb_world, scenario)


@pytest.mark.clickhouse
@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario_on_clickhouse(path: Path, clickhouse_world: World) -> None:
    """All at once."""
    scenario = load(path)
    begin(clickhouse_world, scenario)
    clickhouse_world.take(spans(scenario.events))
    check_all(clickhouse_world, scenario)


def begin(world: World, scenario: Scenario) -> None:
    world.clear()
    world.follow(product.definitions(scenario.settings))


def check_all(world: World, scenario: Scenario) -> None:
    facts = product.facts(scenario.settings, inline=world.engine.inline)
    reader = product.reader(facts, world)
    for expectation in scenario.expectations:
        selection = product.selection(expectation.question, facts.named(expectation.profile))
        parts = dict(expectation.parts)
        if series := parts.pop("series", None):
            zone = expectation.question.time_zone
            cuts = edges(expectation.step, zone, selection.from_ns, selection.to_ns, 1000)
            check(dora_over(reader, selection, cuts), series, "series")
        for name, expected in parts.items():
            answer = ANSWERS[name](reader, selection)
            if name == "carried":
                assert {name: answer.get(name, set()) for name in {*answer, *expected}} == expected
            else:
                (check_rows if name in TABLES else check)(answer, expected, name)


def carried(reader: Reader, selection: Selection) -> dict[str, set[str]]:
    """The changes of every deployment that has any."""
    found: dict[str, set[str]] = {}
    for row in reader.answer(table, selection, "deployment_change"):
        found.setdefault(row["deployment_id"], set()).add(row["change_id"])
    return found


def legs(reader: Reader, selection: Selection) -> dict[str, Any]:
    return {row["id"]: row for row in reader.answer(changes, selection)}


def stages_by_name(reader: Reader, selection: Selection) -> dict[str, Any]:
    return {row["name"]: row for row in stages(reader, selection)}


def rows_of(name: str) -> Callable[[Reader, Selection], dict[str, Any]]:
    def rows(reader: Reader, selection: Selection) -> dict[str, Any]:
        return {row[KEYS.get(name, "id")]: row for row in reader.answer(table, selection, name)}

    return rows


def table(selection: Selection, name: str) -> ir.Table:
    rows = selection.table(name)
    return with_start(rows, selection.profile) if name == "change" else rows


ANSWERS: dict[str, Callable[[Reader, Selection], Any]] = {
    "figures": dora,
    "flow": flow,
    "stages": stages_by_name,
    "carried": carried,
    "legs": legs,
    **{name: rows_of(name) for name in TABLES},
}
"""Part of an expectation → what the product says of it."""
