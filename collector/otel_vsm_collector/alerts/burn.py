"""Alerts about objectives: how fast what may be missed is being used up.

Two windows each, as usual: the long one says that it matters, the short one that it still goes on. They are
longer than those of a service that answers many requests: deliveries are few, and an hour says nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from otel_vsm import semconv
from otel_vsm.semconv import TaskResult
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.alerts.promql import grown, series
from otel_vsm_collector.alerts.rule import PAGE, TICKET, Rule
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.metrics.observed import INCIDENT_BOUNDS_S, LEAD_TIME_BOUNDS_S
from otel_vsm_collector.metrics.prometheus_names import label_of

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class _Speed:
    alert: str
    long: str
    short: str
    days: int
    """The long window."""
    budget: float
    """What is used up of it in the long window."""
    severity: str


_SPEEDS = (
    _Speed("Fast", "1d", "2h", 1, 0.1, PAGE),
    _Speed("Slow", "3d", "6h", 3, 0.1, TICKET),
)


_TIMES: tuple[tuple[str, Metric, Sequence[float]], ...] = (
    ("lead_time", registry.VSM_CHANGE_LEAD_TIME, LEAD_TIME_BOUNDS_S),
    ("time_to_restore", registry.VSM_INCIDENT_RESTORE_TIME, INCIDENT_BOUNDS_S),
)
"""Objective, which is also the name of its limit → what counts it, in which buckets."""


@dataclass(frozen=True, slots=True)
class _Measured:
    alert: str
    what: str
    objective: float
    missed: Callable[[str], str]
    """What missed it in a range: the growth of a counter, by service."""
    whole: str
    """A counter of all there was."""


def rules(declared: Declared, where: Mapping[str, str]) -> Iterator[Rule]:
    """Two for each objective, of each service. Raises ValueError where it cannot be computed."""
    window = declared.objectives.window
    days = window.seconds / _DAY_S
    for measured in _measured(declared, dict(where)):
        missed = 1 - measured.objective
        for speed in _SPEEDS:
            # Never less than may be missed in the long run.
            allowed = missed * max(1, speed.budget * days / speed.days)
            if allowed >= 1:
                least = 1 - speed.days / (speed.budget * days)
                raise ValueError(
                    f"objectives: with {measured.objective:g} over {window}, a day on which everything misses"
                    f" it would be no alert; aim at more than {least:.2g}"
                )
            burning = " and ".join(
                f"({_share(measured, over)} > {allowed:.6g})" for over in (speed.long, speed.short)
            )
            yield Rule(
                alert=f"{measured.alert}ObjectiveBurns{speed.alert}",
                runbook="ObjectiveBurns",
                expression=burning,
                severity=speed.severity,
                summary=f"{measured.what} of {{{{ $labels.{label_of(semconv.SERVICE_NAME)} }}}} misses its"
                " objective",
                description=f"{{{{ $value | humanizePercentage }}}} missed it within {speed.long}, and in the"
                f" last {speed.short} it went on; over {window}, {missed:.3g} of all may miss it.",
            )


def _share(measured: _Measured, over: str) -> str:
    """What was missed in a range, of services that had anything there."""
    return f"({measured.missed(over)}) / ({grown(measured.whole, over, semconv.SERVICE_NAME)} > 0)"


def _measured(declared: Declared, where: dict[str, str]) -> Iterator[_Measured]:
    objectives = declared.objectives
    if objectives.deployments is not None:
        failures = series(registry.VSM_DEPLOYMENT_FAILURE_COUNT, where)
        result = f'{label_of(semconv.CICD_PIPELINE_TASK_RUN_RESULT)}="{TaskResult.SUCCESS}"'
        yield _Measured(
            "Deployment",
            "Deployment",
            objectives.deployments,
            lambda over: grown(failures, over, semconv.SERVICE_NAME),
            series(registry.VSM_DEPLOYMENT_COUNT, where, result),
        )
    for name, metric, bounds in _TIMES:
        if (objective := getattr(objectives, name)) is not None:
            yield _histogram(name, metric, where, objective, getattr(declared.limits, name), bounds)


def _histogram(
    name: str,
    metric: Metric,
    where: dict[str, str],
    objective: float,
    limit: Length | None,
    bounds: Sequence[float],
) -> _Measured:
    """What took longer than a limit, which has to be a bound of the histogram."""
    if limit is None or limit.seconds not in bounds:
        known = ", ".join(f"{bound:.0f}s" for bound in bounds)
        raise ValueError(
            f"objectives.{name} counts what is within limits.{name}, which is {limit or 'null'} and has to be"
            f" one of {known}, or the same in other units"
        )
    # Versions of Prometheus write a bound with a fraction, or without.
    bound = f'le=~"{limit.seconds}(\\\\.0)?"'
    within = series(metric, where, bound, part="_bucket")
    whole = series(metric, where, part="_count")

    def missed(over: str) -> str:
        return f"{grown(whole, over, semconv.SERVICE_NAME)} - {grown(within, over, semconv.SERVICE_NAME)}"

    title = name.replace("_", " ")
    return _Measured(title.title().replace(" ", ""), title.capitalize(), objective, missed, whole)
