"""Incidents as the API lists them."""

import ibis.expr.types as ir

from otel_vsm_collector.figures import selection as select
from otel_vsm_collector.figures.selection import Selection, fact


def incidents(selection: Selection) -> ir.Table:
    """The incidents that started in the window: the columns of the fact."""
    rows = select.incidents(selection)
    return rows.filter(selection.within(rows.started_at))


def incident(name: str) -> ir.Table:
    """The incident of this id; no row where there is none."""
    rows = fact("incident")
    return rows.filter(rows.id == name)
