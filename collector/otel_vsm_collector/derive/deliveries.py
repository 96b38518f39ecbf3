"""Deliveries: when a change first reached an environment, and its lead time."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.derive.stages import NANOSECONDS

CLOCK_SKEW = "clock_skew"


def deliveries(carried: ir.Table, rollouts: ir.Table, changes: ir.Table) -> ir.Table:
    """The table `delivery`: the first successful deployment of a change by service and environment.

    A lead time that would be negative is left out: the clocks disagree.
    """
    done = rollouts.filter(rollouts.result == TaskResult.SUCCESS).select(
        "service",
        "environment",
        deployment_id="id",
        deploy_started_at="started_at",
        delivered_at="finished_at",
    )
    begun = changes.select("repository", "started_at", "trace_id", "teams", "value_streams", change_id="id")
    reached = (
        carried.select("deployment_id", "change_id").join(done, "deployment_id").join(begun, "change_id")
    )
    order = ibis.window(
        group_by=[reached.change_id, reached.service, reached.environment],
        order_by=[reached.delivered_at, reached.deployment_id],
    )
    reached = reached.mutate(
        place=ibis.row_number().over(order),
        lead_time_s=(reached.delivered_at - reached.started_at) / NANOSECONDS,
    )
    reached = reached.filter(reached.place == 0)
    skewed = reached.lead_time_s < 0
    return reached.select(
        "change_id",
        "repository",
        "service",
        "environment",
        "deployment_id",
        "deploy_started_at",
        "delivered_at",
        lead_time_s=ifelse(skewed, ibis.null("float64"), reached.lead_time_s),
        excluded=ifelse(skewed, CLOCK_SKEW, ibis.null("string")),
        trace_id=reached.trace_id,
        teams=reached.teams,
        value_streams=reached.value_streams,
    )
