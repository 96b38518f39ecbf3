"""The order of deployments within one service and environment."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult

PAIR = ("service", "environment")
ALIKE = (*PAIR, "repository")
"""What is deployed from several repositories has a history in each of them."""


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
    null on the others, `previous_id` is the last successful one before it. `before_alike` counts those of its
    repository alone, of which `stood_id` is the last that tells what it stands on. Of those that finish
    together, the one that started first comes first.
    """
    before_it = order.filter(order.number.notnull()).join(since, PAIR)
    before_it = before_it.filter(before_it.finished_at < before_it.since)
    base = before_it.group_by(*PAIR).agg(
        base=before_it.number.max(), base_id=before_it.id.argmax(before_it.number)
    )
    standing = before_it.ancestors > 0
    base_alike = before_it.group_by(*ALIKE).agg(
        base_alike=before_it.count(),
        base_stood=standing.cast("int64").sum(),
        base_stood_id=before_it.id.argmax(before_it.number, where=standing),
    )

    columns = ("id", *ALIKE, "finished_at", "revision", "version", "artifact", "links", "ancestors")
    rows = moved.mutate(repository=moved.repository.fill_null(""))
    rows = rows.select(*columns, "started_at", succeeded=rows.result == TaskResult.SUCCESS)
    rows = rows.mutate(stands=rows.succeeded & (rows.ancestors > 0))
    rows = rows.left_join(base, PAIR).drop(*(f"{name}_right" for name in PAIR))
    rows = rows.left_join(base_alike, ALIKE).drop(*(f"{name}_right" for name in ALIKE))

    def earlier(counted: ir.BooleanColumn, by: tuple[str, ...], base: ir.IntegerColumn) -> ir.IntegerValue:
        """How many finished earlier."""
        order_by = [rows.finished_at, rows.started_at, rows.id]
        window = ibis.window(group_by=[rows[name] for name in by], order_by=order_by, preceding=(None, 1))
        return base.fill_null(0) + counted.cast("int64").sum().over(window).fill_null(0)

    rows = rows.mutate(
        before=earlier(rows.succeeded, PAIR, rows.base),
        before_alike=earlier(rows.succeeded, ALIKE, rows.base_alike),
        stood_before=earlier(rows.stands, ALIKE, rows.base_stood),
    )
    rows = rows.mutate(number=ifelse(rows.succeeded, rows.before + 1, ibis.null("int64")))
    previous = rows.filter(rows.succeeded).select(*PAIR, before=rows.number, latest_id=rows.id)
    stood = rows.filter(rows.stands)
    stood = stood.select(*ALIKE, stood_before=stood.stood_before + 1, latest_stood_id=stood.id)
    whole = rows.left_join(previous, [*PAIR, "before"]).select(*rows.columns, "latest_id")
    whole = whole.left_join(stood, [*ALIKE, "stood_before"])
    return whole.select(
        *columns,
        "before",
        "number",
        "before_alike",
        previous_id=ibis.coalesce(whole.latest_id, whole.base_id),
        stood_id=ibis.coalesce(whole.latest_stood_id, whole.base_stood_id),
    )
