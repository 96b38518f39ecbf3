"""Approvals: how long changes wait for people's and machines' answers, and where that is too long."""

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.runs import of_changes
from otel_vsm_collector.figures.statistic import spelled, statistic
from otel_vsm_collector.figures.work_in_progress import closed_changes


def approvals(reader: Reader, selection: Selection) -> list[dict[str, Any]]:
    """A row per gate and kind of actor: the requests that were answered in the window, or that somebody waits
    for at its end. A breach waited, or has been waiting, for longer than is declared."""
    return [
        {
            "gate": row["gate"] or None,
            "actor_type": row["actor_type"] or None,
            "granted": row["granted"],
            "denied": row["denied"],
            "pending": row["pending"],
            "wait_time": spelled(row, "wait"),
            "breaches": row["breaches"],
        }
        for row in reader.answer(_approvals, selection)
    ]


def _approvals(selection: Selection) -> ir.Table:
    rows = asked_for(selection)
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
    ).order_by("gate", "actor_type")


def asked_for(selection: Selection) -> ir.Table:
    """The rows of `approval` that were answered in the window or are pending at its end, with waited_s, since
    the request, null where nobody waited, and whether it is pending, a breach.

    Nobody waits any more for an answer about a change that was delivered or abandoned.
    """
    rows = of_changes(selection, selection.table("approval"))
    end = selection.end
    answered = rows.filter(selection.within(rows.answered_at))
    asked = rows.filter(rows.requested_at < end, (rows.answered_at >= end).fill_null(True))
    pending = asked.anti_join(closed_changes(selection), "change_id")
    found = answered.mutate(pending=False, waited_s=answered.wait_s).union(
        pending.mutate(pending=True, waited_s=(end - pending.requested_at) / NANOSECONDS)
    )
    limit_s = selection.declared.limits.approval_wait.seconds
    return found.mutate(breach=(found.waited_s > limit_s).fill_null(False))
