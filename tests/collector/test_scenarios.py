"""Every scenario file: its figures, on both engines, told in two ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otel_vsm_collector.derive.rules.starts import with_start
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.zones import edges, offsets
from otel_vsm_collector.figures.changes import changes
from otel_vsm_collector.figures.dora import dora, dora_over
from otel_vsm_collector.figures.flow import flow
from otel_vsm_collector.figures.stages import stages
from scenarios.definitions import definitions, facts
from scenarios.events import change_id, spans
from scenarios.offsets import BEGIN_NS, offset_ns
from scenarios.reading import load, scenario_files
from scenarios.world import World

KEYS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "deployment": ("id", str),
    "incident": ("id", str),
    "change": ("id", change_id),
    "delivery": ("change_id", change_id),
    "identity": ("identity", change_id),
    "stage_run": ("stage_name", str),
}
"""The tables of facts that a scenario can look into: by which column, and how the scenario names a row."""


def _plain(value: Any) -> Any:
    """Offsets for times, numbers for changes: as the scenario files have them."""
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def _expected_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: BEGIN_NS + offset_ns(value) if key.endswith("_at") and value is not None else _plain(value)
        for key, value in row.items()
    }


def _nested(found: Any, expected: Any, where: str) -> None:
    """Compares what is expected, key by key and item by item."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            _nested(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), (where, found)
        for place, value in enumerate(expected):
            _nested(found[place], value, f"{where}[{place}]")
    else:
        assert found == _plain(expected), where


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario(path: Path, duckdb_world: World) -> None:
    """The later half first, backwards, each span twice: what follows is the same."""
    scenario = load(path)
    told = spans(scenario["events"])
    _start(duckdb_world, scenario)
    half = len(told) // 2
    for batch in (told[half:], told[:half]):
        duckdb_world.take([*reversed(batch), *batch])
    _check_all(duckdb_world, scenario)


@pytest.mark.slow
@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario_on_clickhouse(path: Path, clickhouse_world: World) -> None:
    """All at once."""
    scenario = load(path)
    _start(clickhouse_world, scenario)
    clickhouse_world.take(spans(scenario["events"]))
    _check_all(clickhouse_world, scenario)


def _start(world: World, scenario: dict[str, Any]) -> None:
    world.clear()
    world.follow(definitions(scenario))


def _check_all(world: World, scenario: dict[str, Any]) -> None:
    declared = definitions(scenario).declared
    for expect in scenario["expect"] if isinstance(scenario["expect"], list) else [scenario["expect"]]:
        expect = dict(expect)
        asked = {"environment": "production", **expect.pop("asked", {})}
        window = asked.pop("window", scenario.get("window", ["-1000d", "1000d"]))
        from_ns, to_ns = (BEGIN_NS + offset_ns(edge) for edge in window)
        zone = asked.pop("time_zone", declared.time_zone)
        step = asked.pop("step", None)
        selection = Selection(
            from_ns=from_ns,
            to_ns=to_ns,
            facts=facts(scenario, asked.pop("profile", None)),
            offsets=offsets(zone, from_ns, to_ns),
            **asked,
        )
        if step:
            cuts = edges(step, zone, from_ns, to_ns, 1000)
            _nested(dora_over(world.engine.backend, selection, cuts), expect.pop("series"), "series")
        _check(world, selection, expect)


def _check(world: World, selection: Selection, expect: dict[str, Any]) -> None:
    backend = world.engine.backend
    assert set(expect) <= {"figures", "flow", "stages", "carried", "legs", *KEYS}
    if figures := expect.get("figures"):
        _nested(dora(backend, selection), figures, "figures")
    if figures := expect.get("flow"):
        _nested(flow(backend, selection), figures, "flow")
    for name, parts in expect.get("stages", {}).items():
        (row,) = [row for row in stages(backend, selection) if row["name"] == name]
        _nested(row, parts, name)
    if "carried" in expect:
        carried: dict[str, set[str]] = {deployment: set() for deployment in expect["carried"]}
        for row in backend.to_pyarrow(selection.table("deployment_change")).to_pylist():
            carried.setdefault(row["deployment_id"], set()).add(row["change_id"])
        assert carried == {
            deployment: {change_id(change) for change in changes}
            for deployment, changes in expect["carried"].items()
        }
    if "legs" in expect:
        listed = {row["id"]: row for row in backend.to_pyarrow(changes(selection)).to_pylist()}
        _nested(listed, {change_id(name): parts for name, parts in expect["legs"].items()}, "legs")
    for table, (key, name_of) in KEYS.items():
        if table not in expect:
            continue
        rows = selection.table(table)
        if table == "change":
            rows = with_start(rows, selection.profile)
        found = {row[key]: row for row in backend.to_pyarrow(rows).to_pylist()}
        for name, parts in expect[table].items():
            if parts is None:
                assert name_of(name) not in found, (table, name)
                continue
            row = found[name_of(name)]
            assert {part: row[part] for part in parts} == _expected_row(parts), (table, name)
