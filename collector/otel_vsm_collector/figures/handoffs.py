"""Handoffs: work that passes from one team to another, and how long it lies between them."""

from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.runs import of_changes
from otel_vsm_collector.figures.statistic import spelled, statistic


def handoffs(reader: Reader, selection: Selection) -> dict[str, Any]:
    """Where a run followed one of another team: how often, how long nobody worked before it, and from whom to
    whom; the runs that began in the window, of changes that pass the filters."""
    (whole,) = reader.answer(_handoffs, selection, ())
    return {
        "count": whole["handoffs"],
        "wait_time": spelled(whole, "wait"),
        "pairs": [
            {
                "from_team": row["from_team"],
                "to_team": row["team"],
                "count": row["handoffs"],
                "wait_time": spelled(row, "wait"),
            }
            for row in reader.answer(_handoffs, selection, ("from_team", "team"))
        ],
    }


def _handoffs(selection: Selection, by: tuple[str, ...]) -> ir.Table:
    rows = handed_over(selection)
    figures = rows.aggregate(
        by=by, handoffs=rows.count(), **statistic(rows.wait_s, "wait", median=selection.profile.median)
    )
    return figures.order_by([ibis.desc("handoffs"), *by]) if by else figures


def handed_over(selection: Selection) -> ir.Table:
    """The rows of `stage_run` that are counted."""
    rows = of_changes(selection, selection.table("stage_run"))
    return rows.filter(rows.from_team.notnull(), selection.within(rows.started_at))
