"""How the values behind a duration are distributed."""

from itertools import pairwise
from math import inf

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.registry import EXPLAINED

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
EDGES_S = (
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY),
)
"""Lengths that people think in; what durations of delivery work lie between is far apart."""


def distribution(reader: Reader, figure: str, selection: Selection) -> list[dict[str, float | int | None]]:
    """How many values (rows) lie in from_s ≤ value < to_s, to_s null in the last: from the first range that
    has any to the last that has."""
    numbers = {row["bucket"]: row["rows"] for row in reader.answer(buckets, selection, figure)}
    edges = (0.0, *EDGES_S, inf)
    return [
        {"from_s": low, "to_s": None if high == inf else high, "rows": numbers.get(number, 0)}
        for number, (low, high) in enumerate(pairwise(edges))
        if numbers and min(numbers) <= number <= max(numbers)
    ]


def buckets(selection: Selection, figure: str) -> ir.Table:
    """(bucket, rows): how many values are at least as long as so many of the edges, and of no more."""
    rows = EXPLAINED[figure].counted_rows(selection)
    rows = rows.filter(rows.value.notnull())
    at_least = sum(((rows.value >= edge).cast("int64") for edge in EDGES_S), ibis.literal(0, "int64"))
    return rows.group_by(bucket=at_least).agg(rows=rows.count())
