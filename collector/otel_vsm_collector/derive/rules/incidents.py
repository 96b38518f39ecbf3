"""Incidents: their times, and the deployment that each came from."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, FailureMethod, IncidentSeverity, TaskResult
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.changes import is_incident_event, known

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

    begun = events.event_name.isin([EventName.INCIDENT_STARTED, EventName.INCIDENT_DETECTED])
    opened = events.filter(begun).group_by("incident_id").agg(opened_at=ibis._.started_at.max())
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
        teams=known(by_id.teams),
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


def matching(service: ir.StringValue, profile: Profile, projects: Mapping[str, str]) -> ir.StringValue:
    """What an incident and a deployment have to share, besides the environment, for the one to be put down to
    the other: the service, or the project by the profile's definitions.

    `projects` says which project a service belongs to; those of none are one together.
    """
    if profile.incident_match == "service":
        return service
    if not projects:
        return ibis.literal("")
    return ibis.cases(*((service == name, project) for name, project in projects.items()), else_="")


def incident_causes(
    reports: ir.Table,
    services: ir.Table,
    names: ir.Table,
    links: ir.Table,
    rollouts: ir.Table,
    rollout_spans: ir.Table,
    profile: Profile,
    projects: Mapping[str, str],
) -> ir.Table:
    """The table `incident_cause`: which deployments each of the incidents in `reports` came from.

    All that it names or links to and that are known; else the latest successful one of its service (of any of
    its services) and environment that had ended before it started, if that is no longer ago than the
    profile's window.
    """
    linked = links.join(rollout_spans, ["trace_id", "span_id"]).select("incident_id", "deployment_id")
    named = names.semi_join(rollouts, names.deployment_id == rollouts.id)
    told = linked.union(named.select("incident_id", "deployment_id"), distinct=True)
    told = told.semi_join(reports, told.incident_id == reports.id)

    done = rollouts.filter(rollouts.result == TaskResult.SUCCESS)
    done = done.select(
        "finished_at",
        environment="environment",
        place=matching(done.service, profile, projects),
        deployment_id="id",
    )
    left = reports.anti_join(told, reports.id == told.incident_id)
    hit = left.select("environment", "started_at", incident_id="id").join(services, "incident_id")
    if profile.incident_match == "project":
        # Of a project an incident can be without a word on its service.
        hit = (
            left.select("environment", "started_at", "service", incident_id="id")
            .drop("service")
            .left_join(services, "incident_id")
            .drop("incident_id_right")
        )
    hit = hit.select(
        "incident_id",
        "environment",
        "started_at",
        place=matching(hit.service, profile, projects),
    ).distinct()
    before = _latest_before(hit, done)
    if profile.incident_window_s is not None:
        before = before.filter(
            before.started_at - before.finished_at <= int(profile.incident_window_s * 10**9)
        )
    latest = ibis.window(
        group_by=before.incident_id, order_by=[before.finished_at.desc(), before.deployment_id.desc()]
    )
    before = before.mutate(latest=ibis.row_number().over(latest))
    before = before.filter(before.latest == 0).select("incident_id", "deployment_id")
    return told.mutate(attribution=ibis.literal(str(FailureMethod.INCIDENT_LINK))).union(
        before.mutate(attribution=ibis.literal(str(FailureMethod.INCIDENT_WINDOW)))
    )


def _latest_before(hit: ir.Table, done: ir.Table) -> ir.Table:
    """Rows of `hit`, each with those of `done` (deployment_id, finished_at) that ended last before it
    started. Joining all that ended before it would give as many rows as there are such pairs."""
    where = ["environment", "place"]
    ends = done.select(*where, "finished_at", at="finished_at", incident_id=ibis.null("string"))
    begins = hit.select(*where, "incident_id", finished_at=ibis.null("int64"), at="started_at")
    # What ended at that very moment had ended.
    order = [ibis._["at"], ibis._.incident_id.notnull()]
    until_now = ibis.window(group_by=where, order_by=order, preceding=(None, 0))
    told = ends.union(begins.select(ends.columns))
    told = told.mutate(finished_at=told.finished_at.max().over(until_now))
    latest = told.filter(told.incident_id.notnull(), told.finished_at.notnull())
    latest = latest.select(*where, "incident_id", "finished_at", started_at="at")
    return latest.join(done, [*where, "finished_at"])


def incidents(reports: ir.Table, causes: ir.Table, rollouts: ir.Table) -> ir.Table:
    """The table `incident`: the reports, each with the deployment that it came from; of several the one that
    finished first."""
    ended = rollouts.select("finished_at", deployment_id="id")
    told = causes.join(ended, "deployment_id")
    first = ibis.window(group_by=told.incident_id, order_by=[told.finished_at, told.deployment_id])
    told = told.mutate(place=ibis.row_number().over(first))
    told = told.filter(told.place == 0).select("incident_id", "deployment_id", "attribution")
    return reports.left_join(told, reports.id == told.incident_id).drop("incident_id")
