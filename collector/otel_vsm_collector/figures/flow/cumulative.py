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


def cumulative(reader: Reader, selection: Selection, edges: Sequence[int]) -> list[dict[str, Any]]:
    """For each of the ascending `edges` (at) how many changes had begun before it and were neither delivered
    nor abandoned by then (open), and how many of each began (begun) and were closed (closed) since the edge
    before, of the first edge ever."""
    rows = reader.answer(begun_and_closed, replace(selection, edges=tuple(edges)))
    items, before = [], (0, 0)
    for number, edge in enumerate(edges):
        begun = sum(row["changes"] for row in rows if row["begun"] <= number)
        closed = sum(
            row["changes"]
            for row in rows
            if row["begun"] <= number and row["closed"] is not None and row["closed"] <= number
        )
        items.append(
            {"at": edge, "begun": begun - before[0], "closed": closed - before[1], "open": begun - closed}
        )
        before = (begun, closed)
    return items


def begun_and_closed(selection: Selection) -> ir.Table:
    """(begun, closed, changes): how many changes began, and were delivered or abandoned, after so many of the
    edges; `closed` is null while they are open. By the same rules as `open_changes`."""
    rows = changes(selection)
    if selection.profile.unit == "request":
        rows = rows.filter(rows.requested)
    rows = rows.filter(rows.first_activity_at.notnull()).select("id", "first_activity_at", "abandoned_at")
    there = selection.environment or PRODUCTION
    anywhere = Selection(from_ns=0, to_ns=0, environment=there, facts=selection.facts)
    arrived = anywhere.apply(selection.facts.arrivals)
    arrived = arrived.group_by(id="change_id").agg(arrived_at=arrived.arrived_at.min())
    before = selection.facts.delivered_before.select(id="change_id", arrived_before=ibis.literal(0, "int64"))
    for part in (arrived, before):
        rows = rows.left_join(part, "id").drop("id_right")
    # Null where there is neither.
    closed_at = ibis.least(rows.arrived_at, rows.abandoned_at, rows.arrived_before)
    rows = rows.select(
        begun=selection.part(rows.first_activity_at),
        closed=ibis.ifelse(closed_at.notnull(), selection.part(closed_at), ibis.null("int64")),
    )
    return rows.group_by("begun", "closed").agg(changes=rows.count())
