"""Approvals: how long changes wait for people's and machines' answers, and where that is too long."""

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.derive.stages import NANOSECONDS
from otel_vsm_collector.figures.compiled import answer
from otel_vsm_collector.figures.runs import of_changes
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.figures.statistic import spelled, statistic


def approvals(backend: ibis.BaseBackend, selection: Selection) -> list[dict[str, Any]]:
    """A row per gate and kind of actor: the requests that were answered in the window, or that nobody had
    answered at its end. A breach waited, or has been waiting, for longer than is declared."""
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
        for row in answer(backend, _approvals, selection)
    ]


def _approvals(selection: Selection) -> ir.Table:
    rows = of_changes(selection, selection.table("approval"))
    end = ibis.literal(selection.to_ns)
    answered = selection.within(rows.answered_at).fill_null(False)
    pending = (rows.requested_at < end) & (rows.answered_at >= end).fill_null(True)
    rows = rows.mutate(answered=answered, pending=pending.fill_null(False))
    rows = rows.filter(rows.answered | rows.pending)
    waited = ifelse(rows.pending, (end - rows.requested_at) / NANOSECONDS, rows.wait_s)
    breach = (waited > selection.declared.limits.approval_wait.seconds).fill_null(False)
    return rows.aggregate(
        by=("gate", "actor_type"),
        granted=(rows.answered & rows.granted.fill_null(False)).sum(),
        denied=(rows.answered & ~rows.granted.fill_null(False)).sum(),
        pending=rows.pending.sum(),
        breaches=breach.sum(),
        **statistic(
            ifelse(rows.answered, rows.wait_s, ibis.null("float64")), "wait", median=selection.profile.median
        ),
    ).order_by("gate", "actor_type")
