"""Promotion: how long an artifact takes from another environment to the selected one."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import TaskResult
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Family, duration
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, values


def arrivals(selection: Selection) -> ir.Table:
    """(service, artifact, at, promotion_s): what first ran there in the window, production where no
    environment is selected, and for how long it had run in others; null where it had run nowhere else."""
    there = replace(selection, environment=selection.environment or PRODUCTION)
    rows = replace(selection, environment=None).apply(selection.table("deployment_report"))
    rows = rows.filter(rows.result == TaskResult.SUCCESS, rows.artifact.notnull())
    here = there.in_environment(rows.environment).fill_null(False)
    firsts = rows.group_by("service", "artifact").agg(
        at=rows.finished_at.min(where=here), elsewhere_at=rows.finished_at.min(where=~here)
    )
    came = firsts.filter(selection.within(firsts["at"]))
    took = (came["at"] - came.elsewhere_at) / NANOSECONDS
    return came.select("service", "artifact", "at", promotion_s=ifelse(took > 0, took, ibis.null("float64")))


def explained(selection: Selection) -> ir.Table:
    """A row per deployment that first brought an artifact there in the window."""
    arrived = arrivals(selection).rename(finished_at="at")
    rows = select.deployments(replace(selection, environment=selection.environment or PRODUCTION))
    rows = rows.filter(rows.result == TaskResult.SUCCESS)
    rows = rows.join(arrived, ["service", "artifact", "finished_at"])
    # Of two that brought it at the same time the first by name.
    rows = rows.group_by("service", "artifact").agg(
        name=rows.id.min(), at=rows.finished_at.min(), value=rows.promotion_s.min()
    )
    reason = because((rows.value.isnull(), Reason.NOWHERE_BEFORE))
    return values(rows.mutate(reason=reason), Kind.DEPLOYMENT)


ARRIVALS = Family(
    rows=lambda selection, by: arrivals(selection),
    figures=(
        duration("promotion_time", "promotion_s", explained=explained, settings=("statistic", "median")),
    ),
)

FAMILIES = (ARRIVALS,)
