"""How long delivered changes took from their first activity on, worked on, waiting and blocked."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.statistic import statistic, total

_KEPT = ("change_id", "deployment_id", "repository", "merged_at", "delivered_at")


def summary(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The statistics `flow`, `active` and `cycle` of the changes delivered in the window, how many these are
    (changes), and the sums that flow efficiency is the ratio of (flow_sum_s, active_sum_s)."""
    times = flow_times(selection)
    return times.aggregate(
        by=by,
        changes=times.count(),
        flow_sum_s=total(times.flow_s),
        active_sum_s=total(times.active_s),
        **statistic(times.flow_s, "flow", median=selection.profile.median),
        **statistic(times.active_s, "active", median=selection.profile.median),
        **statistic(times.cycle_s, "cycle", median=selection.profile.median),
    )


def passed(selection: Selection) -> ir.Table:
    """The changes delivered in the window, with first_activity_at, and flow_ns since then."""
    delivered = select.delivered_changes(selection)
    delivered = delivered.select(*_KEPT, "first_activity_at")
    return delivered.mutate(flow_ns=delivered.delivered_at - delivered.first_activity_at)


def flow_times(selection: Selection) -> ir.Table:
    """A row per change delivered in the window: change_id, deployment_id, repository, merged_at,
    delivered_at, flow_s, active_s, cycle_s, the last three null where the clocks disagree.

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
        *_KEPT,
        flow_s=flow,
        active_s=ifelse(flow.notnull(), rows.active_s.fill_null(0.0), flow),
        cycle_s=flow - rows.blocked_s.fill_null(0.0),
    )


def spent(selection: Selection) -> ir.Table:
    """A row for each stage that a change delivered in the window was in before that (change_id, stage_name):
    the seconds of its runs (process) and before them (wait), and the nanoseconds (active_ns) that they add to
    what runs which began earlier have covered of the change's time."""
    runs = selection.table("stage_run")
    runs = runs.select("change_id", "stage_name", "started_at", "ended_at", "busy_until")
    runs = runs.join(passed(selection), "change_id")
    # No run began before the first activity. Said, it lets an engine leave out what is older than all of
    # the changes that are asked for.
    runs = runs.filter(runs.started_at >= runs.first_activity_at, runs.started_at < runs.delivered_at)
    free = ibis.coalesce(runs.busy_until, runs.started_at)
    added = ibis.least(runs.ended_at, runs.delivered_at) - ibis.greatest(runs.started_at, free)
    return runs.group_by("change_id", "stage_name").agg(
        process=(runs.ended_at - runs.started_at).sum() / NANOSECONDS,
        wait=(runs.started_at - free).clip(lower=0).sum() / NANOSECONDS,
        active_ns=added.clip(lower=0).sum(),
    )


def _blocked(selection: Selection, delivered: ir.Table) -> ir.Table:
    """(change_id, blocked_s)"""
    times = selection.table("blocked").join(delivered, "change_id")
    end = ibis.least(ibis.coalesce(times.unblocked_at, times.delivered_at), times.delivered_at)
    start = ibis.greatest(times.blocked_at, times.first_activity_at)
    return times.group_by("change_id").agg(blocked_s=(end - start).clip(lower=0).sum() / NANOSECONDS)
