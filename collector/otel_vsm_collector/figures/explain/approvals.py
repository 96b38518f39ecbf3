"""The approvals that were given or denied, and those that somebody waits for."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.approvals import asked_for
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares

SETTINGS = ("first_deployment", "mapping", "statistic", "median")


def approvals(selection: Selection) -> ir.Table:
    """A row per gate and kind of actor of a change that answered in the window or is waited for at its end;
    breaches are a share of them. The method is the event that tells of it."""
    rows = asked_for(selection)
    method = ibis.cases(
        (rows.pending, str(EventName.APPROVAL_REQUESTED)),
        (rows.granted.fill_null(False), str(EventName.APPROVAL_GRANTED)),
        else_=str(EventName.APPROVAL_DENIED),
    )
    rows = rows.mutate(
        name=named(rows),
        at=ifelse(rows.pending, rows.requested_at, rows.answered_at),
        part=rows.breach,
        whole=ibis.literal(True),
        value=rows.waited_s,
        method=method,
        reason=because((rows.waited_s.isnull(), Reason.NOBODY_WAITED)),
    )
    return shares(rows, Kind.APPROVAL)


def named(rows: ir.Table) -> ir.StringValue:
    """What an approval goes by: its change, gate and kind of actor."""
    return rows.change_id.concat(" ", rows.gate, "/", rows.actor_type)
