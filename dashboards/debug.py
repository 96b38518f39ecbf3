"""For those who run the collector: what arrives, what becomes of it, what it costs."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import BYTES, COUNT, QUARTER, SECONDS, Query, board, number, trend, window
from dashboards.queries import GAP, STATISTIC, quantile, series
from otel_vsm.semconv import metrics as registry

_SPANS = {
    "received": registry.VSM_COLLECTOR_SPAN_RECEIVED,
    "rejected": registry.VSM_COLLECTOR_SPAN_REJECTED,
    "filtered": registry.VSM_COLLECTOR_SPAN_FILTERED,
    "unmapped": registry.VSM_COLLECTOR_SPAN_UNMAPPED,
    "duplicate": registry.VSM_COLLECTOR_SPAN_DUPLICATE,
}
_NOW = (
    ("Behind by", registry.VSM_COLLECTOR_LAG, SECONDS, "Age of the oldest span that no figure covers yet."),
    ("Journal", registry.VSM_COLLECTOR_JOURNAL_SIZE, BYTES, "What it takes of the disk."),
    (
        "Damaged rows of the journal",
        registry.VSM_COLLECTOR_JOURNAL_DAMAGED,
        COUNT,
        "Figures lack their spans.",
    ),
    (
        "Groupings that are cut",
        registry.VSM_COLLECTOR_METRIC_OVERFLOW,
        COUNT,
        "There are more services, repositories or stages than gauges show.",
    ),
)


def debug() -> Dashboard:
    made = board(
        "Collector",
        "otel-vsm-debug",
        "The collector's own health, and what cannot be put down to a change.",
        variables=[window()],
        since="now-6h",
    ).with_row(Row("Now"))
    for title, metric, unit, description in _NOW:
        made.with_panel(
            number(title, Query(expression=f"max({series(metric)})"), unit, description, width=QUARTER)
        )
    return (
        made.with_row(Row("What arrives"))
        .with_panel(
            trend(
                "Spans per second",
                [
                    Query(expression=f"sum(rate({series(metric)}[$__rate_interval]))", legend=name)
                    for name, metric in _SPANS.items()
                ],
                COUNT,
                "rejected: they cannot be right. filtered: not about delivery. unmapped: kept for a later"
                " version. duplicate: had come before.",
            )
        )
        .with_panel(
            trend(
                "Ingest delay",
                [
                    Query(
                        expression=series(registry.VSM_COLLECTOR_INGEST_DELAY), legend=f"{{{{{STATISTIC}}}}}"
                    )
                ],
                SECONDS,
                "From the end of a span until it arrived, in the window.",
            )
        )
        .with_row(Row("What becomes of it"))
        .with_panel(
            trend(
                "Derivation",
                [
                    Query(
                        expression=quantile(share, registry.VSM_COLLECTOR_DERIVATION_DURATION),
                        legend=f"{share:.0%}",
                    )
                    for share in (0.5, 0.9)
                ],
                SECONDS,
                "How long a refresh of the facts took, of a time range that ends at each moment.",
            )
        )
        .with_panel(
            trend(
                "Behind by",
                [Query(expression=series(registry.VSM_COLLECTOR_LAG), legend="lag")],
                SECONDS,
                "Age of the oldest span that no figure covers yet.",
            )
        )
        .with_panel(
            trend(
                "Not put down to a change",
                [
                    Query(
                        expression=f"sum by ({GAP}) ({series(registry.VSM_COLLECTOR_STAGE_UNLINKED)})",
                        legend=f"stages: {{{{{GAP}}}}}",
                    ),
                    Query(
                        expression=f"sum by ({GAP}) ({series(registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED)})",
                        legend=f"deployments: {{{{{GAP}}}}}",
                    ),
                    Query(
                        expression=f"sum({series(registry.VSM_COLLECTOR_SPAN_UNLINKED)})",
                        legend="spans of nothing known",
                    ),
                ],
                COUNT,
                "Runs of stages and deployments in the window, and spans ever.",
            )
        )
        .with_panel(
            trend(
                "Clocks that disagree",
                [
                    Query(
                        expression=f"sum by ({GAP}) ({series(registry.VSM_COLLECTOR_CLOCK_SKEW)})",
                        legend=f"{{{{{GAP}}}}}",
                    )
                ],
                COUNT,
                "What happened before it could have, in the window.",
            )
        )
    )
