"""Spans that count in no figure, since they were taken back or have times that cannot be."""

from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules import counting
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection

MOST = 20
Row = dict[str, Any]


def left_out(reader: Reader, selection: Selection) -> Row:
    """How many there are, in the shape of the API's answer, with the latest that were taken back."""
    rows = reader.answer(retracted_spans, selection)
    [unbelieved] = reader.answer(unbelieved_spans, selection)
    retracted = [row for row in rows if row["ended_at"] is not None]
    return {
        "retracted": len(retracted),
        "retracts_nothing": len(rows) - len(retracted),
        "future": unbelieved["future"],
        "impossible": unbelieved["impossible"],
        "latest": retracted[:MOST],
    }


def retracted_spans(selection: Selection) -> ir.Table:
    """The spans that ended in the window and were taken back, each with who did so first, the latest first;
    and what was taken back in the window of which no span is known (ended_at is null)."""
    every = select.every_span(selection)
    by = counting.retractions(every)
    by = by.group_by("trace_id", span_id=by.retracts).agg(
        retracted_at=by.started_at.min(),
        by_team=by.team.argmin(by.started_at),
        by_actor_type=by.actor_type.argmin(by.started_at),
        # Of what is not known, the retraction says where it belongs.
        **{name: by[name].min() for name in _FILTERS},
    )
    spans = counting.happened(every).filter(~counting.is_retraction(every))
    spans = spans.select("trace_id", "span_id", "ended_at", *_FILTERS, span_name="name")
    rows = by.left_join(spans, ["trace_id", "span_id"])
    known = rows.ended_at.notnull()
    rows = rows.select(
        "trace_id",
        "span_id",
        "retracted_at",
        "by_team",
        "by_actor_type",
        "ended_at",
        name="span_name",
        **{name: ibis.ifelse(known, rows[f"{name}_right"], rows[name]) for name in _FILTERS},
    )
    rows = select.passing_spans(selection, rows)
    rows = rows.filter(selection.within(ibis.coalesce(rows.ended_at, rows.retracted_at)))
    return rows.drop(*_FILTERS).order_by([ibis.desc("retracted_at"), "trace_id", "span_id"])


def unbelieved_spans(selection: Selection) -> ir.Table:
    """(future, impossible): how many arrived in the window and end long after that, and how many of the
    others began too long ago or took too long: when they say that they were cannot be believed."""
    every = select.every_span(selection)
    future, impossible = counting.is_future(every), counting.is_impossible(every)
    rows = select.passing_spans(selection, every.filter(future | impossible))
    arrivals = selection.table("arrival")
    arrivals = arrivals.filter(selection.within(arrivals.received_at))
    rows = rows.semi_join(arrivals, "seq")
    future = counting.is_future(rows)
    return rows.agg(future=future.sum().fill_null(0), impossible=(~future).sum().fill_null(0))


_FILTERS = ("service", "environment", "repository", "team", "value_stream", "stage_name")
"""The columns that filters ask for."""
