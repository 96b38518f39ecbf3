"""Executions of stages: the runs that belong together, and what came back."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reference.rows import distinct, smallest
from reference.runs import BAD, Run, active_s

RESULTS = ("failure", "error", "timeout", "cancellation", "success", "skip")
"""The worst first."""


@dataclass(eq=False)
class Execution:
    """Runs of a stage of one pipeline run and attempt, or that overlap."""

    runs: list[Run]
    first_execution: bool = False
    rework: bool = False
    complete_accurate: bool | None = None
    """Only on the one that first succeeded: nothing up to here had to be executed again afterwards."""
    flaky: bool = False
    last_attempt: bool = True

    def __post_init__(self) -> None:
        self.runs.sort(key=lambda run: run.begun_order)

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def change(self) -> str | None:
        return self.first.change

    @property
    def stage(self) -> str:
        return self.first.stage

    @property
    def pipeline_run(self) -> str | None:
        run: str | None = self.first.row["pipeline_run"]
        return run

    @property
    def attempt(self) -> int:
        return attempt_of(self.first)

    @property
    def start(self) -> int:
        return self.first.start

    @property
    def end(self) -> int:
        return max(run.end for run in self.runs)

    @cached_property
    def legs(self) -> list[list[Run]]:
        """The runs of each leg. A run that tells neither leg nor job is one of its own."""
        by_leg: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
        for run in self.runs:
            leg, job = run.row["leg"], run.row["job_run"]
            by_leg[("leg", leg) if leg is not None else ("job", job) if job is not None else (run,)].append(
                run
            )
        return list(by_leg.values())

    @cached_property
    def result(self) -> str:
        results = [max(leg, key=_ended_last).row["result"] for leg in self.legs]
        return min((one if one in RESULTS else "error" for one in results), key=RESULTS.index)

    @property
    def succeeded(self) -> bool:
        return self.result == "success"

    @property
    def revision(self) -> str | None:
        revisions = distinct([run.row for run in self.runs], "revision")
        return revisions[0] if len(revisions) == 1 else None

    @property
    def stage_type(self) -> str | None:
        return smallest([run.row for run in self.runs], "stage_type")

    @property
    def quarantined(self) -> bool:
        return bool(self.first.row["quarantined"])

    @property
    def process_s(self) -> float:
        return active_s(self.runs, self.start, self.end)

    @property
    def queue_s(self) -> float | None:
        return min((run.queue_s for run in self.runs if run.queue_s is not None), default=None)

    @property
    def wait_s(self) -> float | None:
        return self.first.wait_s

    @property
    def begun_order(self) -> tuple[int, str, str]:
        return self.first.begun_order

    @property
    def done_order(self) -> tuple[int, str, str]:
        return self.end, self.first.row["span_id"], self.first.row["trace_id"]


def attempt_of(run: Run) -> int:
    """Which attempt of its pipeline run a run is of, the first where it does not say."""
    attempt: int | None = run.row["attempt"]
    return 1 if attempt is None else attempt


def _ended_last(run: Run) -> tuple[int, int]:
    return run.end, run.start


def executions(all_runs: list[Run]) -> list[Execution]:
    found = []
    by_change: dict[str, list[Run]] = defaultdict(list)
    for run in all_runs:
        if run.change is None:
            found.append(Execution([run]))
        else:
            by_change[run.change].append(run)
    for of_change in by_change.values():
        its = _together(of_change)
        _repetitions(its)
        _attempts(its)
        found += its
    for execution in found:
        execution.flaky |= any(_recovered(leg) for leg in execution.legs)
    return found


def _together(of_change: list[Run]) -> list[Execution]:
    known: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
    others: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
    for run in of_change:
        if run.row["pipeline_run"] is not None:
            known[run.repeats, run.row["pipeline_run"], attempt_of(run)].append(run)
        else:
            others[run.repeats].append(run)
    found = list(known.values())
    for of_stage in others.values():
        until: int | None = None
        for run in sorted(of_stage, key=lambda run: (run.start, -run.end)):
            if until is None or run.start >= until:
                found.append([run])
            else:
                found[-1].append(run)
            until = run.end if until is None else max(until, run.end)
    return [Execution(together) for together in found]


def _repetitions(of_change: list[Execution]) -> None:
    by_stage: dict[Any, list[Execution]] = defaultdict(list)
    for execution in of_change:
        by_stage[execution.first.repeats].append(execution)
    begun = {stage: min(its, key=lambda one: one.begun_order) for stage, its in by_stage.items()}
    for stage, of_stage in by_stage.items():
        begun[stage].first_execution = True
        _flaky(of_stage)
        passed = [one for one in of_stage if one.succeeded]
        if not passed:
            continue
        success = min(passed, key=lambda one: one.done_order)
        for one in of_stage:
            one.rework = one is not success and one.start >= success.end
        success.complete_accurate = True
        for other, of_other in by_stage.items():
            if len(of_other) > 1 and begun[other].start <= begun[stage].start:
                again = [one for one in of_other if one is not success and one.start >= success.end]
                if again:
                    success.complete_accurate = False


def _flaky(of_stage: list[Execution]) -> None:
    """The first that passed where the same stage had failed before, at the same revision."""
    seen = set()
    for good in sorted(of_stage, key=lambda one: one.begun_order):
        failed_before = any(
            bad.revision == good.revision and bad.result in BAD and bad.end <= good.start for bad in of_stage
        )
        if good.revision is not None and good.succeeded and failed_before and good.revision not in seen:
            seen.add(good.revision)
            good.flaky = True


def _recovered(leg: list[Run]) -> bool:
    """Whether a leg failed and then passed, at the same revision."""
    return any(
        good.succeeded
        and bad.row["result"] in BAD
        and bad.end <= good.start
        and bad.row["revision"] == good.row["revision"]
        for good in leg
        for bad in leg
        if bad is not good
    )


def _attempts(of_change: list[Execution]) -> None:
    last: dict[str | None, int] = {}
    for one in of_change:
        last[one.pipeline_run] = max(one.attempt, last.get(one.pipeline_run, one.attempt))
    for one in of_change:
        one.last_attempt = one.attempt == last[one.pipeline_run]
