"""Approvals: who was asked, when the answer came."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName
from otel_vsm_collector.derive.stages import NANOSECONDS


def approvals(spans: ir.Table) -> ir.Table:
    """The table `approval` from the spans of whole changes: a row per change and gate that was answered.

    The wait is null where no request was told of, or where it came after the answer.
    """
    told = spans.filter(spans.event_name.startswith("approval."))
    told = told.mutate(gate=ibis.coalesce(told.gate, ""))

    def first(event: EventName) -> ir.IntegerScalar:
        return told.started_at.min(where=told.event_name == event)

    answers = told.event_name.isin([EventName.APPROVAL_GRANTED, EventName.APPROVAL_DENIED])
    gates = told.group_by("change_id", "gate").agg(
        actor_type=told.actor_type.min(where=answers),
        requested_at=first(EventName.APPROVAL_REQUESTED),
        granted_at=first(EventName.APPROVAL_GRANTED),
        denied_at=first(EventName.APPROVAL_DENIED),
        trace_id=told.trace_id.min(),
    )
    gates = gates.mutate(answered_at=ibis.least(gates.granted_at, gates.denied_at))
    gates = gates.filter(gates.answered_at.notnull())
    waited = (gates.answered_at - gates.requested_at) / NANOSECONDS
    return gates.select(
        "change_id",
        "gate",
        "actor_type",
        "requested_at",
        "answered_at",
        granted=(gates.granted_at == gates.answered_at).fill_null(False),
        wait_s=ibis.ifelse(waited >= 0, waited, ibis.null("float64")),
        trace_id=gates.trace_id,
    )
