"""Incidents: their times, and the deployment that each came from."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, IncidentSeverity
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.changes import is_incident_event, or_empty

_MOST_SEVERE_FIRST = (
    IncidentSeverity.CRITICAL,
    IncidentSeverity.HIGH,
    IncidentSeverity.MEDIUM,
    IncidentSeverity.LOW,
)


def incident_reports(spans: ir.Table) -> ir.Table:
    """The table `incident_report` from the spans of whole incidents.

    The first telling of an event counts, and the highest severity that was ever told. An incident that
    names no environment is one of production. Where nobody said when users began to suffer, the
    detection stands in for it, and where nobody said that either, the first that was heard of it. What was
    told of again after it had been resolved was opened again: it is resolved when that is.
    """
    events = spans.filter(is_incident_event(spans))

    def first(event: EventName) -> ir.IntegerScalar:
        return events.started_at.min(where=events.event_name == event)

    is_start = events.event_name.isin([EventName.INCIDENT_STARTED, EventName.INCIDENT_DETECTED])
    opened = events.filter(is_start).group_by("incident_id").agg(opened_at=ibis._.started_at.max())
    ends = events.filter(events.event_name == EventName.INCIDENT_RESOLVED).left_join(opened, "incident_id")
    ends = ends.filter(ends.started_at >= ends.opened_at.fill_null(ends.started_at))
    ends = ends.group_by("incident_id").agg(resolved_at=ends.started_at.min())
    by_id = events.group_by("incident_id").agg(
        service=events.service.min(),
        environment=events.environment.min(),
        **{level.name: (events.severity == level).any() for level in _MOST_SEVERE_FIRST},
        started_at=first(EventName.INCIDENT_STARTED),
        detected_at=first(EventName.INCIDENT_DETECTED),
        acknowledged_at=first(EventName.INCIDENT_ACKNOWLEDGED),
        mitigated_at=first(EventName.INCIDENT_MITIGATED),
        heard_at=events.started_at.min(),
        trace_id=events.trace_id.min(),
        teams=events.team.collect(distinct=True).sort(),
        value_streams=events.value_stream.collect(distinct=True).sort(),
    )
    by_id = by_id.left_join(ends, "incident_id").drop("incident_id_right")
    return by_id.select(
        id=by_id.incident_id,
        service=by_id.service,
        environment=ibis.coalesce(by_id.environment, PRODUCTION),
        severity=ibis.cases(*((by_id[level.name], level.value) for level in _MOST_SEVERE_FIRST)),
        started_at=ibis.coalesce(by_id.started_at, by_id.detected_at, by_id.heard_at),
        start_told=by_id.started_at.notnull(),
        detected_at=by_id.detected_at,
        acknowledged_at=by_id.acknowledged_at,
        mitigated_at=by_id.mitigated_at,
        resolved_at=by_id.resolved_at,
        trace_id=by_id.trace_id,
        teams=or_empty(by_id.teams),
        value_streams=or_empty(by_id.value_streams),
    )


def incident_traces(spans: ir.Table) -> ir.Table:
    """The table `incident_trace`: where the spans of incidents are."""
    return spans.filter(is_incident_event(spans)).select("incident_id", "trace_id").distinct()


def incident_services(spans: ir.Table) -> ir.Table:
    """The table `incident_service`: whom incidents hit."""
    events = spans.filter(is_incident_event(spans), spans.service.notnull())
    return events.select("incident_id", "service").distinct()


def incident_names(spans: ir.Table) -> ir.Table:
    """The table `incident_name`: the deployments that incidents name."""
    events = spans.filter(is_incident_event(spans), spans.deployment_id.notnull())
    return events.select("incident_id", "deployment_id").distinct()


def incident_links(spans: ir.Table, links: ir.Table) -> ir.Table:
    """The table `incident_link`: the spans that incidents point to."""
    events = spans.filter(is_incident_event(spans))
    pointed = events.join(links, ["trace_id", "span_id"])
    return pointed.select(
        "incident_id", trace_id=pointed.linked_trace_id, span_id=pointed.linked_span_id
    ).distinct()


def counts(incidents: ir.Table, profile: Profile) -> ir.BooleanValue:
    """Whether the profile counts incidents of their `severity`."""
    if profile.incident_severities is None:
        return ibis.literal(True)
    return incidents.severity.isin([str(level) for level in profile.incident_severities]).fill_null(False)


def incidents(reports: ir.Table, evidence: ir.Table, deployments: ir.Table) -> ir.Table:
    """The table `incident`: the reports, each with the deployment that it came from; of several the one that
    finished first. `evidence` are the rows that point to incidents."""
    ended = deployments.select("finished_at", deployment_id="id", deploy_started_at="started_at")
    causes = evidence.select("deployment_id", incident_id="source_id", attribution="method")
    causes = causes.join(ended, "deployment_id")
    first = ibis.window(
        group_by=causes.incident_id,
        order_by=[causes.finished_at, causes.deploy_started_at, causes.deployment_id],
    )
    causes = causes.mutate(rank=ibis.row_number().over(first))
    causes = causes.filter(causes["rank"] == 0).select("incident_id", "deployment_id", "attribution")
    return reports.left_join(causes, reports.id == causes.incident_id).drop("incident_id")
