"""Runs of stages: how long they took, how long work waited before them, and what came back."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from reference.changes import SECOND
from reference.identity import Identities
from reference.rows import Row, is_run, key_of

BAD = ("failure", "error", "timeout")


@dataclass(eq=False)
class Run:
    """A run of a stage, seen from the change that it is of; without a change it only took its time."""

    row: Row
    change: str | None
    process_s: float
    queue_s: float | None = None
    wait_s: float | None = None

    @property
    def stage(self) -> str:
        return str(self.row["stage_name"])

    @property
    def repeats(self) -> tuple[str, str | None, str | None]:
        """What a run repeats where it is there before: in another environment, or for another service, the
        stage is another one."""
        return self.stage, self.row["environment"], self.row["service"]

    @property
    def start(self) -> int:
        return int(self.row["started_at"])

    @property
    def end(self) -> int:
        return int(self.row["ended_at"])

    @property
    def succeeded(self) -> bool:
        return bool(self.row["result"] == "success")

    @property
    def begun_order(self) -> tuple[int, str, str]:
        return self.start, self.row["span_id"], self.row["trace_id"]


def told_runs(rows: list[Row], identities: Identities) -> list[Run]:
    """Every run as often as it was told."""
    return [
        Run(
            row=row,
            change=identities.change_of_row.get(key_of(row)),
            process_s=(row["ended_at"] - row["started_at"]) / SECOND,
            queue_s=row["queue_s"],
        )
        for row in rows
        if is_run(row)
    ]


def runs(told: list[Run], rows: list[Row], identities: Identities) -> list[Run]:
    found = _each_once(told)
    by_change: dict[str, list[Run]] = defaultdict(list)
    for run in found:
        if run.change is not None:
            by_change[run.change].append(run)
    for of_change in by_change.values():
        _waits(of_change)
        _queued_at_most(of_change)
    _queues(rows, identities, by_change)
    return found


def _each_once(told: list[Run]) -> list[Run]:
    """A job's run of a stage is known by its times, whichever spans tell it; the span that knows of the
    pipeline is believed, then the first by its id."""
    once: dict[tuple[Any, ...], Run] = {}
    for run in sorted(
        told, key=lambda run: (run.row["pipeline_run"] is None, run.row["span_id"], run.row["trace_id"])
    ):
        whose = ("change", run.change) if run.change is not None else ("trace", run.row["trace_id"])
        job = run.row["job_run"]
        key = (whose, run.repeats, job, run.start, run.end) if job is not None else key_of(run.row)
        once.setdefault(key, run)
    return list(once.values())


def _waits(of_change: list[Run]) -> None:
    """A run waits from the end of all work that began before it."""
    busy_until: int | None = None
    for run in sorted(of_change, key=lambda run: run.begun_order):
        if busy_until is not None:
            run.wait_s = max(0, run.start - busy_until) / SECOND
        busy_until = run.end if busy_until is None else max(busy_until, run.end)


def _queued_at_most(of_change: list[Run]) -> None:
    """What a run says of its queue goes back no further than to the end of the work before it."""
    for run in of_change:
        ends = [other.end for other in of_change if other.end <= run.start and other.start < run.start]
        if ends and run.queue_s is not None:
            run.queue_s = min(run.queue_s, (run.start - max(ends)) / SECOND)


def _queues(rows: list[Row], identities: Identities, by_change: dict[str, list[Run]]) -> None:
    """An event that queued a stage is about its next run; of several the earliest counts."""
    queued_at: dict[int, int] = {}
    for row in rows:
        change = identities.change_of_row.get(key_of(row))
        if row["event_name"] != "stage.queued" or change is None or row["stage_name"] is None:
            continue
        next_runs = [
            run
            for run in by_change.get(change, ())
            if run.stage == row["stage_name"] and run.start >= row["started_at"]
        ]
        if next_runs:
            run = min(next_runs, key=lambda run: run.begun_order)
            queued_at[id(run)] = min(row["started_at"], queued_at.get(id(run), row["started_at"]))
            if run.row["queue_s"] is None:
                run.queue_s = (run.start - queued_at[id(run)]) / SECOND


@dataclass
class Begun:
    """A stage that said it began."""

    stage: str
    change: str
    started_at: int


def unfinished(rows: list[Row], identities: Identities) -> list[Begun]:
    """Stages that began and of which no run is known: neither the one that the event names as its parent, nor
    one that went on at that moment and that no other event names."""
    found = []
    all_runs = [row for row in rows if is_run(row)]
    started = [row for row in rows if row["event_name"] == "stage.started" and row["stage_name"] is not None]
    named = {(row["trace_id"], row["parent_span_id"]) for row in started}
    for row in started:
        change = identities.change_of_row.get(key_of(row))
        parent = any(key_of(run) == (row["trace_id"], row["parent_span_id"]) for run in all_runs)
        around = any(
            identities.change_of_row.get(key_of(run)) == change
            and run["stage_name"] == row["stage_name"]
            and run["started_at"] <= row["started_at"] <= run["ended_at"]
            for run in all_runs
            if key_of(run) not in named
        )
        if not parent and not around and change is not None:
            found.append(Begun(row["stage_name"], change, row["started_at"]))
    return found


def active_s(of_change: list[Run], start: int, end: int) -> float:
    """Length of the union of the runs' intervals, as far as they lie between two moments."""
    total, reached = 0, start
    for run in sorted(of_change, key=lambda run: run.begun_order):
        begin, finish = max(run.start, reached), min(run.end, end)
        if finish > begin:
            total += finish - begin
            reached = finish
    return total / SECOND
