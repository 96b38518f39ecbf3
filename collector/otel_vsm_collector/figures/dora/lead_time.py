"""Lead time: of the changes that were delivered in the window."""

from typing import Any

import ibis.expr.types as ir

from otel_vsm.semconv import metrics
from otel_vsm_collector.derive.rules.starts import starts
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import undelivered
from otel_vsm_collector.figures.computed import Aggregates, By, Family, Parts, Row, duration
from otel_vsm_collector.figures.explain.rows import Kind, values
from otel_vsm_collector.figures.statistic import (
    distribution,
    mean_of_services,
    statistic,
    with_service_shares,
)
from otel_vsm_collector.figures.undelivered import PAIR, with_undelivered

NAME = "change_lead_time"
SETTINGS = (
    *undelivered.SETTINGS,
    "lead_time_per",
    "lead_time_start",
    "lead_time",
    "negative",
    "rounding",
    "statistic",
    "median",
    "mean",
)


def delivered(selection: Selection, by: By = ()) -> ir.Table:
    """The deliveries in the window; those without a lead time count in no statistic."""
    rows = select.deliveries(selection, by)
    return rows.mutate(at=select.edge(selection, rows))


def _rows(selection: Selection, by: By) -> ir.Table:
    """The same, with what the mean of the services' means needs where the profile asks for it."""
    rows = delivered(selection, by)
    if selection.profile.mean != "services":
        return rows
    apart = [selection.part(rows["at"]), *(rows[column] for column in by)]
    return with_service_shares(rows, "lead_time_s", apart)


def _parts(selection: Selection, rows: ir.Table) -> Aggregates:
    parts = statistic(rows.lead_time_s, NAME, median=selection.profile.median)
    if selection.profile.mean == "services":
        parts[f"{NAME}_mean"] = mean_of_services(rows, "lead_time_s")
    for number, start in enumerate(starts(selection.profile)):
        begun = (rows.start_method == str(start)) & rows.lead_time_s.notnull()
        parts[f"{NAME}_from_{number}"] = begun.sum()
    return parts


def _value(row: Row, parts: Parts) -> dict[str, Any]:
    """The distribution, and of how many it is counted from which start."""
    counts = {
        str(start): row.get(f"{NAME}_from_{number}") or 0
        for number, start in enumerate(starts(parts.selection.profile))
    }
    return distribution(row, NAME) | {"starts": {start: count for start, count in counts.items() if count}}


def lead_times(selection: Selection) -> ir.Table:
    """A row per delivery in the window, and per other change that was merged in it or that a deployment in it
    claims."""
    return _shaped(with_undelivered(selection, _arrived(selection)))


def counted_lead_times(selection: Selection) -> ir.Table:
    """Those of them that count."""
    rows = _shaped(_arrived(selection))
    return rows.filter(rows.counted)


def _shaped(rows: ir.Table) -> ir.Table:
    return values(rows.rename(name="change_id"), Kind.CHANGE)


def _arrived(selection: Selection) -> ir.Table:
    return delivered(selection).select(
        *PAIR, "at", value="lead_time_s", method="start_method", reason="excluded"
    )


DELIVERED = Family(
    rows=_rows,
    by=("service", "environment"),
    figures=(
        duration(
            NAME,
            "lead_time_s",
            parts=_parts,
            value=_value,
            explained=lead_times,
            counted=counted_lead_times,
            settings=SETTINGS,
            metric=metrics.VSM_DORA_CHANGE_LEAD_TIME,
        ),
    ),
)

FAMILIES = (DELIVERED,)
