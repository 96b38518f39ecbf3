"""Which spans count: neither those that were taken back, nor those that lie in the future.

Both stay in the ledger, so that it can be said what was left out, and by whom.
"""

import ibis.expr.types as ir

from otel_vsm.semconv import EventName


def counting(spans: ir.Table, *, of: ir.Table | None = None) -> ir.Table:
    """Those of the spans that facts are derived from; `of` are all of their traces, where these are not. What
    takes another one back is work on nothing."""
    retracted = retractions(spans if of is None else of).select("trace_id", span_id="retracts")
    return spans.filter(~is_future(spans), ~is_retraction(spans)).anti_join(
        retracted, ["trace_id", "span_id"]
    )


def retractions(spans: ir.Table) -> ir.Table:
    """The spans that take another one of their trace back."""
    return spans.filter(spans.retracts.notnull(), is_retraction(spans), ~is_future(spans))


def is_retraction(spans: ir.Table) -> ir.BooleanValue:
    return (spans.event_name == EventName.EVENT_RETRACTED).fill_null(False)


def is_future(spans: ir.Table) -> ir.BooleanValue:
    """Whether a span ends long after it arrived."""
    return spans.future.fill_null(False)
