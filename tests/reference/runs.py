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
    first_run: bool = False
    rework: bool = False
    complete_accurate: bool | None = None
    """Only on the run that first succeeded: nothing up to here had to run again afterwards."""

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

    @property
    def done_order(self) -> tuple[int, str, str]:
        return self.end, self.row["span_id"], self.row["trace_id"]


def runs(rows: list[Row], identities: Identities) -> list[Run]:
    found = [
        Run(
            row=row,
            change=identities.change_of_row.get(key_of(row)),
            process_s=(row["ended_at"] - row["started_at"]) / SECOND,
            queue_s=row["queue_s"],
        )
        for row in rows
        if is_run(row)
    ]
    by_change: dict[str, list[Run]] = defaultdict(list)
    for run in found:
        if run.change is not None:
            by_change[run.change].append(run)
    for of_change in by_change.values():
        _waits(of_change)
        _repetitions(of_change)
    _queues(rows, identities, by_change)
    return found


def _waits(of_change: list[Run]) -> None:
    """A run waits from the end of all work that began before it."""
    busy_until: int | None = None
    for run in sorted(of_change, key=lambda run: run.begun_order):
        if busy_until is not None:
            run.wait_s = max(0, run.start - busy_until) / SECOND
        busy_until = run.end if busy_until is None else max(busy_until, run.end)


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


def _repetitions(of_change: list[Run]) -> None:
    by_stage: dict[tuple[str, str | None, str | None], list[Run]] = defaultdict(list)
    for run in of_change:
        by_stage[run.repeats].append(run)
    begun = {stage: min(runs, key=lambda run: run.begun_order) for stage, runs in by_stage.items()}
    for stage, of_stage in by_stage.items():
        begun[stage].first_run = True
        passed = [run for run in of_stage if run.succeeded]
        if not passed:
            continue
        success = min(passed, key=lambda run: run.done_order)
        for run in of_stage:
            run.rework = run is not success and run.start >= success.end
        success.complete_accurate = True
        for other, of_other in by_stage.items():
            if len(of_other) > 1 and begun[other].start <= begun[stage].start:
                again = [run for run in of_other if run is not success and run.start >= success.end]
                if again:
                    success.complete_accurate = False


def flaky_runs(of_change: list[Run]) -> list[Run]:
    """The first run that passed where the same stage had failed before, at the same revision."""
    found: dict[tuple[Any, ...], Run] = {}
    for good in sorted(of_change, key=lambda run: run.begun_order):
        key = (*good.repeats, good.row["revision"])
        failed_before = any(
            (*bad.repeats, bad.row["revision"]) == key and bad.row["result"] in BAD and bad.end <= good.start
            for bad in of_change
        )
        if good.row["revision"] is not None and good.succeeded and failed_before:
            found.setdefault(key, good)
    return list(found.values())


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
