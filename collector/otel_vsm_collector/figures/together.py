"""Several answers as one, where what they have in common takes longer than any of them."""

from collections.abc import Iterable, Mapping
from functools import reduce

import ibis
import ibis.expr.types as ir


def together(rows: Iterable[ir.Table], lists: Mapping[str, ir.Table]) -> ir.Table:
    """One row of the columns of several tables of one row, and beside them the rows of other tables: lists of
    structs in no order, null or empty where there are none."""
    return reduce(ir.Table.cross_join, (*rows, *(_listed(name, table) for name, table in lists.items())))


def _listed(name: str, rows: ir.Table) -> ir.Table:
    whole = ibis.struct({column: rows[column] for column in rows.columns})
    return rows.aggregate(**{name: whole.collect()})
