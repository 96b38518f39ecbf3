"""Which deployments failed and how that is known, what recovered them."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import FailureMethod
from otel_vsm_collector.derive.sequence import PAIR

_IN_ORDER = (
    FailureMethod.INCIDENT_LINK,
    FailureMethod.ROLLBACK,
    FailureMethod.HOTFIX,
    FailureMethod.INCIDENT_WINDOW,
)
BY_INCIDENT = "incident"


def failures(places: ir.Table, remedies: ir.Table, incidents: ir.Table) -> ir.Table:
    """The failed ones among the deployments of `places`, each with the first method that applies.

    `remedies` are those that mend one of them, `incidents` those that came from one. Only what succeeded can
    fail its users. Columns: id, service, environment, number and three that begin with failure_.
    """
    done = places.filter(places.number.notnull()).select("id", *PAIR, "number")
    mended = remedies.select("mended_id", "method", at="started_at", incident_id=ibis.null("string"))
    caused = incidents.select("deployment_id", "attribution", "started_at", "id")
    causes = mended.union(
        caused.select(mended_id="deployment_id", method="attribution", at="started_at", incident_id="id")
    )
    causes = done.join(causes, done.id == causes.mended_id)
    rank = ibis.cases(*((causes.method == method, place) for place, method in enumerate(_IN_ORDER)))
    first = ibis.window(group_by=causes.id, order_by=[rank, causes["at"], causes.incident_id])
    causes = causes.mutate(place=ibis.row_number().over(first))
    return causes.filter(causes.place == 0).select(
        "id", *PAIR, "number", failure_method="method", failure_incident_id="incident_id", failure_at="at"
    )


def recoveries(failed: ir.Table, remedies: ir.Table, incidents: ir.Table) -> ir.Table:
    """When what went wrong was over: an incident of it resolved, or the next remedy finished.

    `failed` as `failures` gives them, `remedies` all of their services and environments. Columns: id,
    recovered_at, recovery_method, recovery_deployment_id.
    """
    resolved = incidents.filter(incidents.resolved_at.notnull()).select("deployment_id", "resolved_at")
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
