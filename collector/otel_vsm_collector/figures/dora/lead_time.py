"""Lead time: of the changes that were delivered in the window."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import metrics
from otel_vsm_collector.derive.rules.starts import with_start
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import undelivered
from otel_vsm_collector.figures.computed import Aggregates, By, Family, duration
from otel_vsm_collector.figures.explain.rows import Kind, values
from otel_vsm_collector.figures.statistic import statistic, total
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
    """The same; where the mean is that of the services' means, with each one's part of its service's
    (share_s)."""
    rows = delivered(selection, by)
    if selection.profile.mean != "services":
        return rows
    group = [selection.part(rows["at"]), *(rows[column] for column in by), rows.service]
    alike = rows.lead_time_s.count().over(ibis.window(group_by=group))
    return rows.mutate(share_s=rows.lead_time_s / alike)


def _parts(selection: Selection, rows: ir.Table) -> Aggregates:
    parts = statistic(rows.lead_time_s, NAME, median=selection.profile.median)
    if selection.profile.mean == "services":
        services = rows.service.nunique(where=rows.lead_time_s.notnull())
        parts[f"{NAME}_mean"] = total(rows.share_s) / services.nullif(0)
    return parts


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
    started = with_start(selection.table("change"), selection.profile)
    started = started.select(change_id="id", method="start_method")
    arrived = delivered(selection).left_join(started, "change_id")
    return arrived.select(*PAIR, "at", "method", value="lead_time_s", reason="excluded")


DELIVERED = Family(
    rows=_rows,
    by=("service", "environment"),
    figures=(
        duration(
            NAME,
            "lead_time_s",
            parts=_parts,
            explained=lead_times,
            counted=counted_lead_times,
            settings=SETTINGS,
            metric=metrics.VSM_DORA_CHANGE_LEAD_TIME,
        ),
    ),
)

FAMILIES = (DELIVERED,)
