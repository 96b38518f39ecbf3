"""The figures of each stage: how often it ran, how long it took and waited, how often its work came back; and
those of all stages together."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import StageType, TaskResult
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Computed, Family, Row
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares
from otel_vsm_collector.figures.flow.runs import executions, failed, named, quarantined, runs
from otel_vsm_collector.figures.flow.work_in_progress import UNDER_WAY, by_stage
from otel_vsm_collector.figures.statistic import distribution, ratio, statistic

_TIMES = {"process": "process_s", "wait": "wait_s", "queue": "queue_s"}
_NUMBERS = (
    *("runs", "succeeded", "skipped", "tests_passed", "tests_failed"),
    *("executions", "left", "complete_accurate", "rework_runs", "flaky_runs", "arrived"),
)
"""The counts that are nothing where nothing ran, or nothing that ran belongs to what ended."""


def stages(reader: Reader, selection: Selection) -> list[dict[str, Any]]:
    """A row per stage in the shape of the API's answer, by name: the runs and executions that ended in the
    window.

    First pass yield and %C/A are shares of the changes whose first execution, first success fell into it. WIP
    is as of the window's end: see `work_in_progress`. A stage that nothing ran of is there if changes are in
    it.
    """
    counted = {row["stage_name"]: row for row in reader.answer(counts, selection, True)}
    (under_way,) = reader.answer(UNDER_WAY.question, selection, ())
    there = {row["stage"]: row for row in by_stage(under_way)}
    names = {name for name in (*counted, *there) if name is not None}
    return [
        {
            "name": name,
            **_figures(counted.get(name, {}), selection),
            "wip": there.get(name, {}).get("changes", 0),
            "unfinished": there.get(name, {}).get("unfinished", 0),
        }
        for name in sorted(names)
    ]


def _overlapping(selection: Selection, rows: ir.Table) -> ir.Table:
    """The rows that ended in the window (ended) and those that began in it and went on, with whether their
    failure is declared to mean nothing (quarantined)."""
    rows = rows.filter(rows.started_at < selection.end, rows.ended_at >= selection.start)
    return rows.mutate(ended=rows.ended_at < selection.end, quarantined=quarantined(selection, rows))


def overlapping(selection: Selection) -> ir.Table:
    """The executions that ended in the window (ended) and those that began in it and went on, with whether
    their failure is declared to mean nothing (quarantined)."""
    return _overlapping(selection, executions(selection))


def counts(selection: Selection, timed: bool) -> ir.Table:
    """A row per stage that ran in the window, with its counts, and where `timed` the statistics of its times:
    `process`, `wait`, `queue`."""
    of_runs, of_executions = _run_counts(selection), _execution_counts(selection, timed)
    rows = of_executions.outer_join(of_runs, "stage_name", rname="{name}_of_runs")
    numbers = {name: rows[name].fill_null(0) for name in _NUMBERS}
    return rows.mutate(
        stage_name=ibis.coalesce(rows.stage_name, rows.stage_name_of_runs),
        stage_type=ibis.coalesce(rows.stage_type, rows.stage_type_of_runs),
        quarantined=ibis.coalesce(rows.quarantined, rows.quarantined_of_runs),
        **numbers,
    ).drop("stage_name_of_runs", "stage_type_of_runs", "quarantined_of_runs")


def _run_counts(selection: Selection) -> ir.Table:
    rows = _overlapping(selection, runs(selection))
    rows = rows.filter(rows.ended)
    passed = (rows.result == TaskResult.SUCCESS).fill_null(False)
    tested = (rows.stage_type == StageType.TEST).fill_null(False)
    return rows.aggregate(
        by="stage_name",
        stage_type=rows.stage_type.min(),
        quarantined=rows.quarantined.any(),
        runs=rows.count(),
        succeeded=passed.sum(),
        skipped=(rows.result == TaskResult.SKIP).fill_null(False).sum(),
        tests_passed=(passed & tested).sum(),
        tests_failed=(tested & failed(rows)).sum(),
    )


def _execution_counts(selection: Selection, timed: bool) -> ir.Table:
    rows = overlapping(selection)
    ended = rows.ended
    first = rows.first_execution
    arrived = first & (rows.started_at >= selection.start)
    times = {name: ifelse(ended, rows[column], ibis.null("float64")) for name, column in _TIMES.items()}
    parts: dict[str, ir.Value] = {}
    for name, seconds in times.items() if timed else ():
        parts |= statistic(seconds, name, median=selection.profile.median)
    return rows.filter(ended | arrived).aggregate(
        by="stage_name",
        stage_type=rows.stage_type.min(),
        quarantined=rows.quarantined.any(),
        executions=ended.sum(),
        first_executions=(first & ended & (rows.result != TaskResult.SKIP)).sum(),
        passed_first=(first & ended & (rows.result == TaskResult.SUCCESS)).sum(),
        left=(ended & rows.complete_accurate.notnull()).sum(),
        complete_accurate=(ended & rows.complete_accurate).sum(),
        rework_runs=(ended & rows.rework).sum(),
        flaky_runs=(ended & rows.flaky).sum(),
        arrived=arrived.sum(),
        **parts,
    )


def _figures(row: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    number = row.get("runs") or 0
    return {
        "type": row.get("stage_type"),
        "runs": number,
        "executions": row.get("executions") or 0,
        "process_time": distribution(row, "process"),
        "wait_time": distribution(row, "wait"),
        "queue_time": distribution(row, "queue"),
        "success_ratio": ratio(row.get("succeeded"), number - (row.get("skipped") or 0)),
        "first_pass_yield": ratio(row.get("passed_first"), row.get("first_executions")),
        "complete_accurate": ratio(row.get("complete_accurate"), row.get("left")),
        "rework_runs": row.get("rework_runs") or 0,
        "rework_share": ratio(row.get("rework_runs"), row.get("executions")),
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


def rework(selection: Selection) -> ir.Table:
    """A row per execution that ended in the window."""
    rows = overlapping(selection)
    rows = rows.filter(rows.ended).mutate(at=rows.ended_at, whole=~rows.quarantined)
    reason = because((rows.quarantined, Reason.QUARANTINED))
    return shares(named(rows.mutate(part=rows.whole & rows.rework, reason=reason)), Kind.EXECUTION)


def _rework(stages: Iterable[Row]) -> Row:
    every, again, flaky = (_sum(stages, name) for name in ("executions", "rework_runs", "flaky_runs"))
    return {"rework_runs": again, "executions": every, "ratio": ratio(again, every), "flaky_runs": flaky}


def _rolled(stages: Iterable[Row]) -> float | None:
    """%C/A over all stages that changes left: the share of work that goes through all without coming back."""
    ratios = sorted(row["complete_accurate"] / row["left"] for row in stages if row["left"])
    return prod(ratios) if ratios else None


def _tests(stages: Iterable[Row]) -> Row:
    passed, failed = (_sum(stages, name) for name in ("tests_passed", "tests_failed"))
    return {"passed": passed, "failed": failed, "ratio": ratio(passed, passed + failed)}


def _sum(stages: Iterable[Row], name: str) -> int:
    return sum(row[name] for row in stages)


def _stages(row: Row, *, quarantined: bool = False) -> list[Row]:
    return [stage for stage in row["stages"] or () if stage["quarantined"] is quarantined]


OVERLAPPING = Family(
    rows=lambda selection, by: overlapping(selection),
    lists={"stages": lambda selection, rows: counts(selection, timed=False)},
    figures=(
        Computed(figure=FIGURES["rework"], value=lambda row, _: _rework(_stages(row)), explained=rework),
        Computed(figure=FIGURES["rolled_complete_accurate"], value=lambda row, _: _rolled(_stages(row))),
        Computed(
            figure=FIGURES["tests"],
            value=lambda row, _: (
                _tests(_stages(row)) | {"quarantined": _tests(_stages(row, quarantined=True))}
            ),
        ),
    ),
)

FAMILIES = (OVERLAPPING,)
