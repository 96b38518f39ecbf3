"""The metrics that always show the truth as known now: what is under way, and the figures of a window."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import ibis
from ibis.expr import types as ir
from opentelemetry.sdk.metrics import export as sdk

from otel_vsm import semconv
from otel_vsm.semconv import Statistic
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import dora, flow, measurement
from otel_vsm_collector.figures.statistic import spelled
from otel_vsm_collector.figures.work_in_progress import open_changes
from otel_vsm_collector.metrics import points
from otel_vsm_collector.metrics.observed import COLUMN_OF

STATISTICS = (Statistic.P50, Statistic.P90, Statistic.MEAN)

Labelled = tuple[points.Attributes, float]


def current(reader: Reader, start_ns: int, now_ns: int) -> list[sdk.Metric]:
    """All of them, by the default profile; those without a point are left out."""
    ever = Selection(from_ns=0, to_ns=now_ns, facts=reader.facts)
    metrics = [
        *(
            points.up_down(metric, _counts(reader.answer(what, ever), metric), start_ns, now_ns)
            for metric, what in _UNDER_WAY.items()
        ),
        *windowed(reader, now_ns),
    ]
    return [metric for metric in metrics if metric.data.data_points]


def active_changes(selection: Selection) -> ir.Table:
    """(repository, stage_name, active): changes neither delivered to production nor abandoned, by the stage
    that they are in or were in last; 0 where there were some before."""
    change, waiting = selection.table("change"), open_changes(selection).select(waiting_id="id")
    under_way = change.left_join(waiting, change.id == waiting.waiting_id)
    return under_way.group_by("repository", stage_name=under_way.current_stage).agg(
        active=under_way.waiting_id.count()
    )


def active_incidents(selection: Selection) -> ir.Table:
    """(service, environment, severity, active): incidents not resolved; 0 where there were some before."""
    incident = selection.table("incident")
    return incident.group_by("service", "environment", "severity").agg(
        active=incident.resolved_at.isnull().sum()
    )


def unlinked_spans(selection: Selection) -> ir.Table:
    """(active): spans that belong to no change, incident or work item as far as is known now."""
    span = selection.table("span")
    alone = span.filter(span.change_id.isnull(), span.incident_id.isnull(), span.work_item_id.isnull())
    return alone.anti_join(selection.table("trace_owner"), "trace_id").agg(active=ibis._.count())


def suspicious_changes(selection: Selection) -> ir.Table:
    """(active): what would be one change and is not believed."""
    return measurement.suspicious_changes(selection).agg(active=ibis._.count())


_UNDER_WAY = {
    registry.VSM_CHANGE_ACTIVE: active_changes,
    registry.VSM_INCIDENT_ACTIVE: active_incidents,
    registry.VSM_COLLECTOR_SPAN_UNLINKED: unlinked_spans,
    registry.VSM_COLLECTOR_CHANGE_SUSPICIOUS: suspicious_changes,
}


def complete_accurate(selection: Selection) -> ir.Table:
    """(stage_name, share): whose work left the stage in the window and never had to come back."""
    runs = selection.table("stage_run")
    left = runs.filter(selection.within(runs.ended_at), runs.complete_accurate.notnull())
    return left.group_by("stage_name").agg(share=left.complete_accurate.cast("float64").mean())


def windowed(reader: Reader, now_ns: int) -> Iterator[sdk.Metric]:
    """The DORA figures by service and environment, those of flow to production by repository, and the stages'
    share of complete and accurate work."""
    by_metric: dict[str, list[Labelled]] = {}
    for window in reader.facts.declared.windows:
        selection = Selection(from_ns=now_ns - window.ns, to_ns=now_ns, facts=reader.facts)
        for (service, environment), figures in dora.dora_by_service(reader, selection).items():
            of = {semconv.SERVICE_NAME: service, semconv.DEPLOYMENT_ENVIRONMENT_NAME: environment}
            of[semconv.VSM_WINDOW] = str(window)
            for metric, labels, value in _dora_values(figures):
                by_metric.setdefault(metric.name, []).append((points.known(of | labels), value))
        delivered = replace(selection, environment=PRODUCTION)
        for repository, figures in flow.flow_by_repository(reader, delivered).items():
            there = {semconv.VCS_REPOSITORY_NAME: repository, semconv.VSM_WINDOW: str(window)}
            for metric, labels, value in _flow_values(figures):
                by_metric.setdefault(metric.name, []).append((points.known(there | labels), value))
        for metric, labels, value in _measured(reader, selection):
            labels = labels | {semconv.VSM_WINDOW: str(window)}
            by_metric.setdefault(metric.name, []).append((labels, value))
        for row in reader.answer(complete_accurate, selection):
            labels = {semconv.VSM_STAGE_NAME: row["stage_name"], semconv.VSM_WINDOW: str(window)}
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


def _flow_values(figures: Mapping[str, Any]) -> Iterator[tuple[Metric, dict[str, str], float]]:
    for statistic in STATISTICS:
        if (value := figures["flow_time"][statistic]) is not None:
            yield registry.VSM_FLOW_TIME, {semconv.VSM_STATISTIC: statistic.value}, value
    if (value := figures["flow_efficiency"]) is not None:
        yield registry.VSM_FLOW_EFFICIENCY, {}, value
    yield registry.VSM_FLOW_THROUGHPUT, {}, figures["throughput_per_day"]


def _measured(reader: Reader, selection: Selection) -> Iterator[tuple[Metric, dict[str, str], float]]:
    """How far the figures of a window can be believed."""
    for metric, what in (
        (registry.VSM_COLLECTOR_STAGE_UNLINKED, measurement.stage_runs),
        (registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED, measurement.deployments),
    ):
        for row in reader.answer(what, selection):
            if row["gap"] in _GAPS:
                yield metric, {semconv.VSM_MEASUREMENT_GAP: row["gap"]}, row["rows"]
    for gap, number in measurement.clock_skew(reader, selection).items():
        yield registry.VSM_COLLECTOR_CLOCK_SKEW, {semconv.VSM_MEASUREMENT_GAP: gap}, number
    (row,) = reader.answer(measurement.ingest_delay, selection)
    delay = spelled(row, "delay")
    for statistic in STATISTICS:
        if (value := delay[statistic]) is not None:
            yield registry.VSM_COLLECTOR_INGEST_DELAY, {semconv.VSM_STATISTIC: statistic.value}, value


_GAPS = frozenset(str(gap) for gap in semconv.MeasurementGap)


def _counts(counted: list[dict[str, Any]], metric: Metric) -> Iterator[tuple[points.Attributes, int]]:
    for row in counted:
        attributes = {key: row[COLUMN_OF[key]] for key in metric.attributes}
        yield points.known(attributes), row["active"]
