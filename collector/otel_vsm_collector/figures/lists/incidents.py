"""Incidents as the API lists them."""

import ibis.expr.types as ir

from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import BY_DEFAULT, Selection
from otel_vsm_collector.facts.tables import FactTables


def incidents(selection: Selection) -> ir.Table:
    """The incidents that started in the window: the columns of the fact."""
    rows = select.incidents(selection)
    return rows.filter(selection.within(rows.started_at))


def incident(name: ir.StringScalar, facts: FactTables = BY_DEFAULT) -> ir.Table:
    """The incident of this id; no row where there is none."""
    rows = facts.table("incident")
    return rows.filter(rows.id == name)
