"""Flow: how fast changes pass, where they wait and come back, and what holds them up most."""

from math import prod
from typing import Any

import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.approvals import approvals
from otel_vsm_collector.figures.bottleneck import bottleneck, contributions
from otel_vsm_collector.figures.flow_times import summary
from otel_vsm_collector.figures.handoffs import handoffs
from otel_vsm_collector.figures.pipelines import pipelines, rollbacks
from otel_vsm_collector.figures.promotions import promotions
from otel_vsm_collector.figures.stages import counted, rates, ratio
from otel_vsm_collector.figures.statistic import spelled
from otel_vsm_collector.figures.together import with_lists
from otel_vsm_collector.figures.work_in_progress import work_in_progress

Row = dict[str, Any]


def flow(reader: Reader, selection: Selection) -> Row:
    """The figures of one selection, in the shape of the API's answer but for window and profile."""
    (row,) = reader.answer(_passage, selection)
    contributed = row["contributed"] or []
    times = _times(row, selection)
    (groups,) = reader.answer(pipelines, selection)
    (back,) = reader.answer(rollbacks, selection)
    (promoted,) = reader.answer(promotions, selection)
    stages = {row["stage_name"]: row for row in reader.answer(counted, selection, False)}
    sound = [row for row in stages.values() if not row["quarantined"]]
    under_way = work_in_progress(reader, selection)
    there = {row["stage"]: row["changes"] for row in under_way["by_stage"]}
    names = (row["stage_name"] for row in contributed)
    figures = {name: rates(stages.get(name, {}), selection) | {"wip": there.get(name, 0)} for name in names}
    return {
        **times,
        "wip": under_way.pop("changes"),
        "work_in_progress": under_way,
        "bottleneck": bottleneck(contributed, figures, times["flow_time"]["p50"]),
        "rework": _rework(sound),
        "rolled_complete_accurate": _rolled(sound),
        "handoffs": handoffs(reader, selection),
        "approvals": approvals(reader, selection),
        "pipeline": groups | {"ratio": ratio(groups["succeeded"], groups["pipelines"])},
        "tests": _tests(sound)
        | {"quarantined": _tests([row for row in stages.values() if row["quarantined"]])},
        "promotion_time": spelled(promoted, "promotion"),
        "rollback": back
        | {
            "ratio": ratio(back["rollbacks"], back["deployments"]),
            "per_day": back["rollbacks"] / selection.days,
        },
    }


def _passage(selection: Selection) -> ir.Table:
    """`summary`, and what the stages contributed: both are about the changes that were delivered."""
    return with_lists(summary(selection), contributed=contributions(selection))


def flow_by_repository(reader: Reader, selection: Selection) -> dict[str | None, Row]:
    """Times, flow efficiency and throughput, by the repository of the changes that were delivered."""
    rows = reader.answer(summary, selection, ("repository",))
    return {row["repository"]: _times(row, selection) for row in rows}


def _times(row: Row, selection: Selection) -> Row:
    return {
        "flow_time": spelled(row, "flow"),
        "active_time": spelled(row, "active"),
        "cycle_time": spelled(row, "cycle"),
        "flow_efficiency": ratio(row["active_sum_s"], row["flow_sum_s"]),
        "throughput_per_day": row["changes"] / selection.days,
    }


def _rework(stages: list[Row]) -> Row:
    runs, rework = (sum(row[name] for row in stages) for name in ("runs", "rework_runs"))
    return {
        "rework_runs": rework,
        "runs": runs,
        "ratio": ratio(rework, runs),
        "flaky_runs": sum(row["flaky_runs"] for row in stages),
    }


def _rolled(stages: list[Row]) -> float | None:
    """%C/A over all stages that changes left: the share of work that goes through all without coming back."""
    shares = sorted(row["complete_accurate"] / row["left"] for row in stages if row["left"])
    return prod(shares) if shares else None


def _tests(stages: list[Row]) -> Row:
    passed, failed = (sum(row[name] for row in stages) for name in ("tests_passed", "tests_failed"))
    return {"passed": passed, "failed": failed, "ratio": ratio(passed, passed + failed)}
