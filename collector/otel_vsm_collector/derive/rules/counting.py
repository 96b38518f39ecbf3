"""Which spans count: neither those that were taken back, nor those that cannot have happened then.

All stay in the ledger, so that it can be said what was left out, and by whom.
"""

import ibis.expr.types as ir

from otel_vsm.semconv import EventName


def counting(spans: ir.Table, *, of: ir.Table | None = None) -> ir.Table:
    """Those of the spans that facts are derived from; `of` are all of their traces, where these are not. What
    takes another one back is work on nothing."""
    retracted = retractions(spans if of is None else of).select("trace_id", span_id="retracts")
    return happened(spans).filter(~is_retraction(spans)).anti_join(retracted, ["trace_id", "span_id"])


def retractions(spans: ir.Table) -> ir.Table:
    """The spans that take another one of their trace back."""
    return happened(spans).filter(spans.retracts.notnull(), is_retraction(spans))


def happened(spans: ir.Table) -> ir.Table:
    """Those whose times can be believed, taken back or not."""
    return spans.filter(~is_future(spans), ~is_impossible(spans))


def is_retraction(spans: ir.Table) -> ir.BooleanValue:
    return (spans.event_name == EventName.EVENT_RETRACTED).fill_null(False)


def is_future(spans: ir.Table) -> ir.BooleanValue:
    """Whether a span ends long after it arrived."""
    return spans.future.fill_null(False)


def is_impossible(spans: ir.Table) -> ir.BooleanValue:
    """Whether a span began too long ago, or took too long."""
    return spans.impossible.fill_null(False)
