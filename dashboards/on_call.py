"""For those who are called: what is broken now, what was deployed before that, how fast it is mended."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import (
    COUNT,
    HALF,
    QUARTER,
    SECONDS,
    Query,
    board,
    environment,
    listing,
    number,
    service,
    trend,
)
from dashboards.queries import ENVIRONMENT, KIND, METHOD, RESULT, SERVICE, SEVERITY, grown, quantile, series
from otel_vsm.semconv import TaskResult
from otel_vsm.semconv import metrics as registry

_FAILED = f'{RESULT}!="{TaskResult.SUCCESS}"'


def on_call() -> Dashboard:
    incidents = series(registry.VSM_INCIDENT_ACTIVE)
    deployed = series(registry.VSM_DEPLOYMENT_LAST_TIMESTAMP)
    return (
        board(
            "On call",
            "otel-vsm-on-call",
            "Incidents and deployments, of the time range.",
            variables=[service(), environment()],
            since="now-24h",
        )
        .with_row(Row("Now"))
        .with_panel(
            number(
                "Active incidents",
                Query(expression=f"sum({incidents})"),
                COUNT,
                "Begun and not resolved.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Deployments",
                Query(expression=grown(registry.VSM_DEPLOYMENT_COUNT)),
                COUNT,
                "Finished in the time range, whatever their result.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Deployments that did not succeed",
                Query(expression=grown(registry.VSM_DEPLOYMENT_COUNT, more=(_FAILED,))),
                COUNT,
                "They never reached users.",
                width=QUARTER,
            )
        )
        .with_panel(
            number(
                "Deployments that harmed users",
                Query(expression=grown(registry.VSM_DEPLOYMENT_FAILURE_COUNT)),
                COUNT,
                "Found in the time range: an incident, rollback or hotfix followed.",
                width=QUARTER,
            )
        )
        .with_panel(
            listing(
                "Active incidents by service",
                [
                    (
                        Query(
                            expression=f"sum by ({SERVICE}, {ENVIRONMENT}, {SEVERITY}) ({incidents}) > 0",
                            legend="Incidents",
                        ),
                        COUNT,
                    )
                ],
                {SERVICE: "Service", ENVIRONMENT: "Environment", SEVERITY: "Severity"},
                "Begun and not resolved.",
                width=HALF,
            )
        )
        .with_panel(
            listing(
                "Deployments by service",
                [
                    (
                        Query(
                            expression=grown(
                                registry.VSM_DEPLOYMENT_COUNT, SERVICE, ENVIRONMENT, KIND, RESULT
                            )
                            + " > 0",
                            legend="Deployments",
                        ),
                        COUNT,
                    )
                ],
                {SERVICE: "Service", ENVIRONMENT: "Environment", KIND: "Kind", RESULT: "Result"},
                "Finished in the time range.",
                width=HALF,
            )
        )
        .with_panel(
            listing(
                "Last successful deployment",
                [
                    (
                        Query(
                            expression=f"sort(time() - max by ({SERVICE}, {ENVIRONMENT}) ({deployed}))",
                            legend="Ago",
                        ),
                        SECONDS,
                    )
                ],
                {SERVICE: "Service", ENVIRONMENT: "Environment"},
                "What changed last comes first.",
            )
        )
        .with_row(Row("Over time"))
        .with_panel(
            trend(
                "Deployments",
                [
                    Query(
                        expression=grown(registry.VSM_DEPLOYMENT_COUNT, SERVICE, RESULT, over="$__interval"),
                        legend=f"{{{{{SERVICE}}}}}, {{{{{RESULT}}}}}",
                    )
                ],
                COUNT,
                "Finished, by result.",
                bars=True,
            )
        )
        .with_panel(
            trend(
                "Deployments that harmed users",
                [
                    Query(
                        expression=grown(
                            registry.VSM_DEPLOYMENT_FAILURE_COUNT, SERVICE, METHOD, over="$__interval"
                        ),
                        legend=f"{{{{{SERVICE}}}}}, {{{{{METHOD}}}}}",
                    )
                ],
                COUNT,
                "When that became known, by how it is known.",
                bars=True,
            )
        )
        .with_panel(
            trend(
                "Active incidents",
                [
                    Query(
                        expression=f"sum by ({SERVICE}, {SEVERITY}) ({incidents})",
                        legend=f"{{{{{SERVICE}}}}}, {{{{{SEVERITY}}}}}",
                    )
                ],
                COUNT,
                "Begun and not resolved.",
            )
        )
        .with_panel(
            trend(
                "Time to detect and to restore, median",
                [
                    Query(expression=quantile(0.5, registry.VSM_INCIDENT_DETECT_TIME), legend="detect"),
                    Query(expression=quantile(0.5, registry.VSM_INCIDENT_RESTORE_TIME), legend="restore"),
                ],
                SECONDS,
                "Of the incidents of a time range that ends at each moment, from their start.",
            )
        )
    )
