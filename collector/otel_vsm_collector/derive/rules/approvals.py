"""Approvals: who was asked, when the answer came."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName
from otel_vsm_collector.derive.rules.stages import NANOSECONDS

_GATE = ["change_id", "gate"]


def approvals(spans: ir.Table) -> ir.Table:
    """The table `approval` from the spans of whole changes: a row per change, gate and kind of actor.

    The first answer counts. A request waits for who was asked: a kind of actor is empty where it was not
    told. An answer of a kind that nobody asked answers the others' requests: pipelines ask, people answer.
    The wait is null where no request was told of, or where it came after the answer.
    """
    events = spans.filter(spans.event_name.startswith("approval."))
    events = events.mutate(
        gate=ibis.coalesce(events.gate, ""), actor_type=ibis.coalesce(events.actor_type, "")
    )

    def first(event: EventName) -> ir.IntegerScalar:
        return events.started_at.min(where=events.event_name == event)

    kinds = events.group_by([*_GATE, "actor_type"]).agg(
        asked_at=first(EventName.APPROVAL_REQUESTED),
        granted_at=first(EventName.APPROVAL_GRANTED),
        denied_at=first(EventName.APPROVAL_DENIED),
        trace_id=events.trace_id.min(),
    )
    kinds = kinds.mutate(
        answered_at=ibis.coalesce(
            ibis.least(kinds.granted_at, kinds.denied_at), kinds.granted_at, kinds.denied_at
        )
    )
    of_gate = ibis.window(group_by=[kinds.change_id, kinds.gate])
    unasked = kinds.asked_at.isnull()
    unanswered = kinds.answered_at.isnull()
    kinds = kinds.mutate(
        open_at=ifelse(unanswered, kinds.asked_at, ibis.null("int64")).min().over(of_gate),
        answered_by_others=(unasked & ~unanswered).any().over(of_gate),
    )
    kinds = kinds.filter(kinds.answered_at.notnull() | ~kinds.answered_by_others)
    kinds = kinds.mutate(requested_at=ibis.coalesce(kinds.asked_at, kinds.open_at))
    waited = (kinds.answered_at - kinds.requested_at) / NANOSECONDS
    granted = (kinds.granted_at == kinds.answered_at).fill_null(False)
    return kinds.select(
        *_GATE,
        "actor_type",
        "requested_at",
        "answered_at",
        granted=ifelse(kinds.answered_at.isnull(), ibis.null("boolean"), granted),
        wait_s=ifelse(waited >= 0, waited, ibis.null("float64")),
        trace_id=kinds.trace_id,
    )
