"""Handoffs: work that passes from one team to another, and how long it lies between them."""

import ibis.expr.types as ir

from otel_vsm.figures import FIGURES
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Aggregates, Computed, Family, Row
from otel_vsm_collector.figures.explain.rows import Kind, values
from otel_vsm_collector.figures.flow.runs import named, of_changes
from otel_vsm_collector.figures.statistic import distribution, statistic


def handed_over(selection: Selection) -> ir.Table:
    """The rows of `stage_run` that followed one of another team and began in the window, of changes that pass
    the filters."""
    rows = of_changes(selection, selection.table("stage_run"))
    return rows.filter(rows.from_team.notnull(), selection.within(rows.started_at))


def _parts(selection: Selection, rows: ir.Table) -> Aggregates:
    return {
        "handoffs": rows.count(),
        **statistic(rows.wait_s, "wait", median=selection.profile.median),
    }


def _pairs(selection: Selection, rows: ir.Table) -> ir.Table:
    return rows.aggregate(by=("from_team", "team"), **_parts(selection, rows))


def _value(row: Row) -> Row:
    """How often, how long nobody worked before it, and from whom to whom, the most frequent first."""
    pairs = sorted(row["pairs"] or (), key=lambda pair: (-pair["handoffs"], pair["from_team"], pair["team"]))
    return {
        "count": row["handoffs"],
        "wait_time": distribution(row, "wait"),
        "pairs": [
            {
                "from_team": pair["from_team"],
                "to_team": pair["team"],
                "count": pair["handoffs"],
                "wait_time": distribution(pair, "wait"),
            }
            for pair in pairs
        ],
    }


def explained(selection: Selection) -> ir.Table:
    """A row per run that began in the window and followed one of another team."""
    rows = handed_over(selection)
    return values(named(rows.mutate(at=rows.started_at, value=rows.wait_s)), Kind.RUN)


HANDED_OVER = Family(
    rows=lambda selection, by: handed_over(selection),
    lists={"pairs": _pairs},
    figures=(
        Computed(
            figure=FIGURES["handoffs"],
            parts=_parts,
            value=lambda row, _: _value(row),
            explained=explained,
            settings=("statistic", "median"),
        ),
    ),
)

FAMILIES = (HANDED_OVER,)
