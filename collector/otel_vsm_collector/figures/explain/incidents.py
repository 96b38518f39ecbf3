"""The incidents behind time to restore and to detect, and those that deployments are blamed for."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName, TaskResult
from otel_vsm_collector.declared.profiles import EARLIEST_SPAN
from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.selection import Selection, told_incidents
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares, values

SETTINGS = ("incident_severities", "statistic", "median")


def restored(selection: Selection) -> ir.Table:
    """A row per incident that was resolved in the window, or started in it."""
    return _lasting(selection, _told(selection), "resolved_at", Reason.UNRESOLVED)


def detected(selection: Selection) -> ir.Table:
    """A row per incident that was detected in the window, or started in it."""
    rows = _told(selection)
    not_known = (~rows.start_told, Reason.START_NOT_TOLD)
    unresolved = (rows.resolved_at.isnull(), Reason.UNRESOLVED)
    return _lasting(selection, rows, "detected_at", Reason.NOT_DETECTED, not_known, unresolved)


def _lasting(
    selection: Selection,
    rows: ir.Table,
    until: str,
    unknown: Reason,
    *left_out: tuple[ir.BooleanValue, Reason],
) -> ir.Table:
    """How long incidents took from their start until that moment, where it or the start is in the window."""
    rows = rows.filter(_within(selection, rows[until]) | _within(selection, rows.started_at))
    took = _after(rows[until], rows.started_at)
    reason = because(
        (~rows.counts, Reason.SEVERITY),
        (rows[until].isnull(), unknown),
        (~_within(selection, rows[until]), Reason.OUTSIDE_WINDOW),
        *left_out,
        (took.isnull(), Reason.CLOCK_SKEW),
    )
    at = ifelse(_within(selection, rows[until]), rows[until], rows.started_at)
    return values(rows.mutate(at=at, value=took, reason=reason, method=_start_method(rows)), Kind.INCIDENT)


def started(selection: Selection) -> ir.Table:
    """A row per incident that started in the window, as a part of the change fail rate."""
    rows = _told(selection)
    rows = rows.filter(_within(selection, rows.started_at))
    reason = because((~rows.counts, Reason.SEVERITY))
    rows = rows.mutate(at=rows.started_at, part=rows.counts, whole=False, reason=reason)
    return shares(rows, Kind.INCIDENT)


def blaming_nobody(selection: Selection) -> ir.Table:
    """A row per incident that started in the window and for which no deployment in the window has failed."""
    told = _told(replace(selection, severity=None))
    told = told.filter(_within(selection, told.started_at))
    deployments = selection.table("deployment").select(
        "service", "environment", "result", "finished_at", deployment_id="id"
    )
    causes = selection.table("evidence").filter(ibis._.source_kind == INCIDENT)
    causes = causes.select("deployment_id", "method", incident_id="source_id").join(
        deployments, "deployment_id"
    )
    used = causes.method.isin([str(method) for method in selection.profile.failure_methods])
    done = causes.result == TaskResult.SUCCESS
    blamed = causes.group_by("incident_id").agg(
        here=(used & done & selection.within(causes.finished_at)).any(),
        elsewhere=(used & done).any(),
        done=done.any(),
    )
    first = deployments.filter(deployments.result == TaskResult.SUCCESS)
    first = first.group_by("service", "environment").agg(first_at=first.finished_at.min())
    services = selection.table("incident_service").join(
        told.select("environment", "started_at", incident_id="name"), "incident_id"
    )
    own = services.join(first, ["service", "environment"])
    own = own.filter(own.first_at <= own.started_at).select(name="incident_id", own=True).distinct()
    anywhere = first.group_by("environment").agg(any_at=first.first_at.min())
    rows = told.left_join(blamed, told.name == blamed.incident_id).drop("incident_id")
    rows = rows.left_join(own, "name").drop("name_right")
    rows = rows.left_join(anywhere, "environment").drop("environment_right")
    rows = rows.filter(~(rows.here.fill_null(False) & rows.counts))
    reason = because(
        (~rows.counts, Reason.SEVERITY),
        (rows.elsewhere.fill_null(False), Reason.OUTSIDE_WINDOW),
        (rows.done.fill_null(False), Reason.METHOD_NOT_USED),
        (rows.done.notnull(), Reason.UNSUCCESSFUL),
        (rows.own.notnull(), Reason.TOO_LONG_AFTER),
        (rows.any_at <= rows.started_at, Reason.OTHER_SERVICE),
        otherwise=Reason.NO_DEPLOYMENT,
    )
    return shares(rows.mutate(at=rows.started_at, part=False, whole=False, reason=reason), Kind.INCIDENT)


def _told(selection: Selection) -> ir.Table:
    """The incidents that pass the filters, of any time; `counts` says whether the profile counts them."""
    rows = told_incidents(selection)
    levels = selection.profile.incident_severities
    counts = ibis.literal(True)
    if levels is not None:
        counts = rows.severity.isin([str(level) for level in levels]).fill_null(False)
    return rows.mutate(counts=counts).rename(name="id").drop("deployment_id")


def _start_method(rows: ir.Table) -> ir.StringValue:
    """What the start of an incident is taken from."""
    return ibis.cases(
        (rows.start_told, str(EventName.INCIDENT_STARTED)),
        (rows.detected_at == rows.started_at, str(EventName.INCIDENT_DETECTED)),
        else_=EARLIEST_SPAN,
    )


def _within(selection: Selection, moment: ir.IntegerColumn) -> ir.BooleanValue:
    return selection.within(moment).fill_null(False)


def _after(moment: ir.IntegerColumn, start: ir.IntegerColumn) -> ir.FloatingColumn:
    return ifelse(moment >= start, (moment - start) / NANOSECONDS, ibis.null("float64"))
