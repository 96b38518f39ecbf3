"""Approvals: how long changes wait for people's and machines' answers, and where that is too long."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import EventName
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Computed, Family, Row
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares
from otel_vsm_collector.figures.flow.runs import of_changes
from otel_vsm_collector.figures.flow.work_in_progress import closed_changes
from otel_vsm_collector.figures.statistic import distribution, statistic


def answered_or_pending(selection: Selection) -> ir.Table:
    """The rows of `approval` that were answered in the window or are pending at its end, with waited_s, since
    the request, null where nobody waited, and whether it is pending, a breach: whether it waited, or has been
    waiting, for longer than is declared.

    Nobody waits any more for an answer about a change that was delivered or abandoned.
    """
    rows = of_changes(selection, selection.table("approval"))
    end = selection.end
    answered = rows.filter(selection.within(rows.answered_at))
    unanswered = rows.filter(rows.requested_at < end, (rows.answered_at >= end).fill_null(True))
    pending = unanswered.anti_join(closed_changes(selection), "change_id")
    every = answered.mutate(pending=False, waited_s=answered.wait_s).union(
        pending.mutate(pending=True, waited_s=(end - pending.requested_at) / NANOSECONDS)
    )
    limit_s = selection.declared.limits.approval_wait.seconds
    return every.mutate(breach=(every.waited_s > limit_s).fill_null(False))


def _gates(selection: Selection, rows: ir.Table) -> ir.Table:
    """A row per gate and kind of actor."""
    answered = ~rows.pending
    return rows.aggregate(
        by=("gate", "actor_type"),
        granted=(answered & rows.granted.fill_null(False)).sum(),
        denied=(answered & ~rows.granted.fill_null(False)).sum(),
        pending=rows.pending.sum(),
        breaches=rows.breach.sum(),
        **statistic(
            ifelse(answered, rows.waited_s, ibis.null("float64")), "wait", median=selection.profile.median
        ),
    )


def _value(row: Row) -> list[Row]:
    gates = sorted(row["gates"] or (), key=lambda gate: (gate["gate"], gate["actor_type"]))
    return [
        {
            "gate": gate["gate"] or None,
            "actor_type": gate["actor_type"] or None,
            "granted": gate["granted"],
            "denied": gate["denied"],
            "pending": gate["pending"],
            "wait_time": distribution(gate, "wait"),
            "breaches": gate["breaches"],
        }
        for gate in gates
    ]


def explained(selection: Selection) -> ir.Table:
    """A row per gate and kind of actor of a change that answered in the window or is waited for at its end;
    breaches are a share of them. The method is the event that tells of it."""
    rows = answered_or_pending(selection)
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


APPROVALS = Family(
    rows=lambda selection, by: answered_or_pending(selection),
    lists={"gates": _gates},
    figures=(
        Computed(
            figure=FIGURES["approvals"],
            value=lambda row, _: _value(row),
            explained=explained,
            settings=("first_deployment", "mapping", "statistic", "median"),
        ),
    ),
)

FAMILIES = (APPROVALS,)
