"""Deployments as the API lists them."""

import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.deployments import distinguished_id
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import BY_DEFAULT, Selection
from otel_vsm_collector.facts.tables import FactTables


def deployments(selection: Selection, listed: ir.Table | None = None) -> ir.Table:
    """The deployments `listed`, where none are given those that finished in the window: the columns of the
    fact, and change_ids."""
    return described(select.deployments(selection) if listed is None else listed, selection.facts)


def deployment(name: ir.StringScalar, facts: FactTables = BY_DEFAULT) -> ir.Table:
    """The deployment of this id, or that it tells apart, or that was backfilled under it; no row where there
    is none."""
    rows = facts.table("deployment")
    known_by = (rows.id == name) | (distinguished_id(rows) == name) | rows.backfilled_ids.contains(name)
    return described(rows.filter(known_by), facts)


def described(rows: ir.Table, facts: FactTables) -> ir.Table:
    """Rows of `deployment` with the list of the changes that each carries, null where it carries none."""
    carried = facts.table("deployment_change")
    carried = carried.semi_join(rows, carried.deployment_id == rows.id)
    carried = carried.group_by("deployment_id").agg(change_ids=carried.change_id.collect().sort())
    return rows.left_join(carried, rows.id == carried.deployment_id).drop("deployment_id")
