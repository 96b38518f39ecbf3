"""Incidents: their times, and the deployment that each came from."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, IncidentSeverity, TaskResult
from otel_vsm_collector.derive.changes import is_incident_event, known

LINKED = "incident_link"
IN_WINDOW = "incident_window"
WINDOW_NS = 72 * 3600 * 10**9
"""How long after a deployment an incident of its service still counts as the deployment's."""
PRODUCTION = "production"

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
    detection stands in for it, and where nobody said that either, the first that was heard of it.
    """
    events = spans.filter(is_incident_event(spans))

    def first(event: EventName) -> ir.IntegerScalar:
        return events.started_at.min(where=events.event_name == event)

    by_id = events.group_by("incident_id").agg(
        service=events.service.min(),
        environment=events.environment.min(),
        **{level.name: (events.severity == level).any() for level in _MOST_SEVERE_FIRST},
        started_at=first(EventName.INCIDENT_STARTED),
        detected_at=first(EventName.INCIDENT_DETECTED),
        acknowledged_at=first(EventName.INCIDENT_ACKNOWLEDGED),
        mitigated_at=first(EventName.INCIDENT_MITIGATED),
        resolved_at=first(EventName.INCIDENT_RESOLVED),
        heard_at=events.started_at.min(),
        named_deployment_id=events.deployment_id.min(),
        trace_id=events.trace_id.min(),
        teams=events.team.collect(distinct=True).sort(),
    )
    return by_id.select(
        id=by_id.incident_id,
        service=by_id.service,
        environment=ibis.coalesce(by_id.environment, PRODUCTION),
        severity=ibis.cases(*((by_id[level.name], level.value) for level in _MOST_SEVERE_FIRST)),
        started_at=ibis.coalesce(by_id.started_at, by_id.detected_at, by_id.heard_at),
        detected_at=by_id.detected_at,
        acknowledged_at=by_id.acknowledged_at,
        mitigated_at=by_id.mitigated_at,
        resolved_at=by_id.resolved_at,
        named_deployment_id=by_id.named_deployment_id,
        trace_id=by_id.trace_id,
        teams=known(by_id.teams),
    )


def incident_links(spans: ir.Table, links: ir.Table) -> ir.Table:
    """The table `incident_link`: the spans that incidents point to."""
    events = spans.filter(is_incident_event(spans))
    pointed = events.join(links, ["trace_id", "span_id"])
    return pointed.select(
        "incident_id", trace_id=pointed.linked_trace_id, span_id=pointed.linked_span_id
    ).distinct()


def incidents(reports: ir.Table, links: ir.Table, rollouts: ir.Table, rollout_spans: ir.Table) -> ir.Table:
    """The table `incident`: the reports, each with the deployment that it came from.

    Named or linked first, where such a one is known; else the latest successful deployment of its service and
    environment that had ended before it started, if that is no longer ago than the window.
    """
    linked = links.join(rollout_spans, ["trace_id", "span_id"])
    linked = linked.group_by("incident_id").agg(linked_id=linked.deployment_id.min())
    told = reports.left_join(linked, reports.id == linked.incident_id).drop("incident_id")
    known = rollouts.select(known_id="id")
    told = told.left_join(known, told.named_deployment_id == known.known_id)
    told = told.mutate(told_id=ibis.coalesce(told.known_id, told.linked_id))

    done = rollouts.filter(rollouts.result == TaskResult.SUCCESS).select(
        "service", "environment", "finished_at", deployment_id=rollouts.id
    )
    before = told.filter(told.told_id.isnull()).join(
        done,
        [
            told.service == done.service,
            told.environment == done.environment,
            done.finished_at <= told.started_at,
            done.finished_at >= told.started_at - WINDOW_NS,
        ],
    )
    latest = ibis.window(
        group_by=before.id, order_by=[before.finished_at.desc(), before.deployment_id.desc()]
    )
    before = before.mutate(place=ibis.row_number().over(latest))
    before = before.filter(before.place == 0).select(incident_id=before.id, window_id=before.deployment_id)
    whole = told.left_join(before, told.id == before.incident_id)
    return whole.select(
        "id",
        "service",
        "environment",
        "severity",
        "started_at",
        "detected_at",
        "acknowledged_at",
        "mitigated_at",
        "resolved_at",
        deployment_id=ibis.coalesce(whole.told_id, whole.window_id),
        attribution=ibis.cases((whole.told_id.notnull(), LINKED), (whole.window_id.notnull(), IN_WINDOW)),
        trace_id=whole.trace_id,
        teams=whole.teams,
    )
