"""What no change was found for and why, and where clocks disagree."""

from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, MeasurementGap, StageType, TaskResult
from otel_vsm_collector.derive.rules.changes import ANCESTRY, ARTIFACT, LINKS, REVISION
from otel_vsm_collector.derive.rules.counting import counting
from otel_vsm_collector.derive.rules.deliveries import NO_START
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.flow.runs import runs
from otel_vsm_collector.figures.measurement.ingest_delay import arrived
from otel_vsm_collector.figures.measurement.left_out import left_out
from otel_vsm_collector.figures.statistic import ratio

NOTHING_NEW = "nothing_new"
Row = dict[str, Any]


def gaps(reader: Reader, selection: Selection) -> Row:
    """All of it, in the shape of the API's answer."""
    return {
        "spans": unlinked(reader.answer(spans, selection)),
        "stage_runs": unlinked(reader.answer(stage_runs, selection)),
        "deployments": unlinked(reader.answer(deployments, selection)),
        "left_out": left_out(reader, selection),
        "excluded": {row["excluded"]: row["changes"] for row in reader.answer(excluded, selection)},
        "clock_skew": clock_skew(reader, selection),
    }


def unlinked(rows: list[Row]) -> Row:
    """How many of the rows that a question answers with no change was found for, and why."""
    gaps = {row["gap"]: row["rows"] for row in rows}
    whole = gaps.pop(None)
    aside = {name: gaps.pop(name, 0) for name in (NOTHING_NEW, MeasurementGap.CUT_HISTORY.value)}
    unlinked = sum(gaps.values())
    return {
        "count": whole,
        "unlinked": unlinked,
        "ratio": ratio(unlinked, whole),
        "why": gaps,
        **aside,
    }


def spans(selection: Selection) -> ir.Table:
    """(gap, rows): the spans that ended in the window, by why no change has them; all of them under null.

    Events of incidents and of running services, and those of work items that nobody has taken up, are no
    change's.
    """
    rows = select.spans(selection, lambda every: selection.within(every.ended_at))
    event = ibis.coalesce(rows.event_name, "")
    plain = rows.event_name.isnull() & rows.stage_name.isnull()
    rows = rows.filter(
        # A deployment may name the incident that it mends, a run the work item that it is about.
        ~(event.startswith("incident.") | (plain & rows.incident_id.notnull())),
        event != EventName.SERVICE_STARTED,
        ~(event.startswith("work_item.") & rows.change_id.isnull()),
    )
    rows = rows.select("trace_id", "change_id", "repository", named=_named(rows.revision, rows.request))
    return _by_gap(selection, rows)


def stage_runs(selection: Selection) -> ir.Table:
    """(gap, rows): the same of the runs of stages, but for deployments."""
    rows = runs(selection)
    rows = rows.filter(selection.within(rows.ended_at), (rows.stage_type != StageType.DEPLOY).fill_null(True))
    rows = rows.select("trace_id", "change_id", "repository", named=_named(rows.revision))
    return _by_gap(selection, rows)


def _named(*names: ir.StringColumn) -> ir.BooleanValue:
    return ibis.coalesce(*names).notnull()


def _by_gap(selection: Selection, rows: ir.Table) -> ir.Table:
    alone = rows.filter(rows.change_id.isnull()).anti_join(selection.table("trace_owner"), "trace_id")
    alone = alone.select("trace_id", "repository", "named")
    together = alone.count().over(ibis.window(group_by=alone.trace_id)) > 1
    gap = ibis.cases(
        (alone.named & alone.repository.isnull(), str(MeasurementGap.NO_REPOSITORY)),
        (together, str(MeasurementGap.TRACE_OF_NOBODY)),
        else_=str(MeasurementGap.NO_IDENTITY),
    )
    return _with_all(rows, alone.select(gap=gap))


def _with_all(rows: ir.Table, gaps: ir.Table) -> ir.Table:
    """(gap, rows): how many of the `gaps` there are of each kind, and under null how many `rows`."""
    by_gap = gaps.group_by("gap").agg(rows=gaps.count())
    whole = rows.aggregate(rows=rows.count())
    return by_gap.union(whole.select(gap=ibis.null("string"), rows=whole.rows)).order_by("gap")


