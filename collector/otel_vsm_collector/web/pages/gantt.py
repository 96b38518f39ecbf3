"""What happened to a change, drawn over time."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from otel_vsm.human import duration
from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.rules.changes import MOMENTS
from otel_vsm_collector.figures.lists.changes import LEGS
from otel_vsm_collector.web.api.timeline import Timeline

WIDTH, LEFT, RIGHT, ROW = 1100, 170, 1085, 22
_TOP = 26
_NARROWEST = 3.0
_STEPS_S = (1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400)
_PEOPLE = ("preparation_s", "coding_s", "review_s")
"""The legs in which people work; in the others the change waits for them, or machines work."""

_KINDS: Mapping[str, str] = {TaskResult.SUCCESS: "machine", TaskResult.SKIP: "waiting"}


class Bar(NamedTuple):
    """Nanoseconds; a moment ends when it starts."""

    name: str
    kind: str
    start: int
    end: int
    title: str


class Drawn(NamedTuple):
    kind: str
    x: float
    width: float
    title: str


class Row(NamedTuple):
    name: str
    y: float
    bars: list[Drawn]


class Gantt(NamedTuple):
    width: int
    height: int
    left: int
    right: int
    rows: list[Row]
    ticks: list[tuple[float, str]]
    """Where lines stand, and how long after the beginning that is."""


def gantt(timeline: Timeline) -> Gantt | None:
    """None where nothing is known of when anything happened."""
    bars = list(_bars(timeline))
    if not bars:
        return None
    first, last = min(bar.start for bar in bars), max(bar.end for bar in bars)
    length = max(last - first, 1)

    def x(moment: int) -> float:
        return LEFT + (RIGHT - LEFT) * (moment - first) / length

    names = list(dict.fromkeys(bar.name for bar in bars))
    rows = []
    for number, name in enumerate(names):
        drawn = []
        for bar in bars:
            if bar.name == name:
                width = max(x(bar.end) - x(bar.start), _NARROWEST)
                drawn.append(
                    Drawn(bar.kind, round(min(x(bar.start), RIGHT - width), 1), round(width, 1), bar.title)
                )
        rows.append(Row(name, _TOP + number * ROW, drawn))
    return Gantt(WIDTH, _TOP + len(rows) * ROW + 6, LEFT, RIGHT, rows, list(_ticks(length / 1e9)))


def _ticks(length_s: float) -> Iterator[tuple[float, str]]:
    step = next((step for step in _STEPS_S if length_s / step <= 10), _STEPS_S[-1])
    while length_s / step > 10:
        step *= 2
    for number in range(int(length_s // step) + 1):
        after_s = number * step
        yield round(LEFT + (RIGHT - LEFT) * after_s / length_s, 1), f"+{duration(after_s)}" if number else "0"


def _bars(timeline: Timeline) -> Iterator[Bar]:
    events = timeline.change.events
    moments = {column: events[event] for column, event in MOMENTS.items() if event in events}
    if "merged_at" in moments and timeline.change.legs.release_s is not None:
        moments["deploy_started_at"] = moments["merged_at"] + round(timeline.change.legs.release_s * 1e9)
    for leg, edges in LEGS.items():
        start, end = (moments.get(edge) for edge in edges)
        if start is not None and end is not None and start <= end:
            name = leg.removesuffix("_s")
            kind = "people" if leg in _PEOPLE else "waiting"
            yield Bar(name, kind, start, end, f"{name}: {duration((end - start) / 1e9)}")
    for run in timeline.runs:
        result = run.result or "no result"
        kind = _KINDS.get(result, "bad")
        words = f"{run.stage_name}{f' ({run.leg})' if run.leg else ''}: {result}"
        took = duration((run.ended_at - run.started_at) / 1e9)
        yield Bar(run.stage_name, kind, run.started_at, run.ended_at, f"{words}, {took}")
    for one in timeline.approvals:
        if one.requested_at is not None:
            answered = one.answered_at
            answer = "waits" if answered is None else "granted" if one.granted else "denied"
            end = one.requested_at if answered is None else max(answered, one.requested_at)
            words = f"approval{f' of {one.gate}' if one.gate else ''}: {answer}"
            kind = "bad" if answer == "denied" else "waiting"
            yield Bar("approval", kind, one.requested_at, end, f"{words} after {duration(one.wait_s)}")
    for deployment in timeline.deployments:
        kind = "bad" if deployment.failed or deployment.result != TaskResult.SUCCESS else "machine"
        where = " to ".join(name for name in (deployment.service, deployment.environment) if name)
        title = (
            f"deployment of {where}: {deployment.result}{', failed its users' if deployment.failed else ''}"
        )
        name = f"→ {deployment.environment or 'deployment'}"
        yield Bar(name, kind, deployment.started_at, deployment.finished_at, title)
    for incident in timeline.incidents:
        if incident.started_at is not None:
            end = incident.resolved_at or incident.started_at
            yield Bar("incident", "bad", incident.started_at, max(end, incident.started_at), incident.id)
