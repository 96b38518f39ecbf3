"""Panels as all our dashboards have them: a number, lines over time, a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards import queries
from otel_vsm.semconv import metrics as registry
from otel_vsm_collector.metrics.prometheus_names import name_of

SECONDS, SHARE, PER_DAY, COUNT, BYTES = "s", "percentunit", "/ day", "short", "bytes"
"""Units, as Grafana calls them."""
TAG = "otel-vsm"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
Variable = Builder[VariableModel]
WIDE, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    expression: str
    legend: str = ""
    """With labels in {{braces}}; in a table the title of the column."""


def number(
    title: str, query: Query, unit: str, description: str, *, width: int = SIXTH, no_value: str = "–"
) -> stat.Panel:
    """The value of now, one for each series."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(_target(query).instant())
        .unit(unit)
        .no_value(no_value)
        .graph_mode(models.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(models.BigValueTextMode.VALUE_AND_NAME if query.legend else models.BigValueTextMode.VALUE)
        .height(5)
        .span(width)
    )


def trend(
    title: str, asked: Sequence[Query], unit: str, description: str, *, width: int = HALF, bars: bool = False
) -> timeseries.Panel:
    """Lines over time, or bars of what was counted in each interval."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .legend(
            common.VizLegendOptions()
            .display_mode(models.LegendDisplayMode.LIST)
            .placement(models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI))
        .height(8)
        .span(width)
    )
    if bars:
        panel.draw_style(models.GraphDrawStyle.BARS).fill_opacity(60)
        panel.stacking(common.StackingConfig().mode(models.StackingMode.NORMAL))
    for number, query in enumerate(asked):
        panel.with_target(_target(query, number).range())
    return panel


def listing(
    title: str,
    asked: Sequence[tuple[Query, str]],
    by: dict[str, str],
    description: str,
    *,
    width: int = WIDE,
    height: int = 8,
) -> table.Panel:
    """A row for each value of the labels `by` (label → title), a column for each query, which has a unit."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .no_value("–")
        .height(height)
        .span(width)
    )
    several = len(asked) > 1
    titles = dict(by)
    for number, (query, unit) in enumerate(asked):
        panel.with_target(_target(query, number).instant().format(PromQueryFormat.TABLE))
        titles[f"Value #{_letter(number)}" if several else "Value"] = query.legend
        panel.override_by_name(query.legend, [DynamicConfigValue("unit", unit)])
    if several:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    return panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: place for place, name in enumerate(titles)},
                "renameByName": titles,
            },
        )
    )


def board(
    title: str, uid: str, description: str, *, variables: Sequence[Variable], since: str = "now-30d"
) -> dashboard.Dashboard:
    """An empty dashboard, linked to the others."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time(since, "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Value stream management")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Prometheus")
            .type("prometheus")
            .hide(VariableHide.HIDE_LABEL)
        )
    )
    for variable in variables:
        made.with_variable(variable)
    return made


def service(everything: str = ".+") -> Variable:
    """`everything` is what all of them match; `.*` chooses also what is of none."""
    return _values("service", "Service", registry.VSM_DEPLOYMENT_COUNT, queries.SERVICE, everything)


def environment(current: str = "production") -> Variable:
    return _values(
        "environment", "Environment", registry.VSM_DEPLOYMENT_COUNT, queries.ENVIRONMENT, current=current
    )


def repository(everything: str = ".+") -> Variable:
    return _values("repository", "Repository", registry.VSM_CHANGE_ACTIVE, queries.REPOSITORY, everything)


def window(current: str = "30d") -> Variable:
    """The lengths of windows that figures are shown of: `windows` in vsm.yaml."""
    return (
        _variable("window", "Figures of the last", registry.VSM_DORA_DEPLOYMENT_FREQUENCY, queries.WINDOW)
        .sort(VariableSort.NUMERICAL_ASC)
        .current(VariableOption(text=current, value=current))
    )


def _values(
    name: str, label: str, metric: registry.Metric, of: str, everything: str = ".*", *, current: str = ""
) -> Variable:
    """A variable with several of a label's values: all of them, or `current` at the start."""
    made = _variable(name, label, metric, of).multi(True).include_all(True).all_value(everything)
    chosen = VariableOption(text=[current or "All"], value=[current or "$__all"])
    return made.sort(VariableSort.ALPHABETICAL_ASC).current(chosen)


def _variable(name: str, label: str, metric: registry.Metric, of: str) -> dashboard.QueryVariable:
    sample = name_of(metric) + ("_total" if metric.instrument == "counter" else "")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": f"label_values({sample}, {of})", "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def _target(query: Query, number: int = 0) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(SOURCE)
        .expr(query.expression)
        .legend_format(query.legend)
        .ref_id(_letter(number))
    )


def _letter(number: int) -> str:
    return chr(ord("A") + number)
