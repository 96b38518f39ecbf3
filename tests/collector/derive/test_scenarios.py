"""Every scenario file: its figures, and that neither order nor repetition nor batches change a fact."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import BEGIN_NS, World, change_id, load, offset_ns, scenarios, spans

from otel_vsm_collector.figures.dora import dora
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.figures.stages import stages

KEYS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "deployment": ("id", str),
    "incident": ("id", str),
    "change": ("id", change_id),
    "delivery": ("change_id", change_id),
    "stage_run": ("stage_name", str),
}
"""The tables of facts that a scenario can look into: by which column, and how the scenario names a row."""


@pytest.fixture(scope="module")
def shared_world() -> World:
    return World()


@pytest.fixture
def world(shared_world: World) -> World:
    shared_world.clear()
    return shared_world


def _plain(value: Any) -> Any:
    """Offsets for times, numbers for changes: as the scenario files have them."""
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def _expected_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: BEGIN_NS + offset_ns(value) if key.endswith("_at") and value is not None else _plain(value)
        for key, value in row.items()
    }


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_scenario(path: Path, world: World) -> None:
    scenario = load(path)
    world.take(spans(scenario["events"]))
    expect = scenario["expect"]
    window = [BEGIN_NS + offset_ns(edge) for edge in scenario.get("window", ["-1000d", "1000d"])]
    selection = Selection(from_ns=window[0], to_ns=window[1], environment="production")

    assert set(expect) <= {"figures", "stages", "carried", *KEYS}
    if figures := expect.get("figures"):
        got: dict[str, Any] = dora(world.backend, selection)
        for name, parts in figures.items():
            assert {part: got[name][part] for part in parts} == {k: _plain(v) for k, v in parts.items()}, name
    for name, parts in expect.get("stages", {}).items():
        (row,) = [row for row in stages(world.backend, selection) if row["name"] == name]
        for part, value in parts.items():
            found = row[part]
            if isinstance(value, dict):
                found, value = {key: found[key] for key in value}, {k: _plain(v) for k, v in value.items()}
            assert found == _plain(value), (name, part)
    if "carried" in expect:
        carried: dict[str, set[str]] = {deployment: set() for deployment in expect["carried"]}
        for deployment, change, _ in world.connection.execute("FROM deployment_change").fetchall():
            carried.setdefault(deployment, set()).add(change)
        assert carried == {
            deployment: {change_id(change) for change in changes}
            for deployment, changes in expect["carried"].items()
        }
    for table, (key, name_of) in KEYS.items():
        rows = world.rows(table, key)
        for name, parts in expect.get(table, {}).items():
            row = rows[name_of(name)]
            assert {part: row[part] for part in parts} == _expected_row(parts), (table, name)


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_arrival_changes_nothing(path: Path, world: World) -> None:
    told = spans(load(path)["events"])
    world.take(told)
    at_once = world.facts()
    world.clear()
    half = len(told) // 2
    for batch in (told[half:], told[:half]):
        world.take([*reversed(batch), *batch])
    assert world.facts() == at_once, "the later half first, backwards, each span twice"
    world.take(told)
    assert world.facts() == at_once, "all again"
    world.derive_anew()
    assert world.facts() == at_once, "computed anew"
