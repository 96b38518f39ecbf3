"""The drawing of the value stream map: nothing lies over anything else, however many stages there are."""

from itertools import combinations
from typing import Any

import pytest

from otel_vsm_collector.web.api.models import Stage, Statistics
from otel_vsm_collector.web.api.stream_map import Map, MapStage
from otel_vsm_collector.web.pages.map_drawing import Box, draw

NOTHING = dict.fromkeys(("mean", "p50", "p75", "p90", "p95", "max"))
TIMES = Statistics(unit="s", count=0, **NOTHING)


def stage(name: str, wait: float | None = 60.0) -> MapStage:
    numbers: dict[str, Any] = {
        field: 0 for field in Stage.model_fields if field not in ("name", "type", "quarantined")
    }
    times = dict.fromkeys(("process_time", "wait_time", "queue_time"), TIMES)
    figures = Stage(**numbers | times, name=name, type="build", quarantined=False)
    return MapStage(
        name=name, teams=[], changes=1, process_of_changes_s=1.0, wait_of_changes_s=wait, figures=figures
    )


def drawn_map(steps: list[list[MapStage]], bottleneck: dict[str, Any] | None = None) -> Map:
    handoffs = {"count": 0, "wait_time": TIMES.model_dump(), "pairs": []}
    return Map.model_validate(
        {
            "window": {"from": 0, "to": 1},
            "profile": "dora",
            "value_stream": None,
            "notices": [],
            "steps": [[one.model_dump() for one in step] for step in steps],
            "waiting_only": [],
            "flow_time": TIMES.model_dump(),
            "active_time": TIMES.model_dump(),
            "flow_efficiency": None,
            "rolled_complete_accurate": None,
            "throughput_per_day": 0,
            "wip": 0,
            "handoffs": handoffs,
            "bottleneck": bottleneck,
        }
    )


def overlap(one: Box, other: Box) -> bool:
    return (
        abs(one.x - other.x) < max(one.width, other.width)
        and abs(one.y - other.y) < max(one.height, other.height)
    )  # fmt: skip


@pytest.mark.parametrize("number", [1, 5, 25])
def test_boxes_lie_beside_and_below_each_other_within_the_drawing(number: int) -> None:
    steps = [[stage(f"s{index}")] for index in range(number)]
    steps[0].append(stage("beside"))
    drawing = draw(drawn_map(steps))
    assert len(drawing.boxes) == number + 1
    assert not [pair for pair in combinations(drawing.boxes, 2) if overlap(*pair)]
    assert all(box.x + box.width <= drawing.width for box in drawing.boxes)
    assert all(box.y + box.height < drawing.height for box in drawing.boxes)
    assert drawing.width <= 1230  # as wide as a page


def test_the_wait_before_a_step_ends_when_its_first_stage_begins() -> None:
    drawing = draw(drawn_map([[stage("a", 7200.0), stage("b", 3600.0), stage("c", None)]]))
    assert [wait.text for wait in drawing.waits] == ["1 h"]


@pytest.mark.parametrize("part", ["wait", "process"])
def test_the_bottleneck_is_marked_where_it_is(part: str) -> None:
    rates = {"arrivals_per_day": 1.0, "departures_per_day": 1.0}
    most = {"stage": "b", "part": part, "median_s": 1.0, "share": 1.0, "wip": 0, "reason": "", **rates}
    drawing = draw(drawn_map([[stage("a")], [stage("b")]], most))
    assert [wait.is_bottleneck for wait in drawing.waits] == [False, part == "wait"]
    assert [box.is_bottleneck for box in drawing.boxes] == [False, part == "process"]
