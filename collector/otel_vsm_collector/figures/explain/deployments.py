"""The deployments behind frequency, fail rate, rework rate and recovery, promotions and rollbacks."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import FailureMethod, TaskResult
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain import incidents, lead_time
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares, values
from otel_vsm_collector.figures.promotions import arrivals

FAILURES = (
    "failure_methods",
    "incident_window_s",
    "incident_match",
    "incident_severities",
    "first_deployment",
    "mapping",
)
"""The settings of a profile that decide which deployments failed; what they carry tells hotfixes."""
FAIL_RATE_SETTINGS = (*FAILURES, "fail_rate_of", "fail_rate_per")
RECOVERY_SETTINGS = (*FAILURES, "recovery_start", "statistic", "median")
REWORK_SETTINGS = ("first_deployment", "mapping")


def frequency(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    return values(_finished(selection), Kind.DEPLOYMENT)


def fail_rate(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window and incident that started in it; where the rate is of
    lead times, per change that these are of."""
    profile = selection.profile
    rows = _finished(selection)
    by_deployment = profile.fail_rate_of == "failed_deployments"
    below = ibis.literal(profile.fail_rate_per != "lead_times") & rows.done
    about = selection.table("evidence").select(name="deployment_id").distinct()
    rows = rows.left_join(about.mutate(evidence=True), "name").drop("name_right")
    failed = rows.done & rows.failed.fill_null(False) & by_deployment
    not_used = rows.evidence.notnull() & ~failed if by_deployment else ibis.literal(False)
    rows = rows.mutate(
        part=failed,
        whole=below,
        method=ifelse(failed, rows.failure_method, ibis.null("string")),
        reason=ibis.coalesce(rows.reason, because((not_used, Reason.METHOD_NOT_USED))),
    )
    found = [shares(rows, Kind.DEPLOYMENT)] if by_deployment or profile.fail_rate_per != "lead_times" else []
    told = incidents.started(selection) if not by_deployment else incidents.blaming_nobody(selection)
    found.append(told)
    if profile.fail_rate_per == "lead_times":
        delivered = lead_time.lead_times(selection)
        delivered = delivered.mutate(part=False, whole=delivered.counted & delivered.value.notnull())
        found.append(shares(delivered, Kind.CHANGE))
    return ibis.union(*found)


def rework_rate(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    rows = _finished(selection)
    remedy = selection.table("remedy").select("method", name="id")
    rows = rows.left_join(remedy, "name").drop("name_right")
    part = rows.done & rows.rework.fill_null(False)
    method = ifelse(part, ibis.coalesce(rows.method, INCIDENT), ibis.null("string"))
    return shares(rows.mutate(part=part, whole=rows.done, method=method), Kind.DEPLOYMENT)


def recovery_time(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window and failed, whether for its users or before."""
    rows = _finished(selection)
    rows = rows.filter(~rows.done | rows.failed.fill_null(False))
    since = rows.finished_at if selection.profile.recovery_start == "deployment_end" else rows.failure_at
    sound = rows.done & (rows.recovered_at >= rows.finished_at) & (rows.recovered_at >= since)
    took = ifelse(sound, (rows.recovered_at - since) / NANOSECONDS, ibis.null("float64"))
    reason = because(
        (~rows.done, Reason.UNSUCCESSFUL),
        (rows.recovered_at.isnull(), Reason.NOT_RECOVERED),
        (took.isnull(), Reason.CLOCK_SKEW),
    )
    rows = rows.mutate(value=took, reason=reason, method=rows.recovery_method)
    return values(rows, Kind.DEPLOYMENT)


def promotions(selection: Selection) -> ir.Table:
    """A row per deployment that first brought an artifact there in the window."""
    arrived = arrivals(selection).rename(finished_at="arrived_at")
    rows = select.deployments(replace(selection, environment=selection.environment or PRODUCTION))
    rows = rows.filter(rows.result == TaskResult.SUCCESS)
    rows = rows.join(arrived, ["service", "artifact", "finished_at"])
    # Of two that brought it at the same time the first by name.
    rows = rows.group_by("service", "artifact").agg(
        name=rows.id.min(), at=rows.finished_at.min(), value=rows.promotion_s.min()
    )
    reason = because((rows.value.isnull(), Reason.NOWHERE_BEFORE))
    return values(rows.mutate(reason=reason), Kind.DEPLOYMENT)


def rollbacks(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    rows = _finished(selection)
    back = selection.table("remedy")
    back = back.filter(back.method == FailureMethod.ROLLBACK).select(name="id", back=True)
    rows = rows.left_join(back, "name").drop("name_right")
    return shares(rows.mutate(part=rows.done & rows.back.notnull(), whole=rows.done), Kind.DEPLOYMENT)


def _finished(selection: Selection) -> ir.Table:
    rows = select.deployments(selection).rename(name="id")
    done = rows.result == TaskResult.SUCCESS
    return rows.mutate(at=rows.finished_at, done=done, reason=because((~done, Reason.UNSUCCESSFUL)))
