"""The order of deployments within one service and environment."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult


def sequence(rollouts: ir.Table) -> ir.Table:
    """Each deployment's place (id, service, environment, before, number, previous_id).

    `rollouts` holds all deployments of whole services and environments. `before` counts the successful ones
    that finished earlier, `number` is one more on a successful one and null on the others, `previous_id` is
    the last successful one before it.
    """
    succeeded = rollouts.result == TaskResult.SUCCESS
    earlier = ibis.window(
        group_by=[rollouts.service, rollouts.environment],
        order_by=[rollouts.finished_at, rollouts.id],
        preceding=(None, 1),
    )
    before = succeeded.cast("int64").sum().over(earlier).fill_null(0)
    placed = rollouts.select("id", "service", "environment", succeeded=succeeded, before=before)
    placed = placed.mutate(number=ifelse(placed.succeeded, placed.before + 1, ibis.null("int64")))
    previous = placed.filter(placed.succeeded).select(
        "service", "environment", before=placed.number, previous_id=placed.id
    )
    whole = placed.left_join(previous, ["service", "environment", "before"])
    return whole.select("id", "service", "environment", "before", "number", "previous_id")
