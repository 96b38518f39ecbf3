"""Deployments: how often they succeed, fail their users, are mended, and mend others."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import TaskResult, metrics
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import OF_VALUES, Computed, Family, Parts, Row, duration, share
from otel_vsm_collector.figures.dora import incidents, lead_time
from otel_vsm_collector.figures.dora.incidents import STARTED
from otel_vsm_collector.figures.dora.lead_time import DELIVERED
from otel_vsm_collector.figures.explain.evidence import evidence
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Candidates, Kind, because, shares, values
from otel_vsm_collector.figures.statistic import elapsed_s, ratio

FAILURES = (
    "failure_methods",
    "incident_window_s",
    "incident_match",
    "incident_severities",
    "first_deployment",
    "mapping",
)
"""The settings of a profile that decide which deployments failed; what they carry tells hotfixes."""


def finished(selection: Selection) -> Candidates:
    """The deployments that finished in the window, of which those count that succeeded.

    Only what succeeded (done) has `failed` its users, did `rework`, and has a `recovery_s`: the seconds that
    its failure lasted. What was over before the deployment's end says nothing of that.
    """
    rows = select.deployments(selection)
    done = rows.result == TaskResult.SUCCESS
    failed = done & rows.failed.fill_null(False)
    since = rows.finished_at if selection.profile.recovery_start == "deployment_end" else rows.failure_at
    sound = failed & (rows.recovered_at >= rows.finished_at)
    rows = rows.mutate(
        at=rows.finished_at,
        done=done,
        failed=failed,
        rework=done & rows.rework.fill_null(False),
        recovery_s=ifelse(sound, elapsed_s(since, rows.recovered_at), ibis.null("float64")),
    )
    return Candidates(rows, ((~rows.done, Reason.UNSUCCESSFUL),))


def _explained(selection: Selection) -> ir.Table:
    return finished(selection).explained().rename(name="id")


def frequency(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    return values(_explained(selection), Kind.DEPLOYMENT)


def _frequency(row: Row, parts: Parts) -> Row:
    deployments = row.get("deployments") or 0
    return {
        "deployments": deployments,
        "days_with_deployments": row.get("days") or 0,
        # Before a window that begins with the epoch there is none: it has no days.
        "per_day": deployments / days if (days := parts.selection.days) else 0.0,
    }


def fail_rate(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window and incident that started in it; where the rate is of
    lead times, per change that these are of."""
    profile = selection.profile
    by_deployment, by_lead_time = (
        profile.fail_rate_of == "failed_deployments",
        profile.fail_rate_per == "lead_times",
    )
    rows = _explained(selection)
    pieces = evidence(selection).select(name="id", evidence=True).distinct()
    rows = rows.left_join(pieces, "name").drop("name_right")
    failed = rows.failed & by_deployment
    not_used = rows.evidence.notnull() & ~failed if by_deployment else ibis.literal(False)
    rows = rows.mutate(
        part=failed,
        whole=ibis.literal(not by_lead_time) & rows.done,
        method=ifelse(failed, rows.failure_method, ibis.null("string")),
        reason=ibis.coalesce(rows.reason, because((not_used, Reason.METHOD_NOT_USED))),
    )
    tables = [shares(rows, Kind.DEPLOYMENT)] if by_deployment or not by_lead_time else []
    tables.append(incidents.blaming_nobody(selection) if by_deployment else incidents.as_failures(selection))
    if by_lead_time:
        delivered = lead_time.lead_times(selection)
        delivered = delivered.mutate(part=False, whole=delivered.counted & delivered.value.notnull())
        tables.append(shares(delivered, Kind.CHANGE))
    return ibis.union(*tables)


def _fail_rate(row: Row, parts: Parts) -> Row:
    profile, deployments = parts.selection.profile, row.get("deployments") or 0
    if profile.fail_rate_of == "incidents":
        failed = int(parts.of(STARTED).get("incidents") or 0)
    else:
        failed = int(row.get("failed") or 0)
    if profile.fail_rate_per == "lead_times":
        whole = parts.of(DELIVERED).get(f"{lead_time.NAME}_count") or 0
    else:
        whole = max(deployments, 1) if profile.fail_rate_per == "deployments_or_one" else deployments
    return {"failed": failed, "deployments": deployments, "ratio": ratio(failed, whole)}


def _fail_rate_settings(profile: Profile) -> tuple[str, ...]:
    names = (*FAILURES, "fail_rate_of", "fail_rate_per")
    if profile.fail_rate_per != "lead_times":
        return names
    return (*names, *(name for name in lead_time.SETTINGS if name not in (*names, *OF_VALUES)))


def rework_rate(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    rows = _explained(selection)
    remedy = selection.table("remedy").select("method", name="id")
    rows = rows.left_join(remedy, "name").drop("name_right")
    method = ifelse(rows.rework, ibis.coalesce(rows.method, INCIDENT), ibis.null("string"))
    return shares(rows.mutate(part=rows.rework, whole=rows.done, method=method), Kind.DEPLOYMENT)


def recovery_time(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window and failed, whether for its users or before."""
    rows, cases = finished(selection)
    rows = rows.filter(~rows.done | rows.failed)
    cases = (
        *cases,
        (rows.recovered_at.isnull(), Reason.NOT_RECOVERED),
        (rows.recovery_s.isnull(), Reason.CLOCK_SKEW),
    )
    rows = Candidates(rows, cases).explained()
    rows = rows.rename(name="id").mutate(value=rows.recovery_s, method=rows.recovery_method)
    return values(rows, Kind.DEPLOYMENT)


FINISHED = Family(
    rows=lambda selection, by: finished(selection).counted(),
    by=("service", "environment"),
    parts=lambda _, rows: {"deployments": rows.count()},
    figures=(
        Computed(
            figure=FIGURES["deployment_frequency"],
            parts=lambda selection, rows: {"days": selection.day(rows.finished_at).nunique()},
            value=_frequency,
            explained=frequency,
            metric=metrics.VSM_DORA_DEPLOYMENT_FREQUENCY,
        ),
        Computed(
            figure=FIGURES["change_fail_rate"],
            parts=lambda _, rows: {"failed": rows.failed.sum()},
            value=_fail_rate,
            explained=fail_rate,
            settings=_fail_rate_settings,
            metric=metrics.VSM_DORA_CHANGE_FAIL_RATE,
        ),
        duration(
            "failed_deployment_recovery_time",
            "recovery_s",
            explained=recovery_time,
            settings=(*FAILURES, "recovery_start", "statistic", "median"),
            metric=metrics.VSM_DORA_FAILED_DEPLOYMENT_RECOVERY_TIME,
        ),
        share(
            "deployment_rework_rate",
            "rework",
            explained=rework_rate,
            settings=("first_deployment", "mapping"),
            metric=metrics.VSM_DORA_DEPLOYMENT_REWORK_RATE,
        ),
    ),
)

FAMILIES = (FINISHED,)
