"""How long delivered changes took from their first activity on, worked on, waiting and blocked."""

from dataclasses import replace
from functools import partial

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import metrics
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import undelivered
from otel_vsm_collector.figures.computed import Computed, Family, duration
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, values
from otel_vsm_collector.figures.statistic import ratio, total
from otel_vsm_collector.figures.undelivered import with_undelivered

PROCESS, WAIT = "process", "wait"
SETTINGS = (*undelivered.SETTINGS, "statistic", "median")
_ABOUT = ("change_id", "deployment_id", "repository", "merged_at", "delivered_at")


def passed(selection: Selection) -> ir.Table:
    """The changes delivered in the window, with first_activity_at, and flow_ns since then."""
    delivered = select.delivered_changes(selection)
    delivered = delivered.select(*_ABOUT, "first_activity_at")
    return delivered.mutate(flow_ns=delivered.delivered_at - delivered.first_activity_at)


def flow_times(selection: Selection) -> ir.Table:
    """A row per change delivered in the window: change_id, deployment_id, repository, merged_at,
    delivered_at, flow_s, active_s, cycle_s, all three null where the clocks disagree, active_s also where no
    run was told that took time.

    - flow: from the first activity until delivered
    - active: the part of it in which a stage of the change went on, where several did once
    - cycle: flow without what one of its work items was blocked for
    """
    rows = delivered = passed(selection)
    stages = spent(selection)
    active = stages.group_by("change_id").agg(active_s=stages.active_ns.sum() / NANOSECONDS)
    for part in (active, _blocked(selection, delivered)):
        rows = rows.left_join(part, "change_id").drop("change_id_right")
    flow = ifelse(rows.flow_ns >= 0, rows.flow_ns / NANOSECONDS, ibis.null("float64"))
    return rows.select(
        *_ABOUT,
        flow_s=flow,
        active_s=ifelse(flow.notnull(), rows.active_s.nullif(0.0), flow),
        cycle_s=flow - rows.blocked_s.fill_null(0.0),
    )


def spent(selection: Selection) -> ir.Table:
    """A row for each stage that a change delivered in the window was in before that (change_id, stage_name):
    the seconds in which it ran (process) and of the waits before its runs (wait), and the nanoseconds
    (active_ns) that its runs add to what runs which began earlier have covered of the change's time."""
    runs = selection.table("stage_run")
    runs = runs.select("change_id", "stage_name", "started_at", "ended_at", "busy_until", "stage_busy_until")
    runs = runs.join(passed(selection), "change_id")
    # No run began before the first activity. Said, it lets an engine leave out what is older than all of
    # the changes that are asked for.
    runs = runs.filter(runs.started_at >= runs.first_activity_at, runs.started_at < runs.delivered_at)
    free = ibis.coalesce(runs.busy_until, runs.started_at)
    added = ibis.least(runs.ended_at, runs.delivered_at) - ibis.greatest(runs.started_at, free)
    stage_free = ibis.coalesce(runs.stage_busy_until, runs.started_at)
    added_to_stage = runs.ended_at - ibis.greatest(runs.started_at, stage_free)
    return runs.group_by("change_id", "stage_name").agg(
        process=added_to_stage.clip(lower=0).sum() / NANOSECONDS,
        wait=(runs.started_at - free).clip(lower=0).sum() / NANOSECONDS,
        active_ns=added.clip(lower=0).sum(),
    )


def _blocked(selection: Selection, delivered: ir.Table) -> ir.Table:
    """(change_id, blocked_s)"""
    times = selection.table("blocked").join(delivered, "change_id")
    end = ibis.least(ibis.coalesce(times.unblocked_at, times.delivered_at), times.delivered_at)
    start = ibis.greatest(times.blocked_at, times.first_activity_at)
    return times.group_by("change_id").agg(blocked_s=(end - start).clip(lower=0).sum() / NANOSECONDS)


