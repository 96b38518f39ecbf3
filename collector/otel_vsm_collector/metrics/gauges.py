"""The metrics that always show the truth as known now: what is under way, and the figures of a window."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import ibis
from ibis.expr import types as ir
from opentelemetry.sdk.metrics import export as sdk

from otel_vsm import semconv
from otel_vsm.semconv import EventName, Statistic
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.counting import counting
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.computed import By, Computed
from otel_vsm_collector.figures.dora import lead_time
from otel_vsm_collector.figures.flow.work_in_progress import open_changes
from otel_vsm_collector.figures.measurement import gaps
from otel_vsm_collector.figures.registry import FAMILIES
from otel_vsm_collector.figures.registry import value as value_of
from otel_vsm_collector.metrics import points
from otel_vsm_collector.metrics.observed import COLUMN_OF

STATISTICS = (Statistic.P50, Statistic.P90, Statistic.MEAN)

Labels = dict[str, Any]
Labelled = tuple[points.Attributes, float]
Value = tuple[Metric, Labels, float]


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
    span = counting(selection.table("span"))
    alone = span.filter(span.change_id.isnull(), span.incident_id.isnull(), span.work_item_id.isnull())
    return alone.anti_join(selection.table("trace_owner"), "trace_id").agg(active=ibis._.count())


_UNDER_WAY = {
    registry.VSM_CHANGE_ACTIVE: active_changes,
    registry.VSM_INCIDENT_ACTIVE: active_incidents,
    registry.VSM_COLLECTOR_SPAN_UNLINKED: unlinked_spans,
}


def complete_accurate(selection: Selection, most: int) -> ir.Table:
    """(stage_name, share) of the first `most` stages: whose work left the stage in the window and never had
    to come back."""
    rows = selection.table("stage_execution")
    left = rows.filter(selection.within(rows.ended_at), rows.complete_accurate.notnull())
    shares = left.group_by("stage_name").agg(share=left.complete_accurate.cast("float64").mean())
    return shares.order_by("stage_name").limit(most)


def windowed(reader: Reader, now_ns: int) -> Iterator[sdk.Metric]:
    """The figures that have a metric, by what their rows are told apart by; how far they can be believed; and
    the stages' share of complete and accurate work."""
    by_metric: dict[str, list[Labelled]] = {}
    cut: set[By] = set()
    for window in reader.facts.declared.windows:
        selection = Selection(from_ns=now_ns - window.ns, to_ns=now_ns, facts=reader.facts)
        selection = selection.in_zone(reader.facts.declared.time_zone)
        for metric, labels, value in (
            *_figures(reader, selection, cut),
            *_gaps(reader, selection),
            *_complete_accurate(reader, selection, cut),
        ):
            labels = points.attributes(labels | {semconv.VSM_WINDOW: str(window)})
            by_metric.setdefault(metric.name, []).append((labels, value))
    by_metric[registry.VSM_COLLECTOR_METRIC_OVERFLOW.name] = [({}, len(cut))]
    for metric in registry.METRICS:
        if metric.name in by_metric:
            yield points.gauge(metric, by_metric[metric.name], now_ns)


def _figures(reader: Reader, selection: Selection, cut: set[By]) -> Iterator[Value]:
    """To `cut` goes by what more is told apart than is shown: of a figure, nothing can be said of several
    groups together. What is not told apart by environment is of production, as what the API is asked is."""
    for by in dict.fromkeys(family.by for family in FAMILIES):
        where = selection if "environment" in by else replace(selection, environment=PRODUCTION)
        shown = [computed for family in FAMILIES if family.by == by for computed in family.figures]
        shown_groups, is_all = groups.parts_by(reader, where, by, points.MAX_ATTRIBUTE_SETS)
        cut |= set() if is_all else {by}
        for key, parts in shown_groups.items():
            columns = dict(zip(by, key, strict=True))
            for computed in shown:
                if computed.metric is not None:
                    labels = {
                        attribute: columns[column]
                        for attribute in computed.metric.attributes
                        if (column := COLUMN_OF.get(attribute)) in columns
                    }
                    value = value_of(computed.figure.name, parts)
                    yield from _values(computed.metric, labels, value, computed)
                    if computed.figure.name == lead_time.NAME:
                        yield from _starts(labels, value["starts"])


def _starts(labels: Labels, starts: Mapping[str, int]) -> Iterator[Value]:
    """What lead times are counted from, where that is not the first commit for all."""
    for start, changes in starts.items() if starts.keys() - {EventName.CHANGE_FIRST_COMMIT} else ():
        yield (
            registry.VSM_DORA_CHANGE_LEAD_TIME_CHANGES,
            labels | {semconv.VSM_CHANGE_START: start},
            changes,
        )


def _values(metric: Metric, labels: Labels, value: Any, computed: Computed) -> Iterator[Value]:
    by_statistic = semconv.VSM_STATISTIC in metric.attributes
    for statistic in STATISTICS if by_statistic else STATISTICS[:1]:
        if (number := computed.figure.number(value, statistic)) is not None:
            yield metric, labels | ({semconv.VSM_STATISTIC: statistic.value} if by_statistic else {}), number


def _gaps(reader: Reader, selection: Selection) -> Iterator[Value]:
    """What no change was found for, and where clocks disagree."""
    for metric, what in (
        (registry.VSM_COLLECTOR_STAGE_UNLINKED, gaps.stage_runs),
        (registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED, gaps.deployments),
    ):
        for row in reader.answer(what, selection):
            if row["gap"] in _GAPS:
                yield metric, {semconv.VSM_MEASUREMENT_GAP: row["gap"]}, row["rows"]
    for gap, number in gaps.clock_skew(reader, selection).items():
        yield registry.VSM_COLLECTOR_CLOCK_SKEW, {semconv.VSM_MEASUREMENT_GAP: gap}, number


def _complete_accurate(reader: Reader, selection: Selection, cut: set[By]) -> Iterator[Value]:
    rows = reader.answer(complete_accurate, selection, points.MAX_ATTRIBUTE_SETS + 1)
    cut |= {("stage_name",)} if len(rows) > points.MAX_ATTRIBUTE_SETS else set()
    for row in rows[: points.MAX_ATTRIBUTE_SETS]:
        yield registry.VSM_STAGE_COMPLETE_ACCURATE, {semconv.VSM_STAGE_NAME: row["stage_name"]}, row["share"]


_GAPS = frozenset(str(gap) for gap in semconv.MeasurementGap)


def _counts(counted: list[dict[str, Any]], metric: Metric) -> Iterator[tuple[points.Attributes, int]]:
    for row in counted:
        yield points.attributes({key: row[COLUMN_OF[key]] for key in metric.attributes}), row["active"]
