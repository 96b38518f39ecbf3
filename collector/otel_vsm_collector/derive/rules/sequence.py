"""The order of deployments within one service and environment."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult

PAIR = ("service", "environment")


def since(*told: ir.Table) -> ir.Table:
    """From when on the order may have changed: by service and environment the first `finished_at` told."""
    every = ibis.union(*(rows.select(*PAIR, "finished_at") for rows in told))
    return every.group_by(*PAIR).agg(since=every.finished_at.min())


def moved(rollouts: ir.Table, since: ir.Table) -> ir.Table:
    """The deployments whose place may have changed."""
    later = rollouts.join(since, PAIR)
    return later.filter(later.finished_at >= later.since).select(*rollouts.columns)


def sequence(moved: ir.Table, since: ir.Table, places: ir.Table) -> ir.Table:
    """The table `place` for moved deployments; `places` holds all places as they were.

    `before` counts the successful ones that finished earlier, `number` is one more on a successful one and
    null on the others, `previous_id` is the last successful one before it.
    """
    settled = places.filter(places.number.notnull()).join(since, PAIR)
    settled = settled.filter(settled.finished_at < settled.since)
    base = settled.group_by(*PAIR).agg(base=settled.number.max(), base_id=settled.id.argmax(settled.number))

    columns = ("id", *PAIR, "finished_at", "revision", "version", "links")
    rows = moved.select(*columns, succeeded=moved.result == TaskResult.SUCCESS).left_join(base, PAIR)
    earlier = ibis.window(
        group_by=[rows.service, rows.environment], order_by=[rows.finished_at, rows.id], preceding=(None, 1)
    )
    base_number = rows.base.fill_null(0)
    rows = rows.mutate(before=base_number + rows.succeeded.cast("int64").sum().over(earlier).fill_null(0))
    rows = rows.mutate(number=ifelse(rows.succeeded, rows.before + 1, ibis.null("int64")))
    previous = rows.filter(rows.succeeded).select(*PAIR, before=rows.number, latest_id=rows.id)
    whole = rows.left_join(previous, [*PAIR, "before"])
    return whole.select(
        *columns, "before", "number", previous_id=ibis.coalesce(whole.latest_id, whole.base_id)
    )
