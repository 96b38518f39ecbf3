"""The value stream map as Lean draws it: where its boxes, waits and the ladder below them lie.

Everything has its colours as attributes, so that the drawing stands for itself as a file; the style of the
pages goes over them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from otel_vsm.human import duration, share
from otel_vsm.semconv import StageType
from otel_vsm_collector.web.api.stream_map import Map, MapStage

BOX, GAP, MARGIN, TOP = 168, 72, 8, 16
HEAD, LINE = 44, 17
LADDER = 74
"""How much room the ladder takes."""
A_ROW = 5
"""Steps in a row: as many as a wide window shows."""
_NAME, _OWNERS = 18, 23
"""How many letters there is room for."""
_BY_PEOPLE = (StageType.PLAN, StageType.CODE, StageType.REVIEW, StageType.APPROVE)


class Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    name: str
    owners: str
    lines: list[tuple[str, str]]
    by_people: bool
    is_bottleneck: bool
    title: str
    stage: str


class Wait(NamedTuple):
    """What lies before a step."""

    x: float
    y: float
    text: str
    is_bottleneck: bool


class Rung(NamedTuple):
    """A step of the ladder: the wait high, then the work low."""

    points: str
    wait_x: float
    wait_y: float
    wait: str
    work_x: float
    work_y: float
    work: str


class Drawing(NamedTuple):
    width: int
    height: int
    boxes: list[Box]
    waits: list[Wait]
    arrows: list[tuple[float, float, float]]
    """From x to x at y."""
    rungs: list[Rung]


def draw(stream: Map) -> Drawing:
    boxes, waits, arrows, rungs = [], [], [], []
    y = float(TOP)
    steps = stream.steps
    columns = min(len(steps), A_ROW)
    for first in range(0, len(steps), A_ROW):
        row = steps[first : first + A_ROW]
        tall = max(len(step) for step in row)
        height = HEAD + 6 * LINE + 10
        below = y + tall * (height + 12) + 18
        for number, step in enumerate(row):
            x = float(MARGIN + number * (BOX + GAP) + GAP)
            for index, stage in enumerate(step):
                boxes.append(_box(stage, x, y + index * (height + 12), float(height), stream))
            wait = _shortest([stage.wait_of_changes_s for stage in step])
            is_bottleneck = _is_bottleneck(stream, step, "wait")
            waits.append(Wait(x - GAP / 2, y + height / 2, duration(wait), is_bottleneck))
            arrows.append((x - GAP + 4, x - 4, y + height - 18))
            work = _longest([stage.process_of_changes_s for stage in step])
            rungs.append(_rung(x, below, duration(wait), duration(work)))
        y = below + LADDER
    width = 2 * MARGIN + columns * (BOX + GAP)
    return Drawing(width, int(y), boxes, waits, arrows, rungs)


def _box(stage: MapStage, x: float, y: float, height: float, stream: Map) -> Box:
    figures = stage.figures
    lines = [
        ("takes", duration(figures.process_time.p50)),
        ("queues", duration(figures.queue_time.p50)),
        ("%C/A", share(figures.complete_accurate)),
        ("right first time", share(figures.first_pass_yield)),
        ("changes in it", str(figures.wip)),
        ("changes through", str(stage.changes)),
    ]
    teams = ", ".join(stage.teams) or "no team named"
    by_people = figures.type in _BY_PEOPLE
    return Box(
        x,
        y,
        BOX,
        height,
        _shortened(stage.name, _NAME),
        _shortened(f"{'people' if by_people else 'machines'} · {teams}", _OWNERS),
        lines,
        by_people,
        _is_bottleneck(stream, [stage], "process"),
        f"{stage.name}, by {teams}: " + ", ".join(f"{name} {value}" for name, value in lines),
        stage.name,
    )


def _rung(x: float, y: float, wait: str, work: str) -> Rung:
    high, low = y + 10, y + 40
    points = f"{x - GAP},{high} {x},{high} {x},{low} {x + BOX},{low} {x + BOX},{high}"
    return Rung(points, x - GAP / 2, high + 16, wait, x + BOX / 2, low + 16, work)


def _is_bottleneck(stream: Map, step: Sequence[MapStage], part: str) -> bool:
    most = stream.bottleneck
    return most is not None and most.part == part and most.stage in [stage.name for stage in step]


def _shortest(values: Sequence[float | None]) -> float | None:
    """The wait before a step is over when its first stage begins."""
    return min((value for value in values if value is not None), default=None)


def _longest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
