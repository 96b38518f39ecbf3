"""Which deployments failed and how that is known, what recovered them."""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.sequence import PAIR

BY_INCIDENT = "incident"


def failures(places: ir.Table, remedies: ir.Table, causes: ir.Table, profile: Profile) -> ir.Table:
    """The failed ones among the deployments of `places`, each with the first method that applies.

    `remedies` are those that mend one of them, `causes` the incidents that came from one (`with_incidents`).
    Only what succeeded can fail its users. Columns: id, service, environment, number and three that begin
    with failure_.
    """
    done = places.filter(places.number.notnull()).select("id", *PAIR, "number")
    mended = remedies.select("mended_id", "method", at="started_at", incident_id=ibis.null("string"))
    caused = causes.select(
        mended_id="deployment_id", method="attribution", at="started_at", incident_id="incident_id"
    )
    evidence = mended.union(caused)
    evidence = evidence.filter(evidence.method.isin([str(method) for method in profile.failure_methods]))
    found = done.join(evidence, done.id == evidence.mended_id)
    ranks = [(found.method == str(method), place) for place, method in enumerate(profile.failure_methods)]
    rank = ibis.cases(*ranks) if ranks else ibis.literal(0)
    first = ibis.window(group_by=found.id, order_by=[rank, found["at"], found.incident_id])
    found = found.mutate(place=ibis.row_number().over(first))
    return found.filter(found.place == 0).select(
        "id", *PAIR, "number", failure_method="method", failure_incident_id="incident_id", failure_at="at"
    )


def with_incidents(causes: ir.Table, incidents: ir.Table, profile: Profile) -> ir.Table:
    """Rows of `incident_cause` that count, with the started_at and resolved_at of their incidents."""
    told = incidents.select("started_at", "resolved_at", "severity", incident_id="id")
    if profile.incident_severities is not None:
        told = told.filter(told.severity.isin([str(level) for level in profile.incident_severities]))
    return causes.filter(causes.attribution.isin([str(method) for method in profile.failure_methods])).join(
        told, "incident_id"
    )


def recoveries(failed: ir.Table, remedies: ir.Table, causes: ir.Table) -> ir.Table:
    """When what went wrong was over: an incident of it resolved, or the next remedy finished.

    `failed` as `failures` gives them, `remedies` all of their services and environments, `causes` as
    `with_incidents` gives them. Columns: id, recovered_at, recovery_method, recovery_deployment_id.
    """
    resolved = causes.filter(causes.resolved_at.notnull()).select("deployment_id", "resolved_at")
    by_incident = failed.join(resolved, failed.id == resolved.deployment_id).select(
        "id", at="resolved_at", method=ibis.literal(BY_INCIDENT), deployment_id=ibis.null("string")
    )
    later = remedies.select(*PAIR, "method", later="number", at="finished_at", deployment_id="id")
    same_pair = [failed[column] == later[column] for column in PAIR]
    by_remedy = failed.join(later, [*same_pair, failed.number < later.later])
    following = ibis.window(group_by=by_remedy.id, order_by=by_remedy.later)
    by_remedy = by_remedy.mutate(place=ibis.row_number().over(following))
    by_remedy = by_remedy.filter(by_remedy.place == 0).select("id", "at", "method", "deployment_id")
    ways = by_incident.union(by_remedy)
    first = ibis.window(group_by=ways.id, order_by=[ways["at"], ways.method, ways.deployment_id])
    ways = ways.mutate(place=ibis.row_number().over(first))
    return ways.filter(ways.place == 0).select(
        "id", recovered_at="at", recovery_method="method", recovery_deployment_id="deployment_id"
    )
