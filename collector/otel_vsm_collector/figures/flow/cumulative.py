"""Cumulative flow: how many changes had begun by when, and how many of them were still open."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.flow.runs import changes

_AGES_NS = 10**18
"""Longer than any window, and not too long for a number of nanoseconds since the epoch."""


def cumulative(reader: Reader, selection: Selection, edges: Sequence[int]) -> list[dict[str, Any]]:
    """For each of the ascending `edges` (at) how many changes had begun before it and were neither delivered
    nor abandoned by then (open), and how many of each began (begun) and were closed (closed) since the edge
    before, of the first edge ever."""
    rows = reader.answer(begun_and_closed, replace(selection, edges=tuple(edges)))
    items, before = [], (0, 0)
    for number, edge in enumerate(edges):
        begun = sum(row["changes"] for row in rows if row["begun"] <= number)
        closed = sum(row["changes"] for row in rows if row["begun"] <= number and row["closed"] <= number)
        items.append(
            {"at": edge, "begun": begun - before[0], "closed": closed - before[1], "open": begun - closed}
        )
        before = (begun, closed)
    return items


def begun_and_closed(selection: Selection) -> ir.Table:
    """(begun, closed, changes): how many changes began, and were delivered or abandoned, after so many of the
    edges; after all of them where they are open. By the same rules as `open_changes`."""
    rows = changes(selection)
    if selection.profile.unit == "request":
        rows = rows.filter(rows.requested)
    rows = rows.filter(rows.first_activity_at.notnull()).select("id", "first_activity_at", "abandoned_at")
    there = selection.environment or PRODUCTION
    anywhere = Selection(from_ns=0, to_ns=0, environment=there, facts=selection.facts)
    arrived = anywhere.apply(selection.facts.arrivals)
    arrived = arrived.group_by(id="change_id").agg(arrived_at=arrived.arrived_at.min())
    before = selection.facts.delivered_before.select(id="change_id", was_there=True)
    for part in (arrived, before):
        rows = rows.left_join(part, "id").drop("id_right")
    # Not every engine takes the least of what is known where something is null.
    never = rows.first_activity_at + _AGES_NS
    at_once = ibis.ifelse(rows.was_there, rows.first_activity_at, never)
    closings = (rows.arrived_at, rows.abandoned_at, at_once)
    closed_at = ibis.least(*(ibis.coalesce(moment, never) for moment in closings))
    rows = rows.select(begun=selection.part(rows.first_activity_at), closed=selection.part(closed_at))
    return rows.group_by("begun", "closed").agg(changes=rows.count())
