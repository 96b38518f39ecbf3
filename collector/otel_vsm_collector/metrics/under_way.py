"""What is under way now (changes, approvals, incidents, blocked work), and for how long."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import Statistic, TaskResult
from otel_vsm.semconv import metrics as registry
from otel_vsm_collector.derive.rules.counting import counting
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Aggregates
from otel_vsm_collector.figures.flow.approvals import answered_or_pending
from otel_vsm_collector.figures.flow.work_in_progress import blocked, open_changes

AGES = (Statistic.P50, Statistic.MAX)
"""The columns that a question about ages answers with."""


def active_changes(selection: Selection) -> ir.Table:
    """(repository, stage_name, active): changes neither delivered to production nor abandoned, by the stage
    that they are in or were in last; 0 where there were some before."""
    change, waiting = selection.table("change"), open_changes(selection).select(waiting_id="id")
    under_way = change.left_join(waiting, change.id == waiting.waiting_id)
    return under_way.group_by("repository", stage_name=under_way.current_stage).agg(
        active=under_way.waiting_id.count()
    )


def ages_of_changes(selection: Selection) -> ir.Table:
    """(repository, stage_name, p50, max): how long ago the same changes were begun, in seconds."""
    rows = open_changes(selection)
    return rows.group_by("repository", stage_name=rows.current_stage).agg(**_ages(rows.age_s))


def active_approvals(selection: Selection) -> ir.Table:
    """(gate, actor_type, active): approvals that are waited for; 0 where some were before."""
    rows = answered_or_pending(selection)
    return rows.group_by("gate", "actor_type").agg(active=rows.pending.sum())


def ages_of_approvals(selection: Selection) -> ir.Table:
    """(gate, actor_type, p50, max): how long the same approvals have been waited for, in seconds."""
    rows = answered_or_pending(selection)
    rows = rows.filter(rows.pending)
    return rows.group_by("gate", "actor_type").agg(**_ages(rows.waited_s))


def active_incidents(selection: Selection) -> ir.Table:
    """(service, environment, severity, active): incidents not resolved; 0 where there were some before."""
    incident = selection.table("incident")
    return incident.group_by("service", "environment", "severity").agg(
        active=incident.resolved_at.isnull().sum()
    )


def blocked_items(selection: Selection) -> ir.Table:
    """(active): work items that are blocked, but for those of changes that are closed."""
    return blocked(selection, open_changes(selection)).agg(active=ibis._.work_item_id.nunique())


def unlinked_spans(selection: Selection) -> ir.Table:
    """(active): spans that belong to no change, incident or work item as far as is known now."""
    span = counting(selection.table("span"))
    alone = span.filter(span.change_id.isnull(), span.incident_id.isnull(), span.work_item_id.isnull())
    return alone.anti_join(selection.table("trace_owner"), "trace_id").agg(active=ibis._.count())


def last_deployments(selection: Selection) -> ir.Table:
    """(service, environment, seconds): when the last successful deployment finished, since the epoch."""
    rows = selection.table("deployment").filter(
        ibis._.result == TaskResult.SUCCESS, selection.within(ibis._.finished_at)
    )
    return rows.group_by("service", "environment").agg(seconds=ibis._.finished_at.max() / NANOSECONDS)


def _ages(seconds: ir.FloatingColumn) -> Aggregates:
    return {Statistic.P50.value: seconds.quantile(ibis.literal(0.5)), Statistic.MAX.value: seconds.max()}


COUNTS = {
    registry.VSM_CHANGE_ACTIVE: active_changes,
    registry.VSM_APPROVAL_ACTIVE: active_approvals,
    registry.VSM_INCIDENT_ACTIVE: active_incidents,
    registry.VSM_WORK_ITEM_BLOCKED: blocked_items,
    registry.VSM_COLLECTOR_SPAN_UNLINKED: unlinked_spans,
}
"""Metric → what answers with the column `active`."""
SECONDS = {
    registry.VSM_CHANGE_AGE: ages_of_changes,
    registry.VSM_APPROVAL_AGE: ages_of_approvals,
    registry.VSM_DEPLOYMENT_LAST_TIMESTAMP: last_deployments,
}
"""Metric → what answers with the columns of `AGES` where it has statistics, else with `seconds`."""
