"""Deployments in full: which failed and how that is known, what recovered them, which were rework."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import DeploymentKind, FailureMethod
from otel_vsm_collector.derive import carried

_IN_ORDER = (
    FailureMethod.INCIDENT_LINK,
    FailureMethod.ROLLBACK,
    FailureMethod.HOTFIX,
    FailureMethod.INCIDENT_WINDOW,
)
BY_INCIDENT = "incident"


def deployments(
    rollouts: ir.Table, order: ir.Table, mended: ir.Table, changes: ir.Table, attributed: ir.Table
) -> ir.Table:
    """The table `deployment` of whole services and environments.

    `order` is their sequence, `mended` their `remedies`, `changes` their rows of `deployment_change`,
    `attributed` the incidents that came from them. Only a successful deployment can fail its users; the first
    method that applies is recorded, with its earliest cause.
    """
    done = order.filter(order.number.notnull()).select("id", "service", "environment", "number")
    failures = _failures(done, mended, attributed)
    recoveries = _recoveries(done, mended, attributed)
    mapping = carried.best_method(changes, "deployment_id").select(
        id="deployment_id", change_mapping="method"
    )
    rework = mended.select("id", remedy=True)
    whole = rollouts.join(order.select("id", "number", "previous_id"), "id")
    for part in (mapping, failures, recoveries, rework):
        whole = whole.left_join(part, "id").drop("id_right")
    failed = whole.failure_method.notnull()
    recovered = failed & whole.recovery_method.notnull()
    none = ibis.null()
    return whole.select(
        "id",
        "service",
        "environment",
        "repository",
        "revision",
        "version",
        "kind",
        "result",
        "started_at",
        "finished_at",
        "trace_id",
        "span_id",
        "teams",
        "value_streams",
        "number",
        "previous_id",
        "change_mapping",
        failed=failed,
        failure_method=whole.failure_method,
        failure_incident_id=whole.failure_incident_id,
        failure_at=whole.failure_at,
        recovered_at=ifelse(recovered, whole.recovered_at, none),
        recovery_method=ifelse(recovered, whole.recovery_method, none),
        recovery_deployment_id=ifelse(recovered, whole.recovery_deployment_id, none),
        rework=whole.remedy.fill_null(False) | (whole.incident_id.notnull() & whole.number.notnull()),
    )


def remedies(rollouts: ir.Table, order: ir.Table) -> ir.Table:
    """The successful rollbacks and hotfixes of whole services and environments, with their `method` and the
    number of the deployment that each remedies (`remedied`).

    A rollback is one by kind, or its revision or version ran before, though not right before: that would be a
    redeploy. The one that failed came right after the one that it goes back to.
    """
    columns = ("id", "service", "environment", "revision", "version", "kind", "started_at", "finished_at")
    done = rollouts.select(*columns).join(order.filter(order.number.notnull()).select("id", "number"), "id")

    def ran_before(column: str) -> ir.IntegerValue:
        # What has no revision or version is equal to nothing.
        name = ibis.coalesce(done[column].concat("="), done.id)
        same = ibis.window(group_by=[done.service, done.environment, name], order_by=done.number)
        return done.number.lag().over(same)

    done = done.mutate(by_revision=ran_before("revision"), by_version=ran_before("version"))
    latest = done.number - 1
    redeploy = (done.by_revision == latest).fill_null(False) | (done.by_version == latest).fill_null(False)
    earlier = [
        ifelse(column < latest, column, ibis.null("int64")) for column in (done.by_revision, done.by_version)
    ]
    target = ibis.coalesce(ibis.greatest(*earlier), *earlier)
    rollback = (done.kind == DeploymentKind.ROLLBACK) | (target.notnull() & ~redeploy)
    hotfix = done.kind == DeploymentKind.HOTFIX
    done = done.mutate(
        method=ibis.cases((rollback, FailureMethod.ROLLBACK.value), (hotfix, FailureMethod.HOTFIX.value)),
        remedied=ifelse(rollback, ibis.coalesce(target + 1, latest), latest),
    )
    return done.filter(done.method.notnull()).select(
        "id", "service", "environment", "number", "started_at", "finished_at", "method", "remedied"
    )


def _failures(done: ir.Table, mended: ir.Table, attributed: ir.Table) -> ir.Table:
    remedied = done.join(
        mended.select("service", "environment", "method", "started_at", number=mended.remedied),
        ["service", "environment", "number"],
    ).select("id", "method", at="started_at", incident_id=ibis.null("string"))
    caused = attributed.select("deployment_id", "attribution", "started_at", incident_id="id")
    broken = done.join(caused, done.id == caused.deployment_id).select(
        "id", method="attribution", at="started_at", incident_id="incident_id"
    )
    causes = remedied.union(broken)
    rank = ibis.cases(*((causes.method == method, place) for place, method in enumerate(_IN_ORDER)))
    first = ibis.window(group_by=causes.id, order_by=[rank, causes["at"], causes.incident_id])
    causes = causes.mutate(place=ibis.row_number().over(first))
    return causes.filter(causes.place == 0).select(
        "id", failure_method="method", failure_incident_id="incident_id", failure_at="at"
    )


def _recoveries(done: ir.Table, mended: ir.Table, attributed: ir.Table) -> ir.Table:
    """When whatever went wrong was over: an incident resolved, or the next remedy finished."""
    resolved = attributed.filter(attributed.resolved_at.notnull()).select("deployment_id", "resolved_at")
    by_incident = done.join(resolved, done.id == resolved.deployment_id).select(
        "id", at="resolved_at", method=ibis.literal(BY_INCIDENT), deployment_id=ibis.null("string")
    )
    later = mended.select(
        "service", "environment", "method", later="number", at="finished_at", deployment_id="id"
    )
    by_remedy = done.join(
        later,
        [done.service == later.service, done.environment == later.environment, done.number < later.later],
    )
    following = ibis.window(group_by=by_remedy.id, order_by=by_remedy.later)
    by_remedy = by_remedy.mutate(place=ibis.row_number().over(following))
    by_remedy = by_remedy.filter(by_remedy.place == 0).select("id", "at", "method", "deployment_id")
    ways = by_incident.union(by_remedy)
    first = ibis.window(group_by=ways.id, order_by=[ways["at"], ways.method, ways.deployment_id])
    ways = ways.mutate(place=ibis.row_number().over(first))
    return ways.filter(ways.place == 0).select(
        "id", recovered_at="at", recovery_method="method", recovery_deployment_id="deployment_id"
    )
