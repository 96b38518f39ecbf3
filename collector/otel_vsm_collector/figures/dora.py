"""The five DORA figures, with time to restore and to detect beside them."""

from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse
from ibis.backends.duckdb import Backend

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.stages import NANOSECONDS
from otel_vsm_collector.figures import selection as select
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.figures.statistic import spelled, statistic

_DAY_NS = 86_400 * 10**9
BY = ("service", "environment")


def dora(backend: Backend, selection: Selection) -> dict[str, Any]:
    """The figures of one selection, in the shape of the API's answer but for window and profile.

    - lead time: of the changes delivered in the window
    - frequency, change fail rate, rework rate, recovery: of the successful deployments that finished in it
    - time to restore, time to detect: of the incidents resolved, detected in it
    """
    row: dict[str, Any] = {}
    for part in _parts(selection):
        row |= backend.to_pyarrow(part).to_pylist()[0]
    return _spelled(row, selection)


def dora_by_service(backend: Backend, selection: Selection) -> dict[tuple[str, str], dict[str, Any]]:
    """The same by service and environment, for those that have anything in the window."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for part in _parts(selection, BY):
        for row in backend.to_pyarrow(part).to_pylist():
            rows.setdefault((row["service"], row["environment"]), {}).update(row)
    return {key: _spelled(row, selection) for key, row in rows.items()}


def _parts(selection: Selection, by: tuple[str, ...] = ()) -> Iterator[ir.Table]:
    yield _lead_times(selection, by)
    yield _deployments(selection, by)
    yield _restored(selection, by)
    yield _detected(selection, by)


def _lead_times(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    delivered = select.deliveries(selection, by)
    return delivered.aggregate(by=by, **statistic(delivered.lead_time_s, "lead"))


def _deployments(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    done = select.deployments(selection)
    done = done.filter(done.result == TaskResult.SUCCESS)
    recovery = _after(done.recovered_at, done.finished_at)
    return done.aggregate(
        by=by,
        deployments=done.count(),
        days=(done.finished_at // _DAY_NS).nunique(),
        failed=done.failed.sum(),
        rework=done.rework.sum(),
        **statistic(recovery, "recovery"),
    )


def _restored(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    told = select.incidents(selection)
    told = told.filter(selection.within(told.resolved_at))
    return told.aggregate(by=by, **statistic(_after(told.resolved_at, told.started_at), "restore"))


def _detected(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    told = select.incidents(selection)
    told = told.filter(selection.within(told.detected_at), told.resolved_at.notnull())
    return told.aggregate(by=by, **statistic(_after(told.detected_at, told.started_at), "detect"))


def _after(moment: ir.IntegerColumn, start: ir.IntegerColumn) -> ir.FloatingColumn:
    """Seconds from start to moment; null where the clocks disagree."""
    return ifelse(moment >= start, (moment - start) / NANOSECONDS, ibis.null("float64"))


def _spelled(row: dict[str, Any], selection: Selection) -> dict[str, Any]:
    deployments = row.get("deployments") or 0

    def rate(name: str) -> dict[str, Any]:
        counted = int(row.get(name) or 0)
        ratio = counted / deployments if deployments else None
        return {name: counted, "deployments": deployments, "ratio": ratio}

    return {
        "change_lead_time": spelled(row, "lead"),
        "deployment_frequency": {
            "deployments": deployments,
            "days_with_deployments": row.get("days") or 0,
            "per_day": deployments / selection.days,
        },
        "change_fail_rate": rate("failed"),
        "failed_deployment_recovery_time": spelled(row, "recovery"),
        "deployment_rework_rate": rate("rework"),
        "time_to_restore": spelled(row, "restore"),
        "time_to_detect": spelled(row, "detect"),
    }
