"""Promotion: how long an artifact takes from another environment to the selected one."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.statistic import statistic


def promotions(selection: Selection) -> ir.Table:
    """The statistic `promotion`: the time from when a service first ran an artifact in any other environment
    until it first did in the selected one, in the window; production where none is selected."""
    came = arrivals(selection)
    return came.aggregate(**statistic(came.promotion_s, "promotion", median=selection.profile.median))


def arrivals(selection: Selection) -> ir.Table:
    """(service, artifact, arrived_at, promotion_s): what first ran there in the window; promotion_s is null
    where it had run nowhere else before."""
    there = replace(selection, environment=selection.environment or PRODUCTION)
    rows = replace(selection, environment=None).apply(selection.table("deployment_report"))
    rows = rows.filter(rows.result == TaskResult.SUCCESS, rows.artifact.notnull())
    here = there.in_environment(rows.environment).fill_null(False)
    firsts = rows.group_by("service", "artifact").agg(
        arrived_at=rows.finished_at.min(where=here), elsewhere_at=rows.finished_at.min(where=~here)
    )
    came = firsts.filter(selection.within(firsts.arrived_at))
    took = (came.arrived_at - came.elsewhere_at) / NANOSECONDS
    return came.select(
        "service", "artifact", "arrived_at", promotion_s=ifelse(took > 0, took, ibis.null("float64"))
    )
