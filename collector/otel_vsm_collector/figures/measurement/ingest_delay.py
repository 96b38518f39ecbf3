"""Ingest delay: how late telemetry arrives."""

import ibis.expr.types as ir

from otel_vsm.semconv import metrics
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Family, duration
from otel_vsm_collector.figures.statistic import elapsed_s, statistic

NAME = "ingest_delay"


def arrived(selection: Selection) -> ir.Table:
    """The spans that arrived in the window (ended_at, received_at, delay_s)."""
    arrivals = selection.table("arrival")
    arrivals = arrivals.filter(selection.within(arrivals.received_at))
    rows = select.spans(selection)
    rows = rows.select("seq", "ended_at").join(arrivals, "seq")
    return rows.mutate(delay_s=elapsed_s(rows.ended_at, rows.received_at))


ARRIVED = Family(
    rows=lambda selection, by: arrived(selection),
    figures=(
        duration(
            NAME,
            "delay_s",
            # No profile has a say in it.
            parts=lambda _, rows: statistic(rows.delay_s, NAME),
            metric=metrics.VSM_COLLECTOR_INGEST_DELAY,
        ),
    ),
)

FAMILIES = (ARRIVED,)
