"""Alerts for the limits and objectives of a `vsm.yaml`, as rules of Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from otel_vsm import semconv
from otel_vsm.semconv import Statistic, TaskResult
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.alerts import burn
from otel_vsm_collector.alerts.promql import grown, labels, series
from otel_vsm_collector.alerts.rule import PAGE, TICKET, Rule
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.metrics.prometheus_names import label_of

_SERVICE = f"{{{{ $labels.{label_of(semconv.SERVICE_NAME)} }}}}"
_REPOSITORY = f"{{{{ $labels.{label_of(semconv.VCS_REPOSITORY_NAME)} }}}}"
_STAGE = f"{{{{ $labels.{label_of(semconv.VSM_STAGE_NAME)} }}}}"
_GATE = f"{{{{ $labels.{label_of(semconv.VSM_APPROVAL_GATE)} }}}}"
_DURATION, _SHARE, _NUMBER = (
    "{{ $value | humanizeDuration }}",
    "{{ $value | humanizePercentage }}",
    "{{ $value }}",
)
_WHERE = (semconv.SERVICE_NAME, semconv.DEPLOYMENT_ENVIRONMENT_NAME)


def rules(declared: Declared, runbooks: str) -> str:
    """A file of rules, in YAML; `runbooks` is the address of docs/runbooks.md. Raises ValueError where an
    objective cannot be computed."""
    every = (*_figures(declared), *_deployments(declared), *_waiting(declared), *_measurement(declared))
    every += tuple(burn.rules(declared, production(declared)))
    groups = [{"name": "otel-vsm", "rules": [rule.written(runbooks) for rule in every]}]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=1000)


def production(declared: Declared) -> dict[str, str]:
    """What chooses the environments that are production."""
    return {semconv.DEPLOYMENT_ENVIRONMENT_NAME: declared.environment_regex(PRODUCTION)}


@dataclass(frozen=True, slots=True)
class _Figure:
    alert: str
    limit: str
    metric: Metric
    what: str


_OF_SERVICES = (
    _Figure("LeadTimeOverLimit", "lead_time", registry.VSM_DORA_CHANGE_LEAD_TIME, "Lead time"),
    _Figure(
        "ChangeFailRateOverLimit", "change_fail_rate", registry.VSM_DORA_CHANGE_FAIL_RATE, "Change fail rate"
    ),
    _Figure(
        "RecoveryTimeOverLimit",
        "recovery_time",
        registry.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME,
        "Recovery time",
    ),
    _Figure(
        "TimeToRestoreOverLimit", "time_to_restore", registry.VSM_DORA_TIME_TO_RESTORE, "Time to restore"
    ),
)


def _figures(declared: Declared) -> Iterator[Rule]:
    """Of services in production."""
    window = _window(declared)
    statistic = f'{label_of(semconv.VSM_STATISTIC)}="{declared.profile_named().statistic}"'
    for figure in _OF_SERVICES:
        limit = _limit(declared, figure.limit)
        if limit is None:
            continue
        lasts = semconv.VSM_STATISTIC in figure.metric.attributes
        shown = series(
            figure.metric,
            production(declared),
            _of(window),
            f'{label_of(semconv.SERVICE_NAME)}!=""',  # not teams, nor everything together
            *((statistic,) if lasts else ()),
        )
        yield Rule(
            alert=figure.alert,
            expression=f"max by ({labels(*_WHERE)}) ({shown}) > {_number(limit)}",
            lasting="1h",
            severity=TICKET,
            summary=f"{figure.what} of {_SERVICE} is over its limit",
            description=f"{_DURATION if lasts else _SHARE} over {window}; the limit is {limit}.",
        )


def _deployments(declared: Declared) -> Iterator[Rule]:
    where = production(declared)
    failures = series(registry.VSM_DEPLOYMENT_FAILURE_COUNT, where)
    yield Rule(
        alert="DeploymentFailedUsers",
        expression=f"{grown(failures, '15m', *_WHERE)} > 0",
        severity=PAGE,
        summary=f"A deployment of {_SERVICE} failed its users",
        description="An incident, rollback or hotfix followed it, of which nothing was known 15 minutes ago.",
    )
    result = f'{label_of(semconv.CICD_PIPELINE_TASK_RUN_RESULT)}!="{TaskResult.SUCCESS}"'
    unsuccessful = series(registry.VSM_DEPLOYMENT_COUNT, where, result)
    yield Rule(
        alert="DeploymentUnsuccessful",
        expression=f"{grown(unsuccessful, '15m', *_WHERE)} > 0",
        severity=TICKET,
        summary=f"A deployment of {_SERVICE} did not succeed",
        description="It ended in the last 15 minutes and brought users nothing.",
    )
    if (limit := _limit(declared, "time_to_restore")) is not None:
        incidents = series(registry.VSM_INCIDENT_ACTIVE, where)
        yield Rule(
            alert="IncidentNotRestored",
            expression=f"sum by ({labels(*_WHERE)}) ({incidents}) > 0",
            lasting=f"{limit.seconds}s",
            severity=PAGE,
            summary=f"{_SERVICE} has had an incident for too long",
            description=f"{_NUMBER} active; users should be well within {limit}.",
        )


def _waiting(declared: Declared) -> Iterator[Rule]:
    oldest = f'{label_of(semconv.VSM_STATISTIC)}="{Statistic.MAX}"'
    limits = declared.limits
    approvals = series(registry.VSM_APPROVAL_AGE, None, oldest)
    gates = labels(semconv.VSM_APPROVAL_GATE, semconv.VSM_ACTOR_TYPE)
    yield Rule(
        alert="ApprovalOverLimit",
        expression=f"max by ({gates}) ({approvals}) > {limits.approval_wait.seconds}",
        severity=TICKET,
        summary=f"An approval by {_GATE} is overdue",
        description=f"Nobody has answered for {_DURATION}; the limit is {limits.approval_wait}.",
    )
    if limits.change_age is not None:
        changes = series(registry.VSM_CHANGE_AGE, None, oldest)
        yield Rule(
            alert="ChangeTooOld",
            expression=f"max by ({labels(semconv.VCS_REPOSITORY_NAME)}) ({changes})"
            f" > {limits.change_age.seconds}",
            lasting="1h",
            severity=TICKET,
            summary=f"A change of {_REPOSITORY} has been in progress for too long",
            description=f"It was begun {_DURATION} ago; the limit is {limits.change_age}.",
        )
    stages = labels(semconv.VCS_REPOSITORY_NAME, semconv.VSM_STAGE_NAME)
    queued = f"sum by ({stages}) ({series(registry.VSM_CHANGE_ACTIVE)})"
    least = f"min_over_time({queued}[1d:15m]"
    yield Rule(
        alert="QueueGrowing",
        expression=f"{least}) > {least} offset 1d) and {least} offset 1d) > {least} offset 2d)",
        severity=TICKET,
        summary=f"More and more changes of {_REPOSITORY} wait at {_STAGE}",
        description="For two days in a row there were never as few of them as on the day before.",
    )


def _measurement(declared: Declared) -> Iterator[Rule]:
    limits = declared.limits
    if limits.unlinked is not None:
        window = _window(declared)
        runs = series(registry.VSM_COLLECTOR_STAGE_UNLINKED_SHARE, None, _of(window))
        deployments = series(registry.VSM_COLLECTOR_DEPLOYMENT_UNLINKED_SHARE, None, _of(window))
        yield Rule(
            alert="UnlinkedShareHigh",
            expression=f"max({runs}) > {limits.unlinked} or max({deployments}) > {limits.unlinked}",
            lasting="1h",
            severity=TICKET,
            summary="No change is found for much of what is told",
            description=f"{_SHARE} of the runs of stages, or of the deployments, over {window};"
            " figures lack their changes.",
        )
    if limits.lag is not None:
        yield Rule(
            alert="CollectorBehind",
            expression=f"max({series(registry.VSM_COLLECTOR_LAG)}) > {limits.lag.seconds}",
            lasting="5m",
            severity=TICKET,
            summary="The collector does not get on",
            description=f"The oldest span that no figure covers came {_DURATION} ago.",
        )
    yield Rule(
        alert="CollectorMissing",
        expression=f"absent({series(registry.VSM_COLLECTOR_LAG)})",
        lasting="10m",
        severity=TICKET,
        summary="Prometheus finds no collector",
        description="No figure is known, and no other alert can fire.",
    )


def _limit(declared: Declared, name: str) -> Any:
    """Of a figure: a length of time, a share, or None."""
    return getattr(declared.limits, name)


def _window(declared: Declared) -> Length:
    """The one that is asked for by default, where metrics show it."""
    return declared.window if declared.window in declared.windows else declared.windows[-1]


def _of(window: Length) -> str:
    return f'{label_of(semconv.VSM_WINDOW)}="{window}"'


def _number(limit: Any) -> str:
    return str(getattr(limit, "seconds", limit))
