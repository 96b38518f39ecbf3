"""The metrics that always show the truth as known now: what is under way, and the figures of a window."""

from collections.abc import Iterator, Mapping
from typing import Any

import ibis
from duckdb import DuckDBPyConnection
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir
from opentelemetry.sdk.metrics import export as sdk

from otel_vsm import semconv
from otel_vsm.semconv import Statistic
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.derive import tables
from otel_vsm_collector.figures import dora
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.figures.work_in_progress import work_in_progress
from otel_vsm_collector.metrics import points
from otel_vsm_collector.metrics.observed import COLUMN_OF

DAY_NS = 86400 * 10**9
WINDOWS_NS = {"7d": 7 * DAY_NS, "30d": 30 * DAY_NS, "90d": 90 * DAY_NS}
"""The windows that end now, by the value of vsm.window."""
STATISTICS = (Statistic.P50, Statistic.P90, Statistic.MEAN)

Labelled = tuple[points.Attributes, float]


def current(connection: DuckDBPyConnection, start_ns: int, now_ns: int) -> list[sdk.Metric]:
    """All of them, from the facts that `connection` sees; those without a point are left out."""
    backend = ibis.duckdb.from_connection(connection)
    metrics = [
        points.up_down(
            registry.VSM_CHANGE_ACTIVE,
            _counts(backend, active_changes(), registry.VSM_CHANGE_ACTIVE),
            start_ns,
            now_ns,
        ),
        points.up_down(
            registry.VSM_INCIDENT_ACTIVE,
            _counts(backend, active_incidents(), registry.VSM_INCIDENT_ACTIVE),
            start_ns,
            now_ns,
        ),
        points.up_down(registry.VSM_COLLECTOR_SPAN_UNLINKED, _unlinked(backend), start_ns, now_ns),
        *windowed(backend, now_ns),
    ]
    return [metric for metric in metrics if metric.data.data_points]


def active_changes() -> ir.Table:
    """(repository, stage_name, active): changes neither delivered to production nor abandoned, by the stage
    that they are in or were in last; 0 where there were some before."""
    change, waiting = tables.table("change"), work_in_progress(Selection(from_ns=0, to_ns=0))
    under_way = change.left_join(waiting.select(waiting_id=waiting.id), change.id == waiting.id)
    return under_way.group_by("repository", stage_name=under_way.current_stage).agg(
        active=under_way.waiting_id.count()
    )


def active_incidents() -> ir.Table:
    """(service, environment, severity, active): incidents not resolved; 0 where there were some before."""
    incident = tables.table("incident")
    return incident.group_by("service", "environment", "severity").agg(
        active=incident.resolved_at.isnull().sum()
    )


def unlinked_spans() -> ir.Table:
    """(active): spans that belong to no change, incident or work item as far as is known now."""
    span, key = tables.table("span"), tables.table("change_key")
    alone = span.filter(span.change_id.isnull(), span.incident_id.isnull(), span.work_item_id.isnull())
    traces = key.filter(key.method == "links")
    alone = alone.anti_join(traces, alone.trace_id == traces.key)
    return alone.select("trace_id", "span_id").distinct().agg(active=ibis._.count())


def complete_accurate(selection: Selection) -> ir.Table:
    """(stage_name, share): whose work left the stage in the window and never had to come back."""
    runs = tables.table("stage_run")
    left = runs.filter(selection.within(runs.ended_at), runs.complete_accurate.notnull())
    return left.group_by("stage_name").agg(share=left.complete_accurate.cast("float64").mean())


def windowed(backend: Backend, now_ns: int) -> Iterator[sdk.Metric]:
    """The DORA figures by service and environment, and the stages' share of complete and accurate work."""
    by_metric: dict[str, list[Labelled]] = {}
    for window, length_ns in WINDOWS_NS.items():
        selection = Selection(from_ns=now_ns - length_ns, to_ns=now_ns)
        for (service, environment), figures in dora.dora_by_service(backend, selection).items():
            of = {semconv.SERVICE_NAME: service, semconv.DEPLOYMENT_ENVIRONMENT_NAME: environment}
            of[semconv.VSM_WINDOW] = window
            for metric, labels, value in _dora_values(figures):
                by_metric.setdefault(metric.name, []).append((points.known(of | labels), value))
        for row in backend.to_pyarrow(complete_accurate(selection)).to_pylist():
            labels = {semconv.VSM_STAGE_NAME: row["stage_name"], semconv.VSM_WINDOW: window}
            by_metric.setdefault(registry.VSM_STAGE_COMPLETE_ACCURATE.name, []).append((labels, row["share"]))
    for metric in registry.METRICS:
        if metric.name in by_metric:
            yield points.gauge(metric, by_metric[metric.name], now_ns)


_DURATIONS = {
    "change_lead_time": registry.VSM_DORA_CHANGE_LEAD_TIME,
    "failed_deployment_recovery_time": registry.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME,
    "time_to_restore": registry.VSM_DORA_TIME_TO_RESTORE,
}
_SHARES = {
    "deployment_frequency": (registry.VSM_DORA_DEPLOYMENT_FREQUENCY, "per_day"),
    "change_fail_rate": (registry.VSM_DORA_CHANGE_FAIL_RATE, "ratio"),
    "deployment_rework_rate": (registry.VSM_DORA_DEPLOYMENT_REWORK_RATE, "ratio"),
}


def _dora_values(figures: Mapping[str, Any]) -> Iterator[tuple[Metric, dict[str, str], float]]:
    for figure, metric in _DURATIONS.items():
        for statistic in STATISTICS:
            if (value := figures[figure][statistic]) is not None:
                yield metric, {semconv.VSM_STATISTIC: statistic.value}, value
    for figure, (metric, field) in _SHARES.items():
        if (value := figures[figure][field]) is not None:
            yield metric, {}, value


def _counts(backend: Backend, counted: ir.Table, metric: Metric) -> Iterator[tuple[points.Attributes, int]]:
    for row in backend.to_pyarrow(counted).to_pylist():
        attributes = {key: row[COLUMN_OF[key]] for key in metric.attributes}
        yield points.known(attributes), row["active"]


def _unlinked(backend: Backend) -> list[tuple[points.Attributes, int]]:
    return [({}, backend.to_pyarrow(unlinked_spans()).to_pylist()[0]["active"])]
