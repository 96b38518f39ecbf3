"""The figures that can be explained: their rows, the settings that they follow, where their value is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import ibis.expr.types as ir

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.dora import dora
from otel_vsm_collector.figures.explain import approvals, deployments, incidents, lead_time, runs, work
from otel_vsm_collector.figures.explain.lead_time import DELIVERIES
from otel_vsm_collector.figures.flow import flow


@dataclass(frozen=True, slots=True)
class Explained:
    rows: Callable[[Selection], ir.Table]
    """Of the shape `rows.ROWS`."""
    settings: tuple[str, ...]
    """Those of a profile that it depends on."""
    counted: Callable[[Selection], ir.Table] | None = None
    """The rows that count, where these alone are less work."""
    among: Callable[[Reader, Selection], dict[str, Any]] = dora
    """What gives the figure itself, with others."""

    def counted_rows(self, selection: Selection) -> ir.Table:
        if self.counted is not None:
            return self.counted(selection)
        rows = self.rows(selection)
        return rows.filter(rows.counted)


Figure = Literal[
    "change_lead_time",
    "deployment_frequency",
    "change_fail_rate",
    "failed_deployment_recovery_time",
    "deployment_rework_rate",
    "time_to_restore",
    "time_to_detect",
    "flow_time",
    "active_time",
    "cycle_time",
    "flow_efficiency",
    "throughput_per_day",
    "wip",
    "rework",
    "handoffs",
    "approvals",
    "pipeline",
    "promotion_time",
    "rollback",
]
_of_flow = partial(Explained, among=flow)
EXPLAINED: dict[Figure, Explained] = {
    "change_lead_time": Explained(lead_time.lead_times, lead_time.SETTINGS, lead_time.counted_lead_times),
    "deployment_frequency": Explained(deployments.frequency, ()),
    "change_fail_rate": Explained(deployments.fail_rate, deployments.FAIL_RATE_SETTINGS),
    "failed_deployment_recovery_time": Explained(deployments.recovery_time, deployments.RECOVERY_SETTINGS),
    "deployment_rework_rate": Explained(deployments.rework_rate, deployments.REWORK_SETTINGS),
    "time_to_restore": Explained(incidents.restored, incidents.SETTINGS),
    "time_to_detect": Explained(incidents.detected, incidents.SETTINGS),
    "flow_time": _of_flow(partial(work.times, value="flow_s"), work.TIME_SETTINGS),
    "active_time": _of_flow(partial(work.times, value="active_s"), work.TIME_SETTINGS),
    "cycle_time": _of_flow(partial(work.times, value="cycle_s"), work.TIME_SETTINGS),
    "flow_efficiency": _of_flow(partial(work.times, value="active_s", of_s="flow_s"), DELIVERIES),
    "throughput_per_day": _of_flow(work.throughput, DELIVERIES),
    "wip": _of_flow(work.in_progress, work.IN_PROGRESS_SETTINGS),
    "rework": _of_flow(runs.rework, ()),
    "handoffs": _of_flow(runs.handoffs, ("statistic", "median")),
    "approvals": _of_flow(approvals.approvals, approvals.SETTINGS),
    "pipeline": _of_flow(runs.pipelines, ()),
    "promotion_time": _of_flow(deployments.promotions, ("statistic", "median")),
    "rollback": _of_flow(deployments.rollbacks, ()),
}
OF_VALUES = ("statistic", "median", "mean")
"""The settings that say what is made of the rows' values, and change none of them."""


def value(reader: Reader, figure: Figure, selection: Selection) -> Any:
    """The figure, as the API shows it among the others."""
    return EXPLAINED[figure].among(reader, selection)[figure]


def settings(figure: Figure, profile: Profile) -> dict[str, Any]:
    """The settings of a profile that a figure depends on, as they would be written."""
    told, names = profile.model_dump(mode="json"), [*EXPLAINED[figure].settings]
    if figure == "change_fail_rate" and profile.fail_rate_per == "lead_times":
        names += [name for name in lead_time.SETTINGS if name not in (*names, *OF_VALUES)]
    return {name: told[name] for name in names}


def counts(reader: Reader, figure: Figure, selection: Selection) -> list[dict[str, Any]]:
    """How many rows count and do not, by method and reason (counted, method, reason, rows)."""
    return reader.answer(_counts, selection, figure)


def _counts(selection: Selection, figure: Figure) -> ir.Table:
    rows = EXPLAINED[figure].rows(selection)
    told = rows.group_by("counted", "method", "reason").agg(rows=rows.count())
    return told.order_by(told.counted.desc(), told.rows.desc(), told.method, told.reason)
