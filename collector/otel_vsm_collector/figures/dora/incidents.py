"""Incidents: how long until they were resolved and detected, and those that deployments are blamed for."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName, TaskResult, metrics
from otel_vsm_collector.declared.profiles import EARLIEST_SPAN
from otel_vsm_collector.derive.rules.evidence import INCIDENT
from otel_vsm_collector.derive.rules.incidents import counts
from otel_vsm_collector.facts import selection as select
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Aggregates, By, Family, duration
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Candidates, Case, Kind, because, shares, values
from otel_vsm_collector.figures.statistic import (
    elapsed_s,
    mean_of_services,
    statistic,
    with_service_shares,
)

SETTINGS = ("incident_severities", "statistic", "median")
BY_SERVICE = ("service", "environment")


def started(selection: Selection, by: By = ()) -> Candidates:
    """The incidents that started in the window."""
    rows = _incidents(selection, by)
    rows = rows.filter(_within(selection, rows.started_at)).mutate(at=rows.started_at)
    return Candidates(rows, ((~rows.counts, Reason.SEVERITY),))


def active_incidents(selection: Selection) -> ir.Table:
    """The incidents that had started by the window's end and were not resolved."""
    rows = _incidents(selection, ())
    rows = rows.filter(rows.counts, rows.started_at < selection.end)
    return rows.filter((rows.resolved_at >= selection.end).fill_null(True))


def active(selection: Selection) -> ir.Table:
    """(incidents): how many they are."""
    rows = active_incidents(selection)
    return rows.aggregate(incidents=rows.count())


def restored(selection: Selection, by: By = ()) -> Candidates:
    """The incidents that were resolved in the window, or started in it."""
    return _lasting(selection, _incidents(selection, by), "resolved_at", Reason.UNRESOLVED)


def detected(selection: Selection, by: By = ()) -> Candidates:
    """The incidents that were detected in the window, or started in it."""
    rows = _incidents(selection, by)
    # Where nobody said when users began to suffer, nobody knows how long it took to see that.
    unknown_start = (~rows.start_told.fill_null(False), Reason.START_NOT_TOLD)
    unresolved = (rows.resolved_at.isnull(), Reason.UNRESOLVED)
    return _lasting(selection, rows, "detected_at", Reason.NOT_DETECTED, unknown_start, unresolved)


def _lasting(selection: Selection, rows: ir.Table, until: str, not_yet: Reason, *further: Case) -> Candidates:
    """The seconds (value) from the start of incidents to a moment of theirs, of those of which it or the
    start is in the window."""
    in_window = _within(selection, rows[until])
    rows = rows.filter(in_window | _within(selection, rows.started_at))
    rows = rows.mutate(
        at=ifelse(in_window, rows[until], rows.started_at), value=elapsed_s(rows.started_at, rows[until])
    )
    cases = (
        (~rows.counts, Reason.SEVERITY),
        (rows[until].isnull(), not_yet),
        (~in_window, Reason.OUTSIDE_WINDOW),
        *further,
        (rows.value.isnull(), Reason.CLOCK_SKEW),
    )
    return Candidates(rows, cases)


def explained(candidates: Candidates) -> ir.Table:
    """The rows behind a duration; the method says what the start of an incident is taken from."""
    rows = _named(candidates.explained())
    method = ibis.cases(
        (rows.start_told, str(EventName.INCIDENT_STARTED)),
        (rows.detected_at == rows.started_at, str(EventName.INCIDENT_DETECTED)),
        else_=EARLIEST_SPAN,
    )
    return values(rows.mutate(method=method), Kind.INCIDENT)


def as_failures(selection: Selection) -> ir.Table:
    """A row per incident that started in the window, as a part of the change fail rate."""
    rows = _named(started(selection).explained())
    return shares(rows.mutate(part=rows.reason.isnull(), whole=False), Kind.INCIDENT)


def blaming_nobody(selection: Selection) -> ir.Table:
    """A row per incident that started in the window and for which no deployment in the window has failed."""
    incidents = _named(started(replace(selection, severity=None)).rows)
    deployments = selection.table("deployment").select(
        "service", "environment", "result", "finished_at", deployment_id="id"
    )
    causes = selection.table("evidence").filter(ibis._.source_kind == INCIDENT)
    causes = causes.select("deployment_id", "method", incident_id="source_id")
    causes = causes.join(deployments, "deployment_id")
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
        incidents.select("environment", "started_at", incident_id="name"), "incident_id"
    )
    own = services.join(first, ["service", "environment"])
    own = own.filter(own.first_at <= own.started_at).select(name="incident_id", own=True).distinct()
    anywhere = first.group_by("environment").agg(any_at=first.first_at.min())
    rows = incidents.left_join(blamed, incidents.name == blamed.incident_id).drop("incident_id")
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
    return shares(rows.mutate(part=False, whole=False, reason=reason), Kind.INCIDENT)


def _incidents(selection: Selection, by: By) -> ir.Table:
    """The incidents that pass the filters, of any time, and whether the profile counts them (counts)."""
    rows = select.told_incidents(selection, by)
    return rows.mutate(counts=counts(rows, selection.profile))


def _named(rows: ir.Table) -> ir.Table:
    # Which deployment it came from is told beside the row, not in it.
    return rows.rename(name="id").drop("deployment_id")


def _within(selection: Selection, moment: ir.IntegerColumn) -> ir.BooleanValue:
    return selection.within(moment).fill_null(False)


STARTED = Family(
    rows=lambda selection, by: started(selection, by).counted(),
    by=BY_SERVICE,
    parts=lambda _, rows: {"incidents": rows.count()},
)


def _restored(selection: Selection, by: By) -> ir.Table:
    rows = restored(selection, by).counted()
    if selection.profile.mean != "services":
        return rows
    return with_service_shares(rows, "value", [selection.part(rows["at"]), *(rows[name] for name in by)])


def _restore_parts(selection: Selection, rows: ir.Table) -> Aggregates:
    parts = statistic(rows.value, "time_to_restore", median=selection.profile.median)
    if selection.profile.mean == "services":
        parts["time_to_restore_mean"] = mean_of_services(rows, "value")
    return parts


RESTORED = Family(
    rows=_restored,
    by=BY_SERVICE,
    figures=(
        duration(
            "time_to_restore",
            "value",
            parts=_restore_parts,
            explained=lambda selection: explained(restored(selection)),
            settings=(*SETTINGS, "mean"),
            metric=metrics.VSM_DORA_TIME_TO_RESTORE,
        ),
    ),
)
DETECTED = Family(
    rows=lambda selection, by: detected(selection, by).counted(),
    by=BY_SERVICE,
    figures=(
        duration(
            "time_to_detect",
            "value",
            explained=lambda selection: explained(detected(selection)),
            settings=SETTINGS,
        ),
    ),
)

FAMILIES = (STARTED, RESTORED, DETECTED)
