"""For those who answer for delivery: how it goes, where to, and how far the numbers can be believed."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import (
    COUNT,
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
from dashboards.queries import REPOSITORY, SERVICE, counted, series
from otel_vsm.semconv import Statistic
from otel_vsm.semconv import metrics as registry

_BY_SERVICE = f"{{{{{SERVICE}}}}}"
_BY_REPOSITORY = f"{{{{{REPOSITORY}}}}}"


def _of_deployments(metric: registry.Metric) -> str:
    """A share of all services' successful deployments: each service's share weighs as its deployments do."""
    deployed = series(registry.VSM_DORA_DEPLOYMENT_FREQUENCY)
    return f"sum({series(metric)} * {deployed}) / sum({deployed})"


def executive() -> Dashboard:
    """Medians cannot be added up, so that durations are shown by service."""
    median = Statistic.P50
    lead_time = series(registry.VSM_DORA_CHANGE_LEAD_TIME, statistic=median)
    frequency = series(registry.VSM_DORA_DEPLOYMENT_FREQUENCY)
    recovery = series(registry.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME, statistic=median)
    restore = series(registry.VSM_DORA_TIME_TO_RESTORE, statistic=median)
    fail_rate = series(registry.VSM_DORA_CHANGE_FAIL_RATE)
    rework = series(registry.VSM_DORA_DEPLOYMENT_REWORK_RATE)
    return (
        board(
            "Delivery performance",
            "otel-vsm-executive",
            "DORA's metrics and flow, of the chosen window that ends at each moment.",
            variables=[window(), environment(), service(), repository()],
        )
        .with_row(Row("All chosen services"))
        .with_panel(
            number(
                "Deployment frequency",
                Query(expression=f"sum({frequency})"),
                PER_DAY,
                "Successful deployments per day.",
                width=THIRD,
            )
        )
        .with_panel(
            number(
                "Change fail rate",
                Query(expression=_of_deployments(registry.VSM_DORA_CHANGE_FAIL_RATE)),
                SHARE,
                "Successful deployments that harmed users: an incident, rollback or hotfix followed.",
                width=THIRD,
            )
        )
        .with_panel(
            number(
                "Deployment rework rate",
                Query(expression=_of_deployments(registry.VSM_DORA_DEPLOYMENT_REWORK_RATE)),
                SHARE,
                "Successful deployments that only repaired an earlier one.",
                width=THIRD,
            )
        )
        .with_row(Row("By service"))
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
