"""Runs and executions of stages as the figures of flow count them."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.patterns import regex_of
from otel_vsm_collector.derive.rules.stages import BAD
from otel_vsm_collector.facts.selection import Selection

BETWEEN = ":"
"""A run goes by its trace and its span, with this between them."""


def runs(selection: Selection) -> ir.Table:
    """The runs that pass the filters, of any time; work before any deployment is for every environment."""
    return _passing(selection, "stage_run")


def executions(selection: Selection) -> ir.Table:
    """The same of executions of stages."""
    return _passing(selection, "stage_execution")


def _passing(selection: Selection, table: str) -> ir.Table:
    rows = replace(selection, environment=None).apply(selection.table(table))
    if selection.environment is None:
        return rows
    return rows.filter(selection.in_environment(rows.environment).fill_null(True))


def of_changes(selection: Selection, rows: ir.Table) -> ir.Table:
    """The rows (change_id) whose change passes the filters."""
    if not narrowed(selection):
        return rows
    change = changes(selection)
    return rows.semi_join(change, rows.change_id == change.id)


def narrowed(selection: Selection) -> bool:
    """Whether some changes do not pass the filters."""
    filters = (selection.service, selection.repository, selection.team, selection.value_stream)
    return any(wanted is not None for wanted in filters)


def changes(selection: Selection) -> ir.Table:
    """The rows of `change` that pass the filters; of a service are those that its runs are about."""
    rows = selection.apply(selection.table("change"))
    wanted = selection.wanted("service")
    return rows if wanted is None else rows.filter(rows.services.contains(wanted))


def failed(rows: ir.Table) -> ir.BooleanValue:
    """Whether something was wrong with a run."""
    return rows.result.isin([str(result) for result in BAD]).fill_null(False)


def quarantined(selection: Selection, rows: ir.Table) -> ir.BooleanValue:
    """Whether failures of the stage are declared to mean nothing. The first pattern that matches it holds."""
    declared = [(pattern, stage.quarantined) for pattern, stage in selection.declared.stages.items()]
    while declared and not declared[-1][1]:
        del declared[-1]
    if not declared:
        return ibis.literal(False)
    cases = ((rows.stage_name.re_search(regex_of((pattern,))), so) for pattern, so in declared)
    return ibis.cases(*cases, else_=False)


def named(rows: ir.Table) -> ir.Table:
    """Runs or executions by what each goes by (name), with the stage that they are of."""
    name = rows.trace_id.concat(BETWEEN, rows.span_id)
    # What else it has is told beside the row, not in it.
    return rows.mutate(name=name, stage=rows.stage_name).drop("pipeline_run")
