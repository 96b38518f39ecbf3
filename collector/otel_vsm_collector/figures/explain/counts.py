"""How many rows of a figure count and do not."""

from typing import Any

import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.registry import EXPLAINED


def counts(reader: Reader, figure: str, selection: Selection) -> list[dict[str, Any]]:
    """How many rows count and do not, by method and reason (counted, method, reason, rows)."""
    return reader.answer(_counts, selection, figure)


def _counts(selection: Selection, figure: str) -> ir.Table:
    rows = EXPLAINED[figure].rows(selection)
    groups = rows.group_by("counted", "method", "reason").agg(rows=rows.count())
    return groups.order_by(groups.counted.desc(), groups.rows.desc(), groups.method, groups.reason)
