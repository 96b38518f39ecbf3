"""Which deployments failed and how that is known, what recovered them."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.evidence import INCIDENT, used
from otel_vsm_collector.derive.rules.sequence import PAIR


def failures(order: ir.Table, evidence: ir.Table, profile: Profile) -> ir.Table:
    """The failed ones among the deployments of `order`, each with the first method that applies.

    Only what succeeded can fail its users. Columns: id, service, environment, number and three that begin
    with failure_.
    """
    done = order.filter(order.number.notnull()).select("id", *PAIR, "number")
    known = evidence.filter(used(evidence, profile))
    failed = done.join(known, done.id == known.deployment_id)
    cases = [(failed.method == str(method), rank) for rank, method in enumerate(profile.failure_methods)]
    best = ibis.cases(*cases) if cases else ibis.literal(0)
    first = ibis.window(group_by=failed.id, order_by=[best, failed["at"], failed.source_id])
    failed = failed.mutate(rank=ibis.row_number().over(first))
    return failed.filter(failed["rank"] == 0).select(
        "id",
        *PAIR,
        "number",
        failure_method="method",
        failure_incident_id=ifelse(failed.source_kind == INCIDENT, failed.source_id, ibis.null("string")),
        failure_at="at",
    )


def recoveries(failed: ir.Table, remedies: ir.Table, evidence: ir.Table, profile: Profile) -> ir.Table:
    """When what went wrong was over: an incident of it resolved, or the next remedy finished.

    `failed` as `failures` gives them, `remedies` all of their services and environments. Columns: id,
    recovered_at, recovery_method, recovery_deployment_id.
    """
    resolved = evidence.filter(used(evidence, profile), evidence.resolved_at.notnull())
    resolved = resolved.select("deployment_id", "resolved_at", "source_kind")
    by_evidence = failed.join(resolved, failed.id == resolved.deployment_id).select(
        "id", at="resolved_at", method="source_kind", deployment_id=ibis.null("string")
    )
    later = remedies.select(*PAIR, "method", later="number", at="finished_at", deployment_id="id")
    same_pair = [failed[column] == later[column] for column in PAIR]
    by_remedy = failed.join(later, [*same_pair, failed.number < later.later])
    following = ibis.window(group_by=by_remedy.id, order_by=by_remedy.later)
    by_remedy = by_remedy.mutate(rank=ibis.row_number().over(following))
    by_remedy = by_remedy.filter(by_remedy["rank"] == 0).select("id", "at", "method", "deployment_id")
    ways = by_evidence.union(by_remedy)
    first = ibis.window(group_by=ways.id, order_by=[ways["at"], ways.method, ways.deployment_id])
    ways = ways.mutate(rank=ibis.row_number().over(first))
    return ways.filter(ways["rank"] == 0).select(
        "id", recovered_at="at", recovery_method="method", recovery_deployment_id="deployment_id"
    )