def contributions(selection: Selection) -> ir.Table:
    """What each stage takes of the changes delivered in the window (stage_name, process, wait): medians over
    all that have a flow time, in seconds.

    A change that was not in a stage spent nothing there. Stages that fewer than half of them were in are left
    out: their medians are nothing.
    """
    delivered = passed(selection)
    number = delivered.count(where=delivered.flow_ns >= 0).as_scalar()
    runs = spent(selection)
    stages = runs.group_by("stage_name").agg(changes=runs.count())
    stages = stages.filter(stages.changes * 2 >= number)
    nothing = ibis.literal(0.0)
    absent = ibis.range(ibis.literal(0, "int64"), number - stages.changes)
    absent = stages.select("stage_name", one=absent.unnest())
    values = (
        runs.semi_join(stages, "stage_name")
        .select("stage_name", PROCESS, WAIT)
        .union(absent.select("stage_name", **{PROCESS: nothing, WAIT: nothing}))
    )
    half = ibis.literal(0.5)
    return values.group_by("stage_name").agg(
        **{part: values[part].quantile(half) for part in (PROCESS, WAIT)}
    )


def times(selection: Selection, **columns: str) -> ir.Table:
    """A row per delivery in the window, and per other change that was merged in it or that a deployment in it
    claims; `columns` come from `flow_times`."""
    rows = flow_times(selection)
    rows = rows.mutate(**{name: rows[of] for name, of in columns.items()})
    reason = because((rows.flow_s.isnull(), Reason.CLOCK_SKEW), (rows.value.isnull(), Reason.NO_RUN))
    return _delivered(selection, rows.mutate(reason=reason))


def throughput(selection: Selection) -> ir.Table:
    """The same; a change counts also where the clocks disagree."""
    rows = select.delivered_changes(selection)
    return _delivered(selection, rows.mutate(reason=ibis.null("string")))


def _delivered(selection: Selection, rows: ir.Table) -> ir.Table:
    selection = replace(selection, facts=selection.facts.of_changes)
    rows = rows.mutate(at=select.edge(selection, rows))
    optional = [column for column in ("value", "of_s") if column in rows.columns]
    arrived = rows.select("change_id", "deployment_id", "at", "reason", *optional)
    return values(with_undelivered(selection, arrived).rename(name="change_id"), Kind.CHANGE)


TIMES = Family(
    rows=lambda selection, by: flow_times(selection),
    by=("repository",),
    # What the stages contributed is about the same changes, and to find these takes longest.
    lists={"contributed": lambda selection, rows: contributions(selection)},
    figures=(
        duration(
            "flow_time",
            "flow_s",
            explained=partial(times, value="flow_s"),
            settings=SETTINGS,
            metric=metrics.VSM_FLOW_TIME,
        ),
        duration("active_time", "active_s", explained=partial(times, value="active_s"), settings=SETTINGS),
        duration("cycle_time", "cycle_s", explained=partial(times, value="cycle_s"), settings=SETTINGS),
        Computed(
            figure=FIGURES["flow_efficiency"],
            parts=lambda _, rows: {
                "flow_sum_s": total(ifelse(rows.active_s.notnull(), rows.flow_s, ibis.null("float64"))),
                "active_sum_s": total(rows.active_s),
            },
            value=lambda row, _: ratio(row.get("active_sum_s"), row.get("flow_sum_s")),
            explained=partial(times, value="active_s", of_s="flow_s"),
            settings=undelivered.SETTINGS,
            metric=metrics.VSM_FLOW_EFFICIENCY,
        ),
        Computed(
            figure=FIGURES["throughput_per_day"],
            parts=lambda _, rows: {"changes": rows.count()},
            value=lambda row, parts: (row.get("changes") or 0) / parts.selection.days,
            explained=throughput,
            settings=undelivered.SETTINGS,
            metric=metrics.VSM_FLOW_THROUGHPUT,
        ),
    ),
)

FAMILIES = (TIMES,)
