"""The five DORA figures, with time to restore and to detect beside them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.statistic import spelled, statistic, total

BY_SERVICE = ("service", "environment")
_PART = "part"

Figures = dict[str, Any]


def dora(reader: Reader, selection: Selection) -> Figures:
    """The figures of one selection, in the shape of the API's answer but for window and profile.

    - lead time: of the changes delivered in the window
    - frequency, change fail rate, rework rate, recovery: of the successful deployments that finished in it
    - time to restore, time to detect: of the incidents resolved, detected in it
    """
    return dora_over(reader, selection, (selection.from_ns, selection.to_ns))[0]


def dora_over(reader: Reader, selection: Selection, edges: Sequence[int]) -> list[Figures]:
    """The same of each of the windows that lie between two of the `edges`, ascending times."""
    whole = replace(selection, from_ns=edges[0], to_ns=edges[-1], edges=tuple(edges[1:-1]))
    rows: list[dict[str, Any]] = [{} for _ in edges[1:]]
    for family in _FAMILIES:
        for row in reader.answer(family, whole, ()):
            rows[row[_PART]].update(row)
    windows = pairwise(edges)
    return [
        _spelled(row, replace(selection, from_ns=start, to_ns=end))
        for row, (start, end) in zip(rows, windows, strict=True)
    ]


def dora_by_service(reader: Reader, selection: Selection) -> dict[tuple[str, str], Figures]:
    """The same by service and environment, for those that have anything in the window."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for family in _FAMILIES:
        for row in reader.answer(family, selection, BY_SERVICE):
            rows.setdefault((row["service"], row["environment"]), {}).update(row)
    return {key: _spelled(row, selection) for key, row in rows.items()}


def lead_times(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    delivered = select.deliveries(selection, by)
    delivered = delivered.mutate(part=selection.part(select.edge(selection, delivered)))
    figures = statistic(delivered.lead_time_s, "lead", median=selection.profile.median)
    if selection.profile.mean == "services":
        group = [delivered[_PART], *(delivered[column] for column in by), delivered.service]
        alike = delivered.lead_time_s.count().over(ibis.window(group_by=group))
        delivered = delivered.mutate(share=delivered.lead_time_s / alike)
        services = delivered.service.nunique(where=delivered.lead_time_s.notnull())
        figures["lead_mean"] = total(delivered.share) / services.nullif(0)
    return delivered.aggregate(by=[_PART, *by], **figures)


def deployments(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    done = select.deployments(selection)
    done = done.filter(done.result == TaskResult.SUCCESS)
    done = done.mutate(part=selection.part(done.finished_at))
    since = done.finished_at if selection.profile.recovery_start == "deployment_end" else done.failure_at
    # What was over before the deployment's end says nothing of how long its failure took to mend.
    recovered = ifelse(done.recovered_at >= done.finished_at, done.recovered_at, ibis.null("int64"))
    return done.aggregate(
        by=[_PART, *by],
        deployments=done.count(),
        days=selection.day(done.finished_at).nunique(),
        failed_deployments=done.failed.sum(),
        rework=done.rework.sum(),
        **statistic(_after(recovered, since), "recovery", median=selection.profile.median),
    )


def incidents(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    told = select.incidents(selection, by)
    told = told.filter(selection.within(told.started_at))
    told = told.mutate(part=selection.part(told.started_at))
    return told.aggregate(by=[_PART, *by], incidents=told.count())


def restored(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    told = select.incidents(selection, by)
    told = told.filter(selection.within(told.resolved_at))
    told = told.mutate(part=selection.part(told.resolved_at))
    lasted = _after(told.resolved_at, told.started_at)
    return told.aggregate(by=[_PART, *by], **statistic(lasted, "restore", median=selection.profile.median))


def detected(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    told = select.incidents(selection, by)
    # Where nobody said when users began to suffer, nobody knows how long it took to see that.
    told = told.filter(selection.within(told.detected_at), told.resolved_at.notnull(), told.start_told)
    told = told.mutate(part=selection.part(told.detected_at))
    took = _after(told.detected_at, told.started_at)
    return told.aggregate(by=[_PART, *by], **statistic(took, "detect", median=selection.profile.median))


_FAMILIES: tuple[Callable[[Selection, tuple[str, ...]], ir.Table], ...] = (
    lead_times,
    deployments,
    incidents,
    restored,
    detected,
)


def _after(moment: ir.IntegerColumn, start: ir.IntegerColumn) -> ir.FloatingColumn:
    """Seconds from start to moment; null where the clocks disagree."""
    return ifelse(moment >= start, (moment - start) / NANOSECONDS, ibis.null("float64"))


def _spelled(row: Figures, selection: Selection) -> Figures:
    profile = selection.profile
    deployments = row.get("deployments") or 0
    lead_times = spelled(row, "lead")
    per = {
        "deployments": deployments,
        "deployments_or_one": max(deployments, 1),
        "lead_times": lead_times["count"],
    }

    def rate(counted: int, whole: int) -> float | None:
        return counted / whole if whole else None

    failed, rework = int(row.get(profile.fail_rate_of) or 0), int(row.get("rework") or 0)
    return {
        "change_lead_time": lead_times,
        "deployment_frequency": {
            "deployments": deployments,
            "days_with_deployments": row.get("days") or 0,
            "per_day": deployments / selection.days,
        },
        "change_fail_rate": {
            "failed": failed,
            "deployments": deployments,
            "ratio": rate(failed, per[profile.fail_rate_per]),
        },
        "failed_deployment_recovery_time": spelled(row, "recovery"),
        "deployment_rework_rate": {
            "rework": rework,
            "deployments": deployments,
            "ratio": rate(rework, deployments),
        },
        "time_to_restore": spelled(row, "restore"),
        "time_to_detect": spelled(row, "detect"),
    }
