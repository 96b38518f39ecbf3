"""Blocked time: when one of a change's work items could not be worked on."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName

_FOREVER = 2**63 - 1


def blocked(items: ir.Table, events: ir.Table) -> ir.Table:
    """The table `blocked` from rows of `change_item`, and `item_event`.

    A work item is blocked until it is next unblocked. Where several of a change's items are blocked at once,
    that is one time: rows of a change never overlap.
    """
    told = events.filter(
        events.event.isin([str(EventName.WORK_ITEM_BLOCKED), str(EventName.WORK_ITEM_UNBLOCKED)])
    )
    told = items.join(told, "work_item_id")
    told = told.mutate(ends=told.event == EventName.WORK_ITEM_UNBLOCKED)
    later = ibis.window(
        group_by=[told.change_id, told.work_item_id], order_by=[told["at"], told.ends], following=(1, None)
    )
    told = told.mutate(until=told["at"].min(where=told.ends).over(later))
    told = told.filter(~told.ends)
    told = told.select("change_id", start="at", end=ibis.coalesce(told.until, _FOREVER))
    before = ibis.window(group_by=told.change_id, order_by=[told.start, told.end], preceding=(None, 1))
    told = told.mutate(apart=(told.start > told.end.max().over(before)).fill_null(True))
    so_far = ibis.window(
        group_by=told.change_id, order_by=[told.start, told.end], preceding=None, following=0
    )
    told = told.mutate(part=told.apart.cast("int64").sum().over(so_far))
    parts = told.group_by("change_id", "part").agg(blocked_at=told.start.min(), until=told.end.max())
    return parts.select("change_id", "blocked_at", unblocked_at=parts.until.nullif(_FOREVER))
