"""The order of deployments within one service and environment."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult

PAIR = ("service", "environment")


def since(*changed: ir.Table) -> ir.Table:
    """From when on the order may have changed: by service and environment the first `finished_at`
    of what changed."""
    every = ibis.union(*(rows.select(*PAIR, "finished_at") for rows in changed))
    return every.group_by(*PAIR).agg(since=every.finished_at.min())


def moved(reports: ir.Table, since: ir.Table) -> ir.Table:
    """The deployments whose number may have changed."""
    later = reports.join(since, PAIR)
    return later.filter(later.finished_at >= later.since).select(*reports.columns)


def sequence(moved: ir.Table, since: ir.Table, order: ir.Table) -> ir.Table:
    """The table `deployment_order` for moved deployments; `order` are its rows as they were.

    `before` counts the successful ones that finished earlier, `number` is one more on a successful one and
    null on the others, `previous_id` is the last successful one before it. Of those that finish together, the
    one that started first comes first.
    """
    before_it = order.filter(order.number.notnull()).join(since, PAIR)
    before_it = before_it.filter(before_it.finished_at < before_it.since)
    base = before_it.group_by(*PAIR).agg(
        base=before_it.number.max(), base_id=before_it.id.argmax(before_it.number)
    )

    columns = ("id", *PAIR, "finished_at", "revision", "version", "artifact", "links")
    rows = moved.select(*columns, "started_at", succeeded=moved.result == TaskResult.SUCCESS).left_join(
        base, PAIR
    )
    earlier = ibis.window(
        group_by=[rows.service, rows.environment],
        order_by=[rows.finished_at, rows.started_at, rows.id],
        preceding=(None, 1),
    )
    base_number = rows.base.fill_null(0)
    rows = rows.mutate(before=base_number + rows.succeeded.cast("int64").sum().over(earlier).fill_null(0))
    rows = rows.mutate(number=ifelse(rows.succeeded, rows.before + 1, ibis.null("int64")))
    previous = rows.filter(rows.succeeded).select(*PAIR, before=rows.number, latest_id=rows.id)
    whole = rows.left_join(previous, [*PAIR, "before"])
    return whole.select(
        *columns, "before", "number", previous_id=ibis.coalesce(whole.latest_id, whole.base_id)
    )
