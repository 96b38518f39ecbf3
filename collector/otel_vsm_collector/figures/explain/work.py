"""The changes behind flow times and throughput, and those that are under way."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.lead_time import DELIVERIES, with_others
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, values
from otel_vsm_collector.figures.flow_times import flow_times
from otel_vsm_collector.figures.work_in_progress import in_stages, open_changes

TIME_SETTINGS = (*DELIVERIES, "statistic", "median")
IN_PROGRESS_SETTINGS = ("unit", "first_deployment", "mapping")


def times(selection: Selection, **said: str) -> ir.Table:
    """A row per delivery in the window, and per other change that was merged in it or that a deployment in it
    claims; `said` are the columns that come from one of `flow_times`."""
    rows = flow_times(selection)
    reason = because((rows.flow_s.isnull(), Reason.CLOCK_SKEW))
    return _delivered(selection, rows.mutate(reason=reason, **{name: rows[of] for name, of in said.items()}))


def throughput(selection: Selection) -> ir.Table:
    """The same; a change counts also where the clocks disagree."""
    rows = select.delivered_changes(selection)
    return _delivered(selection, rows.mutate(reason=ibis.null("string")))


def _delivered(selection: Selection, rows: ir.Table) -> ir.Table:
    selection = replace(selection, facts=selection.facts.of_changes)
    rows = rows.mutate(at=select.edge(selection, rows))
    said = [column for column in ("value", "of_s") if column in rows.columns]
    arrived = rows.select("change_id", "deployment_id", "at", "reason", *said)
    return values(with_others(selection, arrived).rename(name="change_id"), Kind.CHANGE)


def in_progress(selection: Selection) -> ir.Table:
    """A row per open change, with its age and stage."""
    rows = in_stages(selection, open_changes(selection))
    rows = rows.select(name="id", at="first_activity_at", value="age_s", stage="stage_name")
    return values(rows, Kind.CHANGE)
