"""Which tables have to have rows for a query to have any: where they have none, it need not be asked.

To plan a query takes DuckDB milliseconds, however little there is to compute, and most of what a plan has
steps for is not touched by a few new spans.
"""

from collections.abc import Collection
from itertools import product

import ibis.expr.operations as ops

from otel_vsm_collector.derive.refresh.plan import ANYWAY, Needs

_MOST = 12
"""Of alternatives; with more it is asked anyway."""


def needs(operation: ops.Node, known: Collection[str]) -> Needs:
    """What a query of this operation needs rows in, of tables of which it is known whether they have any."""
    match operation:
        case ops.UnboundTable(name=name):
            return ((name,),) if name in known else ANYWAY
        case ops.JoinChain(first=first, rest=rest):
            joined = needs(first, known)
            for link in rest:
                joined = _joined(link.how, joined, needs(link.table, known))
            return joined
        case ops.Union(left=left, right=right):
            return either(needs(left, known), needs(right, known))
        case ops.Aggregate(groups=groups) if not groups:
            return ANYWAY
        case (
            ops.Project()
            | ops.Filter()
            | ops.Sort()
            | ops.Limit()
            | ops.Distinct()
            | ops.Aggregate()
            | ops.DropColumns()
            | ops.DropNull()
            | ops.FillNull()
            | ops.JoinReference()
            | ops.SelfReference()
        ):
            return needs(operation.parent, known)
    return ANYWAY


def _joined(how: str, left: Needs, right: Needs) -> Needs:
    match how:
        case "inner" | "semi" | "cross":
            return both(left, right)
        case "left" | "anti" | "any_left" | "asof":
            return left
    return ANYWAY


def both(one: Needs, other: Needs) -> Needs:
    """What two queries need that must both have rows."""
    return _shortened({frozenset(left) | frozenset(right) for left, right in product(one, other)})


def either(one: Needs, other: Needs) -> Needs:
    """What two queries need of which one must have rows."""
    return _shortened({frozenset(tables) for tables in (*one, *other)})


def _shortened(alternatives: Collection[frozenset[str]]) -> Needs:
    least = [tables for tables in alternatives if not any(other < tables for other in alternatives)]
    if len(least) > _MOST:
        return ANYWAY
    return tuple(sorted(tuple(sorted(tables)) for tables in least))
