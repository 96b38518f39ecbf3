"""The counters and histograms over facts: what is counted of which fact, and in which buckets.

A fact is counted once, when it is first known, and never taken back while the collector lives: a counter
must not go down. A restart counts everything that is known then, under a new start time; so it also heals
what later telemetry has corrected.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from otel_vsm import identity, semconv
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric

if TYPE_CHECKING:
    import ibis
    from ibis.expr import types as ir

Fact = Literal[
    "stage_run",
    "delivery",
    "deployment",
    "deployment_failure",
    "incident_detected",
    "incident_restored",
    "approval",
]
"""The moments at which there is something to count; each passes the rows that have just reached it."""
FACTS: tuple[Fact, ...] = get_args(Fact)

TABLE_OF: dict[Fact, str] = {
    "stage_run": "stage_run",
    "delivery": "delivery",
    "deployment": "deployment",
    "deployment_failure": "deployment",
    "incident_detected": "incident",
    "incident_restored": "incident",
    "approval": "approval",
}
"""Whose columns the rows have."""

COLUMN_OF: dict[str, str] = {
    semconv.VCS_REPOSITORY_NAME: "repository",
    semconv.VCS_REPOSITORY_URL_FULL: "repository",
    semconv.SERVICE_NAME: "service",
    semconv.DEPLOYMENT_ENVIRONMENT_NAME: "environment",
    semconv.VSM_STAGE_NAME: "stage_name",
    semconv.VSM_STAGE_TYPE: "stage_type",
    semconv.CICD_PIPELINE_TASK_RUN_RESULT: "result",
    semconv.VSM_DEPLOYMENT_KIND: "kind",
    semconv.VSM_FAILURE_METHOD: "failure_method",
    semconv.VSM_INCIDENT_SEVERITY: "severity",
    semconv.VSM_APPROVAL_GATE: "gate",
    semconv.VSM_ACTOR_TYPE: "actor_type",
}
"""The column that an attribute of a metric is read from."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

LEAD_TIME_BOUNDS_S = (
    15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 3 * _DAY, 5 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY, 180 * _DAY,
)  # fmt: skip
"""From minutes on a trunk to the months of a release train."""
RUN_BOUNDS_S = (
    0.1, 0.5, 1.0, 5.0, 10.0, 30.0, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE,
    30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY,
)  # fmt: skip
"""From a linter to a manual test."""
WAIT_BOUNDS_S = (
    1.0, 10.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR,
    _DAY, 2 * _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY,
)  # fmt: skip
"""From a queue of runners to a person on holiday; 4 h is the usual limit for an approval."""
INCIDENT_BOUNDS_S = (
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    4 * _HOUR, 8 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 30 * _DAY,
)  # fmt: skip
"""From an automatic rollback to an outage of weeks; an hour is the usual target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Where a bucket's exemplar leads: the latest row's trace, and its root span."""

    owner: str
    """The column with the id that the root span follows from."""
    at: str
    root: Callable[[str], identity.SpanReference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    metric: Metric
    fact: Fact
    counts: "Callable[[ibis.Table], ir.BooleanValue] | None" = None
    """Which of the rows count; all where it is None."""
    seconds: "Callable[[ibis.Table], ir.NumericValue] | None" = None
    """What a histogram is over; rows without it, or below 0, are left out."""
    bounds: tuple[float, ...] = ()
    example: Example | None = None


def _elapsed(until: str) -> "Callable[[ibis.Table], ir.NumericValue]":
    return lambda rows: (rows[until] - rows.started_at) / 1e9


_OF_INCIDENT = Example(owner="id", at="started_at", root=identity.incident_root)

OBSERVED = (
    Observed(
        metric=registry.VSM_CHANGE_LEAD_TIME,
        fact="delivery",
        seconds=lambda rows: rows.lead_time_s,
        bounds=LEAD_TIME_BOUNDS_S,
        example=Example(owner="change_id", at="delivered_at", root=identity.change_root),
    ),
    Observed(
        metric=registry.VSM_STAGE_DURATION,
        fact="stage_run",
        seconds=lambda rows: rows.process_s,
        bounds=RUN_BOUNDS_S,
    ),
    Observed(
        metric=registry.VSM_STAGE_WAIT_TIME,
        fact="stage_run",
        seconds=lambda rows: rows.wait_s,
        bounds=WAIT_BOUNDS_S,
    ),
    Observed(
        metric=registry.VSM_STAGE_QUEUE_TIME,
        fact="stage_run",
        seconds=lambda rows: rows.queue_s,
        bounds=WAIT_BOUNDS_S,
    ),
    Observed(
        metric=registry.VSM_APPROVAL_WAIT_TIME,
        fact="approval",
        seconds=lambda rows: rows.wait_s,
        bounds=WAIT_BOUNDS_S,
    ),
    Observed(metric=registry.VSM_DEPLOYMENT_COUNT, fact="deployment"),
    Observed(
        metric=registry.VSM_DEPLOYMENT_FAILURE_COUNT,
        fact="deployment_failure",
        counts=lambda rows: rows.failed,
    ),
    Observed(
        metric=registry.VSM_INCIDENT_RESTORE_TIME,
        fact="incident_restored",
        seconds=_elapsed("resolved_at"),
        bounds=INCIDENT_BOUNDS_S,
        example=_OF_INCIDENT,
    ),
    Observed(
        metric=registry.VSM_INCIDENT_DETECT_TIME,
        fact="incident_detected",
        seconds=_elapsed("detected_at"),
        bounds=INCIDENT_BOUNDS_S,
        example=_OF_INCIDENT,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromZero:
    """Which attribute sets of a counter are there, at 0, as soon as a fact is known: otherwise the first of
    what is counted would be no increase."""

    metric: Metric
    fact: Fact


FROM_ZERO = (
    FromZero(metric=registry.VSM_DEPLOYMENT_COUNT, fact="deployment"),
    FromZero(metric=registry.VSM_DEPLOYMENT_FAILURE_COUNT, fact="deployment"),
)

ROWS = "otel_vsm_new_rows"
"""The name that stands for the table with a fact's rows in the queries of `grouping`."""
