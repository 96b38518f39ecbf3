"""The figures of each stage: how often it ran, how long it took and waited, how often its work came back."""

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import StageType, TaskResult
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.runs import failed, quarantined, runs
from otel_vsm_collector.figures.statistic import spelled, statistic
from otel_vsm_collector.figures.work_in_progress import work_in_progress

_TIMES = {"process": "process_s", "wait": "wait_s", "queue": "queue_s"}


def stages(reader: Reader, selection: Selection) -> list[dict[str, Any]]:
    """A row per stage in the shape of the API's answer, by name: the runs that ended in the window.

    First pass yield and %C/A are shares of the changes whose first run, first success fell into it. WIP is
    as of the window's end: see `work_in_progress`. A stage that nothing ran of is there if changes are in it.
    """
    ran = {row["stage_name"]: row for row in reader.answer(counted, selection, True)}
    under_way = {row["stage"]: row for row in work_in_progress(reader, selection)["by_stage"]}
    names = {name for name in (*ran, *under_way) if name is not None}
    return [
        {
            "name": name,
            **_spelled(ran.get(name, {}), selection),
            "wip": under_way.get(name, {}).get("changes", 0),
            "unfinished": under_way.get(name, {}).get("unfinished", 0),
        }
        for name in sorted(names)
    ]


def counted(selection: Selection, timed: bool) -> ir.Table:
    """A row per stage that ran in the window, with its counts, and where `timed` the statistics of its times:
    `process`, `wait`, `queue`."""
    rows = runs(selection)
    rows = rows.filter(rows.started_at < selection.end, rows.ended_at >= selection.start)
    rows = rows.mutate(quarantined=quarantined(selection, rows))
    ended = rows.ended_at < selection.end
    arrived = rows.first_run & (rows.started_at >= selection.start)
    passed = ended & (rows.result == TaskResult.SUCCESS).fill_null(False)
    skipped = ended & (rows.result == TaskResult.SKIP).fill_null(False)
    tested = (rows.stage_type == StageType.TEST).fill_null(False)
    times = {name: ifelse(ended, rows[column], ibis.null("float64")) for name, column in _TIMES.items()}
    parts: dict[str, ir.Value] = {}
    for name, values in times.items() if timed else ():
        parts |= statistic(values, name, median=selection.profile.median)
    return rows.filter(ended | arrived).aggregate(
        by="stage_name",
        stage_type=rows.stage_type.min(),
        quarantined=rows.quarantined.any(),
        runs=ended.sum(),
        succeeded=passed.sum(),
        skipped=skipped.sum(),
        first_runs=(rows.first_run & ended & ~skipped).sum(),
        passed_first=(rows.first_run & passed).sum(),
        left=(ended & rows.complete_accurate.notnull()).sum(),
        complete_accurate=(ended & rows.complete_accurate).sum(),
        rework_runs=(ended & rows.rework).sum(),
        flaky_runs=(ended & rows.flaky).sum(),
        tests_passed=(passed & tested).sum(),
        tests_failed=(ended & tested & failed(rows)).sum(),
        arrived=arrived.sum(),
        **parts,
    )


def _spelled(row: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    number = row.get("runs") or 0
    return {
        "type": row.get("stage_type"),
        "runs": number,
        "process_time": spelled(row, "process"),
        "wait_time": spelled(row, "wait"),
        "queue_time": spelled(row, "queue"),
        "success_ratio": ratio(row.get("succeeded"), number - (row.get("skipped") or 0)),
        "first_pass_yield": ratio(row.get("passed_first"), row.get("first_runs")),
        "complete_accurate": ratio(row.get("complete_accurate"), row.get("left")),
        "rework_runs": row.get("rework_runs") or 0,
        "rework_share": ratio(row.get("rework_runs"), number),
        "flaky_runs": row.get("flaky_runs") or 0,
        "quarantined": bool(row.get("quarantined")),
        **rates(row, selection),
    }


def rates(row: Mapping[str, Any], selection: Selection) -> dict[str, float]:
    """How many changes a day arrived in a stage and left it, that is, succeeded there for the first time."""
    return {
        "arrivals_per_day": (row.get("arrived") or 0) / selection.days,
        "departures_per_day": (row.get("left") or 0) / selection.days,
    }


def ratio(part: float | None, whole: float | None) -> float | None:
    """A share of what there is; None of nothing."""
    return (part or 0) / whole if whole else None
