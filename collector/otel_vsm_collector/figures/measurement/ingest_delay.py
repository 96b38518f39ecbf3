"""Ingest delay: how late telemetry arrives."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import metrics
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Family, duration
from otel_vsm_collector.figures.statistic import distribution, elapsed_s, statistic

NAME, BACKFILLED = "ingest_delay", "backfilled"


def arrived(selection: Selection) -> ir.Table:
    """The spans that arrived in the window (ended_at, received_at, backfilled, delay_s). What was told
    afterwards has no delay."""
    arrivals = selection.table("arrival")
    arrivals = arrivals.filter(selection.within(arrivals.received_at))
    rows = select.spans(selection, lambda every: every.seq.isin(arrivals.seq))
    rows = rows.select("seq", "ended_at", backfilled=rows.backfilled.fill_null(False))
    rows = rows.join(arrivals, "seq")
    delay_s = elapsed_s(rows.ended_at, rows.received_at)
    return rows.mutate(delay_s=ifelse(rows.backfilled, ibis.null("float64"), delay_s))


ARRIVED = Family(
    rows=lambda selection, by: arrived(selection),
    figures=(
        duration(
            NAME,
            "delay_s",
            # No profile has a say in it.
            parts=lambda _, rows: statistic(rows.delay_s, NAME) | {BACKFILLED: rows.backfilled.sum()},
            value=lambda row, _: distribution(row, NAME) | {BACKFILLED: int(row.get(BACKFILLED) or 0)},
            metric=metrics.VSM_COLLECTOR_INGEST_DELAY,
        ),
    ),
)

FAMILIES = (ARRIVED,)
