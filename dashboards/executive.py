"""For those who answer for delivery: how it goes, where to, and how far the numbers can be believed."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.table import Panel

from dashboards.panels import (
    COUNT,
    HALF,
    PER_DAY,
    QUARTER,
    SECONDS,
    SHARE,
    THIRD,
    Query,
    board,
    environment,
    listing,
    number,
    repository,
    service,
    trend,
    window,
)
from dashboards.queries import REPOSITORY, SERVICE, STREAM, TEAM, by_label, counted, series, together
from otel_vsm import semconv
from otel_vsm.semconv import Statistic
from otel_vsm.semconv import metrics as registry

_BY_SERVICE = f"{{{{{SERVICE}}}}}"
_BY_REPOSITORY = f"{{{{{REPOSITORY}}}}}"


_DORA = (
    (
        "Change lead time",
        registry.VSM_DORA_CHANGE_LEAD_TIME,
        SECONDS,
        "From a change's start until delivered.",
    ),
    ("Deployments", registry.VSM_DORA_DEPLOYMENT_FREQUENCY, PER_DAY, "Successful ones per day."),
    (
        "Change fail rate",
        registry.VSM_DORA_CHANGE_FAIL_RATE,
        SHARE,
        "Successful deployments that harmed users: an incident, rollback or hotfix followed.",
    ),
    (
        "Recovery time",
        registry.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME,
        SECONDS,
        "From the end of a deployment that harmed users until they were well again.",
    ),
    (
        "Rework rate",
        registry.VSM_DORA_DEPLOYMENT_REWORK_RATE,
        SHARE,
        "Successful deployments that only repaired an earlier one.",
    ),
    (
        "Time to restore",
        registry.VSM_DORA_TIME_TO_RESTORE,
        SECONDS,
        "From the start of an incident until it was resolved.",
    ),
)
"""Title, metric, unit, and what it is; durations are medians."""


def _median(metric: registry.Metric) -> Statistic | None:
    return Statistic.P50 if semconv.VSM_STATISTIC in metric.attributes else None


def _table(title: str, label: str, column: str) -> Panel:
    return listing(
        title,
        [
            (Query(expression=by_label(metric, label, _median(metric)), legend=name), unit)
            for name, metric, unit, _ in _DORA
        ],
        {label: column},
        "In production, of the window that the collector answers for by default. Medians of durations.",
        width=HALF,
    )


def executive() -> Dashboard:
    """Medians cannot be added up: everything together has series of its own, and services have theirs."""
    median = Statistic.P50
    lead_time = series(registry.VSM_DORA_CHANGE_LEAD_TIME, statistic=median)
    frequency = series(registry.VSM_DORA_DEPLOYMENT_FREQUENCY)
    recovery = series(registry.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME, statistic=median)
    restore = series(registry.VSM_DORA_TIME_TO_RESTORE, statistic=median)
    fail_rate = series(registry.VSM_DORA_CHANGE_FAIL_RATE)
    rework = series(registry.VSM_DORA_DEPLOYMENT_REWORK_RATE)
    made = board(
        "Delivery performance",
        "otel-vsm-executive",
        "DORA's metrics and flow, of the chosen window that ends at each moment.",
        variables=[window(), environment(), service(), repository()],
    ).with_row(Row("Everything in production"))
    for title, metric, unit, description in _DORA:
        made.with_panel(number(title, Query(expression=together(metric, _median(metric))), unit, description))
    return (
        made.with_row(Row("By service"))
        .with_panel(
            listing(
                "Services",
                [
                    (Query(expression=f"max by ({SERVICE}) ({lead_time})", legend="Lead time"), SECONDS),
                    (Query(expression=f"sum by ({SERVICE}) ({frequency})", legend="Deployments"), PER_DAY),
                    (Query(expression=f"max by ({SERVICE}) ({fail_rate})", legend="Change fail rate"), SHARE),
                    (Query(expression=f"max by ({SERVICE}) ({recovery})", legend="Recovery time"), SECONDS),
                    (Query(expression=f"max by ({SERVICE}) ({rework})", legend="Rework rate"), SHARE),
                    (Query(expression=f"max by ({SERVICE}) ({restore})", legend="Time to restore"), SECONDS),
                ],
                {SERVICE: "Service"},
                "Medians of durations. Where several environments are chosen, the worst of them.",
            )
        )
        .with_panel(
            trend(
                "Change lead time, median",
                [Query(expression=lead_time, legend=_BY_SERVICE)],
                SECONDS,
                "From a change's start until it was delivered.",
            )
        )
        .with_panel(
            trend(
                "Deployments per day",
                [Query(expression=frequency, legend=_BY_SERVICE)],
                PER_DAY,
                "Successful ones.",
            )
        )
        .with_panel(
            trend(
                "Change fail rate",
                [Query(expression=fail_rate, legend=_BY_SERVICE)],
                SHARE,
                "Successful deployments that harmed users.",
            )
        )
        .with_panel(
            trend(
                "Recovery time, median",
                [Query(expression=recovery, legend=_BY_SERVICE)],
                SECONDS,
                "From the end of a deployment that harmed users until they were well again.",
            )
        )
        .with_panel(_table("Teams", TEAM, "Team"))
        .with_panel(_table("Value streams", STREAM, "Value stream"))
        .with_row(Row("Flow, by repository"))
        .with_panel(
            trend(
                "Flow time, median",
                [Query(expression=series(registry.VSM_FLOW_TIME, statistic=median), legend=_BY_REPOSITORY)],
                SECONDS,
                "From the first activity on a change until it was delivered.",
                width=THIRD,
            )
        )
        .with_panel(
            trend(
                "Flow efficiency",
                [Query(expression=series(registry.VSM_FLOW_EFFICIENCY), legend=_BY_REPOSITORY)],
                SHARE,
                "The part of flow time in which a stage went on.",
                width=THIRD,
            )
        )
        .with_panel(
            trend(
                "Throughput",
                [Query(expression=series(registry.VSM_FLOW_THROUGHPUT), legend=_BY_REPOSITORY)],
                PER_DAY,
                "Changes delivered per day.",
                width=THIRD,
            )
        )
        .with_row(Row("How far this can be believed"))
        .with_panel(
            number(
                "Deployments with unknown changes",
                Query(expression=counted(registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED)),
                COUNT,
                "They count as deployments, and their changes have no lead time.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Runs of stages of no known change",
                Query(expression=counted(registry.VSM_COLLECTOR_STAGE_UNLINKED)),
                COUNT,
                "They are in no change's flow time.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Clocks that disagree",
                Query(expression=counted(registry.VSM_COLLECTOR_CLOCK_SKEW)),
                COUNT,
                "Times that contradict each other; durations below zero are left out.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Behind by",
                Query(expression=f"max({series(registry.VSM_COLLECTOR_LAG)})"),
                SECONDS,
                "Age of the oldest span that no figure covers yet.",
                width=QUARTER,
            )
        )
    )
