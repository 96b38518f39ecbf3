"""The metrics that always show the truth as known now: what is under way, and the figures of a window."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from ibis.expr import types as ir
from opentelemetry.sdk.metrics import export as sdk

from otel_vsm import semconv
from otel_vsm.semconv import EventName, Statistic
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts.names import known
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.computed import By, Computed, Parts
from otel_vsm_collector.figures.dora import lead_time
from otel_vsm_collector.figures.measurement import gaps
from otel_vsm_collector.figures.registry import FAMILIES
from otel_vsm_collector.figures.registry import value as value_of
from otel_vsm_collector.metrics import points, under_way
from otel_vsm_collector.metrics.limits import breaches, declared_limits
from otel_vsm_collector.metrics.observed import COLUMN_OF

MAX_TOGETHER = 50
"""Of teams, and of value streams."""
_TOGETHER: Mapping[Literal["team", "value_stream"], str] = {
    "team": semconv.VSM_TEAM,
    "value_stream": semconv.VSM_VALUE_STREAM,
}
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
            for metric, what in under_way.COUNTS.items()
        ),
        *shown(reader, now_ns),
    ]
    return [metric for metric in metrics if metric.data.data_points]


def complete_accurate(selection: Selection, most: int) -> ir.Table:
    """(stage_name, share) of the first `most` stages: whose work left the stage in the window and never had
    to come back."""
    rows = selection.table("stage_execution")
    left = rows.filter(selection.within(rows.ended_at), rows.complete_accurate.notnull())
    shares = left.group_by("stage_name").agg(share=left.complete_accurate.cast("float64").mean())
    return shares.order_by("stage_name").limit(most)


def shown(reader: Reader, now_ns: int) -> Iterator[sdk.Metric]:
    """The figures that have a metric, by what their rows are told apart by; how far they can be believed; the
    stages' share of complete and accurate work; limits; and how old what is under way is."""
    by_metric: dict[str, list[Labelled]] = {}
    cut: set[By] = set()

    def add(values: Iterable[Value], more: Mapping[str, str] = MappingProxyType({})) -> None:
        for metric, labels, value in values:
            labelled = points.attributes({**labels, **more})
            by_metric.setdefault(metric.name, []).append((labelled, value))

    for window in reader.facts.declared.windows:
        selection = Selection(from_ns=now_ns - window.ns, to_ns=now_ns, facts=reader.facts)
        selection = selection.in_zone(reader.facts.declared.time_zone)
        window_label = {semconv.VSM_WINDOW: str(window)}
        add(_figures(reader, selection, cut), window_label)
        everything = groups.parts_of(reader, replace(selection, environment=PRODUCTION))
        add(_together(everything, {}), window_label)
        add(_gaps(reader, selection), window_label)
        add(_complete_accurate(reader, selection, cut), window_label)
    window = reader.facts.declared.window
    selection = Selection(
        from_ns=now_ns - window.ns, to_ns=now_ns, environment=PRODUCTION, facts=reader.facts
    ).in_zone(reader.facts.declared.time_zone)
    add(breaches(groups.parts_of(reader, selection)), {semconv.VSM_WINDOW: str(window)})
    add(_teams_and_streams(reader, selection, cut), {semconv.VSM_WINDOW: str(window)})
    add(declared_limits(reader.facts.declared))
    add(_seconds(reader, now_ns))
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
                # Without its service, what is of none would be taken for everything together.
                if computed.metric is not None and (columns.get("service") or not _is_together(computed)):
                    labels = {
                        attribute: columns[column]
                        for attribute in computed.metric.attributes
                        if (column := COLUMN_OF.get(attribute)) in columns
                    }
                    yield from _figure(computed, computed.metric, labels, parts)


def _together(parts: Parts, labels: Labels) -> Iterator[Value]:
    """What is told apart by service and environment, of several services in production together: medians
    cannot be added up."""
    for family in FAMILIES:
        for computed in family.figures:
            if computed.metric is not None and _is_together(computed):
                where = labels | {semconv.DEPLOYMENT_ENVIRONMENT_NAME: PRODUCTION}
                yield from _figure(computed, computed.metric, where, parts)


def _is_together(computed: Computed) -> bool:
    return computed.metric is not None and semconv.VSM_TEAM in computed.metric.attributes


def _teams_and_streams(reader: Reader, selection: Selection, cut: set[By]) -> Iterator[Value]:
    """The same of the first teams and value streams: each is several questions of its own."""
    names_of = known(reader, tuple(_TOGETHER))
    for what, attribute in _TOGETHER.items():
        names = list(filter(None, names_of[what]))
        cut |= {(what,)} if len(names) > MAX_TOGETHER else set()
        for name in names[:MAX_TOGETHER]:
            yield from _together(groups.parts_of(reader, selection.of(what, name)), {attribute: name})


def _figure(computed: Computed, metric: Metric, labels: Labels, parts: Parts) -> Iterator[Value]:
    value = value_of(computed.figure.name, parts)
    yield from _values(metric, labels, value, computed)
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
    for metric, share, what in (
        (registry.VSM_COLLECTOR_STAGE_UNLINKED, registry.VSM_COLLECTOR_STAGE_UNLINKED_SHARE, gaps.stage_runs),
        (
            registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED,
            registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED_SHARE,
            gaps.deployments,
        ),
    ):
        rows = reader.answer(what, selection)
        for row in rows:
            if row["gap"] in _GAPS:
                yield metric, {semconv.VSM_MEASUREMENT_GAP: row["gap"]}, row["rows"]
        if (unlinked := gaps.unlinked(rows)["ratio"]) is not None:
            yield share, {}, unlinked
    for gap, number in gaps.clock_skew(reader, selection).items():
        yield registry.VSM_COLLECTOR_CLOCK_SKEW, {semconv.VSM_MEASUREMENT_GAP: gap}, number


def _complete_accurate(reader: Reader, selection: Selection, cut: set[By]) -> Iterator[Value]:
    rows = reader.answer(complete_accurate, selection, points.MAX_ATTRIBUTE_SETS + 1)
    cut |= {("stage_name",)} if len(rows) > points.MAX_ATTRIBUTE_SETS else set()
    for row in rows[: points.MAX_ATTRIBUTE_SETS]:
        yield registry.VSM_STAGE_COMPLETE_ACCURATE, {semconv.VSM_STAGE_NAME: row["stage_name"]}, row["share"]


def _seconds(reader: Reader, now_ns: int) -> Iterator[Value]:
    """How old what is under way is, and when what is over was."""
    ever = Selection(from_ns=0, to_ns=now_ns, facts=reader.facts)
    for metric, what in under_way.SECONDS.items():
        # Gauges that cannot show all groups show the first.
        for row in reader.answer(what, ever)[: points.MAX_ATTRIBUTE_SETS]:
            labels = {key: row[COLUMN_OF[key]] for key in metric.attributes if key in COLUMN_OF}
            if semconv.VSM_STATISTIC in metric.attributes:
                for statistic in under_way.AGES:
                    yield metric, labels | {semconv.VSM_STATISTIC: statistic.value}, row[statistic.value]
            else:
                yield metric, labels, row["seconds"]


_GAPS = frozenset(str(gap) for gap in semconv.MeasurementGap)


def _counts(counted: list[dict[str, Any]], metric: Metric) -> Iterator[tuple[points.Attributes, int]]:
    for row in counted:
        yield points.attributes({key: row[COLUMN_OF[key]] for key in metric.attributes}), row["active"]