def deployments(selection: Selection) -> ir.Table:
    """(gap, rows): the successful deployments that finished in the window, by why no change was found for
    them; all of them under null. `nothing_new` is no fault: a redeploy, a rollback, or a first one that the
    profile leaves out. `cut_history` are those that may have brought more than could be told, whatever was
    found for them."""
    done = select.deployments(selection)
    done = done.filter(done.result == TaskResult.SUCCESS).select("id", "change_mapping")
    claims = selection.table("deployment_claim").semi_join(done, [("deployment_id", "id")])
    by_method = claims.group_by(id="deployment_id").agg(
        **{method: (claims.method == method).any() for method in (REVISION, ARTIFACT, LINKS)}
    )
    # What it stands on was there before: its own change may still not be known.
    matched = selection.table("matched_claim").filter(ibis._.method != ANCESTRY)
    matched = matched.select(id="deployment_id", matched=True).distinct()
    for part in (by_method, matched):
        done = done.left_join(part, "id").drop("id_right")
    gap = ibis.cases(
        (done.matched.notnull(), NOTHING_NEW),
        (done[REVISION].fill_null(False), str(MeasurementGap.UNKNOWN_REVISION)),
        (done[ARTIFACT].fill_null(False), str(MeasurementGap.UNKNOWN_ARTIFACT)),
        (done[LINKS].fill_null(False), str(MeasurementGap.UNKNOWN_LINK)),
        else_=str(MeasurementGap.NO_IDENTITY),
    )
    carrying_nothing = done.filter(done.change_mapping.isnull())
    reports = selection.table("deployment_report").filter(ibis._.cut_history)
    cut = done.semi_join(reports, "id").select(gap=ibis.literal(str(MeasurementGap.CUT_HISTORY)))
    return _with_all(done, carrying_nothing.select(gap=gap).union(cut))


def excluded(selection: Selection) -> ir.Table:
    """(excluded, changes): the deliveries in the window that have no lead time, and why."""
    rows = select.deliveries(selection)
    rows = rows.filter(rows.excluded.notnull())
    return rows.group_by("excluded").agg(changes=rows.count()).order_by("excluded")


def clock_skew(reader: Reader, selection: Selection) -> dict[str, int]:
    """How often something happened in the window before it could have, by the kind of contradiction."""
    return {
        row["gap"]: row["rows"]
        for what in (_children, _incidents, _deliveries, _queues, _arrivals)
        for row in reader.answer(what, selection)
    }


def _counted(rows: ir.Table, gap: MeasurementGap) -> ir.Table:
    return rows.aggregate(rows=rows.count()).mutate(gap=ibis.literal(str(gap)))


def _children(selection: Selection) -> ir.Table:
    def children(spans: ir.Table) -> ir.BooleanValue:
        return selection.within(spans.ended_at) & spans.parent_span_id.notnull()

    every, rows = selection.table("span"), select.spans(selection, children)
    # A parent ends no earlier than its child, but for clocks that disagree by hours.
    parents = counting(every.filter(every.ended_at >= selection.start - select.DAY_NS), of=every)
    parents = parents.select("trace_id", parent_span_id="span_id", parent_at="started_at")
    rows = rows.select("trace_id", "parent_span_id", "started_at").join(
        parents, ["trace_id", "parent_span_id"]
    )
    return _counted(rows.filter(rows.started_at < rows.parent_at), MeasurementGap.CHILD_BEFORE_PARENT)


def _incidents(selection: Selection) -> ir.Table:
    rows = select.incidents(selection)
    rows = rows.filter(selection.within(rows.started_at), rows.start_told, rows.detected_at < rows.started_at)
    return _counted(rows, MeasurementGap.DETECTED_BEFORE_START)


def _deliveries(selection: Selection) -> ir.Table:
    rows = select.deliveries(selection)
    rows = rows.filter(rows.excluded.notnull(), rows.excluded != NO_START)
    return _counted(rows, MeasurementGap.DELIVERED_BEFORE_START)


def _queues(selection: Selection) -> ir.Table:
    rows = runs(selection)
    rows = rows.filter(selection.within(rows.ended_at), rows.queue_s < 0)
    return _counted(rows, MeasurementGap.NEGATIVE_QUEUE)


def _arrivals(selection: Selection) -> ir.Table:
    rows = arrived(selection)
    return _counted(rows.filter(rows.received_at < rows.ended_at), MeasurementGap.ARRIVED_BEFORE_END)
