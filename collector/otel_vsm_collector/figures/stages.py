"""The figures of each stage: how often it ran, how long it took and waited, how often its work came back."""

from dataclasses import replace
from typing import Any

from ibis.backends.duckdb import Backend

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.figures import selection as select
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.figures.statistic import spelled, statistic
from otel_vsm_collector.figures.work_in_progress import work_in_progress


def stages(backend: Backend, selection: Selection) -> list[dict[str, Any]]:
    """A row per stage in the shape of the API's answer, by name: the runs that ended in the window.

    First pass yield and %C/A are shares of the changes whose first run, first success fell into it. WIP
    is as of now: changes begun, neither delivered to the environment (production where none is chosen) nor
    abandoned, by the stage that they are in or were in last.
    """
    runs = replace(selection, environment=None).apply(select.fact("stage_run"))
    if selection.environment is not None:
        # Work before any deployment is for every environment.
        runs = runs.filter((runs.environment == selection.environment).fill_null(True))
    runs = runs.filter(selection.within(runs.ended_at))
    succeeded = runs.result == TaskResult.SUCCESS
    figures = runs.aggregate(
        by="stage_name",
        stage_type=runs.stage_type.min(),
        runs=runs.count(),
        succeeded=succeeded.sum(),
        skipped=(runs.result == TaskResult.SKIP).sum(),
        first_runs=(runs.first_run & (runs.result != TaskResult.SKIP)).sum(),
        passed_first=(runs.first_run & succeeded).sum(),
        left=runs.complete_accurate.count(),
        complete_accurate=runs.complete_accurate.sum(),
        rework_runs=runs.rework.sum(),
        **statistic(runs.process_s, "process"),
        **statistic(runs.wait_s, "wait"),
        **statistic(runs.queue_s, "queue"),
    ).order_by("stage_name")
    open_changes = work_in_progress(selection)
    waiting = open_changes.aggregate(by="stage_name", changes=open_changes.count())
    wip = {row["stage_name"]: row["changes"] for row in backend.to_pyarrow(waiting).to_pylist()}
    return [
        {
            "name": row["stage_name"],
            "type": row["stage_type"],
            "runs": row["runs"],
            "process_time": spelled(row, "process"),
            "wait_time": spelled(row, "wait"),
            "queue_time": spelled(row, "queue"),
            "success_ratio": _share(row["succeeded"], row["runs"] - row["skipped"]),
            "first_pass_yield": _share(row["passed_first"], row["first_runs"]),
            "complete_accurate": _share(row["complete_accurate"], row["left"]),
            "rework_runs": row["rework_runs"],
            "wip": wip.get(row["stage_name"], 0),
        }
        for row in backend.to_pyarrow(figures).to_pylist()
    ]


def _share(part: int | None, whole: int) -> float | None:
    return (part or 0) / whole if whole else None
