"""For those who deliver: where work is, where it waits, and what comes back."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import (
    COUNT,
    HALF,
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
from dashboards.queries import ACTOR, GATE, REPOSITORY, RESULT, SERVICE, STAGE, grown, quantile, series
from otel_vsm.semconv import Statistic, TaskResult
from otel_vsm.semconv import metrics as registry

_SUCCEEDED = (f'{RESULT}="{TaskResult.SUCCESS}"',)
_BY_STAGE = f"{{{{{STAGE}}}}}"


def _oldest(metric: registry.Metric, *by: str) -> str:
    return f"sort_desc(max by ({', '.join(by)}) ({series(metric, statistic=Statistic.MAX)}))"


def delivery_team() -> Dashboard:
    changes = _oldest(registry.VSM_CHANGE_AGE, REPOSITORY, STAGE)
    approvals = _oldest(registry.VSM_APPROVAL_AGE, GATE, ACTOR)
    active = series(registry.VSM_CHANGE_ACTIVE)
    runs = grown(registry.VSM_STAGE_DURATION, STAGE, part="_count")
    succeeded = grown(registry.VSM_STAGE_DURATION, STAGE, part="_count", more=_SUCCEEDED)
    return (
        board(
            "Delivery team",
            "otel-vsm-delivery-team",
            "Work in progress, stages and approvals.",
            variables=[repository(".*"), service(".*"), environment(), window()],
            since="now-7d",
        )
        .with_row(Row("Work in progress"))
        .with_panel(
            listing(
                "Changes in progress",
                [
                    (
                        Query(expression=f"sum by ({REPOSITORY}, {STAGE}) ({active}) > 0", legend="Changes"),
                        COUNT,
                    )
                ],
                {REPOSITORY: "Repository", STAGE: "Stage"},
                "Neither delivered nor abandoned, by the stage that they are in or were in last.",
                width=HALF,
            )
        )
        .with_panel(
            trend(
                "Changes in progress",
                [Query(expression=f"sum by ({STAGE}) ({active})", legend=_BY_STAGE)],
                COUNT,
                "A line that only rises is a queue that grows.",
            )
        )
        .with_panel(
            listing(
                "Oldest changes",
                [
                    (
                        Query(expression=changes, legend="Age"),
                        SECONDS,
                    )
                ],
                {REPOSITORY: "Repository", STAGE: "Stage"},
                "The oldest change in each stage, since its first activity.",
                width=THIRD,
            )
        )
        .with_panel(
            listing(
                "Approvals that are waited for",
                [
                    (
                        Query(expression=approvals, legend="Longest"),
                        SECONDS,
                    )
                ],
                {GATE: "Gate", ACTOR: "By"},
                "How long the longest has been waited for, by gate.",
                width=THIRD,
            )
        )
        .with_panel(
            number(
                "Blocked work items",
                Query(expression=series(registry.VSM_WORK_ITEM_BLOCKED)),
                COUNT,
                "But for those of changes that are delivered or abandoned.",
                width=THIRD,
            )
        )
        .with_row(Row("Stages"))
        .with_panel(
            listing(
                "Stages",
                [
                    (Query(expression=runs, legend="Runs"), COUNT),
                    (Query(expression=f"({succeeded}) / ({runs} > 0)", legend="Succeeded"), SHARE),
                    (
                        Query(
                            expression=quantile(0.5, registry.VSM_STAGE_DURATION, STAGE),
                            legend="Process time",
                        ),
                        SECONDS,
                    ),
                    (
                        Query(
                            expression=quantile(0.5, registry.VSM_STAGE_WAIT_TIME, STAGE), legend="Wait time"
                        ),
                        SECONDS,
                    ),
                    (
                        Query(
                            expression=f"max by ({STAGE}) ({series(registry.VSM_STAGE_COMPLETE_ACCURATE)})",
                            legend="%C/A",
                        ),
                        SHARE,
                    ),
                ],
                {STAGE: "Stage"},
                "Runs in the time range, medians of their times; %C/A is the share of"
                " complete and accurate work in the window.",
            )
        )
        .with_panel(
            trend(
                "Process time, 90th percentile",
                [Query(expression=quantile(0.9, registry.VSM_STAGE_DURATION, STAGE), legend=_BY_STAGE)],
                SECONDS,
                "How long runs took, of a time range that ends at each moment.",
                width=THIRD,
            )
        )
        .with_panel(
            trend(
                "Wait before the stage, 90th percentile",
                [Query(expression=quantile(0.9, registry.VSM_STAGE_WAIT_TIME, STAGE), legend=_BY_STAGE)],
                SECONDS,
                "How long nothing was done for a change before the stage, of a time range that ends at each"
                " moment.",
                width=THIRD,
            )
        )
        .with_panel(
            trend(
                "Queue, 90th percentile",
                [Query(expression=quantile(0.9, registry.VSM_STAGE_QUEUE_TIME, STAGE), legend=_BY_STAGE)],
                SECONDS,
                "How long runs waited for their turn, of a time range that ends at each moment.",
                width=THIRD,
            )
        )
        .with_row(Row("Approvals and delivery"))
        .with_panel(
            trend(
                "Wait for an approval, median",
                [
                    Query(
                        expression=quantile(0.5, registry.VSM_APPROVAL_WAIT_TIME, GATE, ACTOR),
                        legend=f"{{{{{GATE}}}}}, {{{{{ACTOR}}}}}",
                    )
                ],
                SECONDS,
                "From asking a gate to its answer, of the answers in a time range that ends at each moment.",
            )
        )
        .with_panel(
            trend(
                "Lead time",
                [
                    Query(
                        expression=series(
                            registry.VSM_DORA_CHANGE_LEAD_TIME, f'{SERVICE}!=""', statistic=statistic
                        ),
                        legend=f"{{{{{SERVICE}}}}}, {statistic}",
                    )
                    for statistic in (Statistic.P50, Statistic.P90)
                ],
                SECONDS,
                "Of the changes delivered in the window: median and 90th percentile.",
            )
        )
    )
