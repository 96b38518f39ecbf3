"""PromQL over the registry's metrics, filtered by the variables of a dashboard."""

from otel_vsm import semconv
from otel_vsm.semconv import Statistic
from otel_vsm.semconv import metrics as registry
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.metrics.prometheus_names import label_of, name_of

SERVICE = label_of(semconv.SERVICE_NAME)
ENVIRONMENT = label_of(semconv.DEPLOYMENT_ENVIRONMENT_NAME)
REPOSITORY = label_of(semconv.VCS_REPOSITORY_NAME)
STAGE = label_of(semconv.VSM_STAGE_NAME)
RESULT = label_of(semconv.CICD_PIPELINE_TASK_RUN_RESULT)
KIND = label_of(semconv.VSM_DEPLOYMENT_KIND)
METHOD = label_of(semconv.VSM_FAILURE_METHOD)
SEVERITY = label_of(semconv.VSM_INCIDENT_SEVERITY)
GATE = label_of(semconv.VSM_APPROVAL_GATE)
ACTOR = label_of(semconv.VSM_ACTOR_TYPE)
GAP = label_of(semconv.VSM_MEASUREMENT_GAP)
STATISTIC = label_of(semconv.VSM_STATISTIC)
TEAM = label_of(semconv.VSM_TEAM)
STREAM = label_of(semconv.VSM_VALUE_STREAM)
WINDOW = label_of(semconv.VSM_WINDOW)

VARIABLES = {
    semconv.SERVICE_NAME: '=~"$service"',
    semconv.DEPLOYMENT_ENVIRONMENT_NAME: '=~"$environment"',
    semconv.VCS_REPOSITORY_NAME: '=~"$repository"',
    semconv.VSM_WINDOW: '="$window"',
}
"""How a series is filtered by an attribute that its metric has."""


def series(metric: Metric, *more: str, part: str = "", statistic: Statistic | None = None) -> str:
    """A selector of what the dashboard's variables choose of a metric, and `more` matchers; `part` is the end
    of a sample's name, such as `_bucket`. A counter's samples end in `_total` by themselves."""
    matchers = [label_of(key) + how for key, how in VARIABLES.items() if key in metric.attributes]
    if statistic is not None:
        matchers.append(f'{STATISTIC}="{statistic}"')
    ending = "_total" if metric.instrument == "counter" else part
    return f"{name_of(metric)}{ending}{{{', '.join([*matchers, *more])}}}"


def together(metric: Metric, statistic: Statistic | None = None) -> str:
    """A selector of everything in production, of the chosen window."""
    none = (
        f'{label_of(key)}=""' for key in (semconv.SERVICE_NAME, semconv.VSM_TEAM, semconv.VSM_VALUE_STREAM)
    )
    of = [f'{WINDOW}="$window"', *none, *([f'{STATISTIC}="{statistic}"'] if statistic else ())]
    return f"{name_of(metric)}{{{', '.join(of)}}}"


def by_label(metric: Metric, label: str, statistic: Statistic | None = None) -> str:
    """A selector of the teams, or value streams: of the window that the collector answers for by default."""
    of = [f'{label}!=""', *([f'{STATISTIC}="{statistic}"'] if statistic else ())]
    return f"max by ({label}) ({name_of(metric)}{{{', '.join(of)}}})"


def grown(
    metric: Metric, *by: str, over: str = "$__range", more: tuple[str, ...] = (), part: str = ""
) -> str:
    """By how much a counter grew. Not by `increase`: after a restart the collector counts again all that it
    knows, and where that is less than before, `increase` would take all of it for new."""
    counted = series(metric, *more, part=part)
    return f"sum by ({', '.join(by)}) ({counted} - min_over_time({counted}[{over}]))"


def quantile(share: float, metric: Metric, *by: str, over: str = "$__range") -> str:
    """A quantile of the values that a histogram counted; where it counted none, there is nothing to show."""
    counted = grown(metric, "le", *by, over=over, part="_bucket")
    return f"histogram_quantile({share}, {counted}) >= 0"


def counted(metric: Metric) -> str:
    """The sum of a metric that has no series where there is nothing to count: 0 then, as long as there is a
    collector to say so."""
    return f"sum({series(metric)}) or 0 * max({series(registry.VSM_COLLECTOR_LAG)})"
