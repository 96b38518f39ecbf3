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
    turns = events.filter(
        events.event.isin([str(EventName.WORK_ITEM_BLOCKED), str(EventName.WORK_ITEM_UNBLOCKED)])
    )
    spells = items.join(turns, "work_item_id")
    spells = spells.mutate(ends=spells.event == EventName.WORK_ITEM_UNBLOCKED)
    later = ibis.window(
        group_by=[spells.change_id, spells.work_item_id],
        order_by=[spells["at"], spells.ends],
        following=(1, None),
    )
    spells = spells.mutate(until=spells["at"].min(where=spells.ends).over(later))
    spells = spells.filter(~spells.ends)
    spells = spells.select("change_id", start="at", end=ibis.coalesce(spells.until, _FOREVER))
    before = ibis.window(group_by=spells.change_id, order_by=[spells.start, spells.end], preceding=(None, 1))
    spells = spells.mutate(apart=(spells.start > spells.end.max().over(before)).fill_null(True))
    so_far = ibis.window(
        group_by=spells.change_id, order_by=[spells.start, spells.end], preceding=None, following=0
    )
    spells = spells.mutate(part=spells.apart.cast("int64").sum().over(so_far))
    parts = spells.group_by("change_id", "part").agg(blocked_at=spells.start.min(), until=spells.end.max())
    return parts.select("change_id", "blocked_at", unblocked_at=parts.until.nullif(_FOREVER))
