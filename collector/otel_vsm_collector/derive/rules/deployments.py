"""Deployments: as their own spans tell them, and with what their neighbours say of them.

One id is one deployment, whichever number of spans, jobs or repositories carry it.
"""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import DeploymentKind, EventName, StageType, TaskResult
from otel_vsm_collector.derive.rules import artifacts
from otel_vsm_collector.derive.rules.aliases import node, revision_name
from otel_vsm_collector.derive.rules.changes import ARTIFACT, LINKS, OWN, REVISION, or_empty, trace_name

_WORST_FIRST = (TaskResult.FAILURE, TaskResult.ERROR, TaskResult.TIMEOUT, TaskResult.CANCELLATION)
_UNKNOWN = "unknown"


def spans_of_deployments(spans: ir.Table) -> ir.Table:
    """The spans that tell of a deployment, with its id: stages of type deploy and their announcements.

    A deployment without an id of its own is known by its span.
    """
    stages = (spans.stage_type == StageType.DEPLOY) & (
        spans.environment.notnull() | spans.deployment_id.notnull()
    )
    announced = (spans.event_name == EventName.DEPLOYMENT_STARTED) & spans.deployment_id.notnull()
    own = spans.filter(stages.fill_null(False) | announced.fill_null(False))
    return own.mutate(deployment_id=ibis.coalesce(own.deployment_id, own.trace_id.concat(":", own.span_id)))


def deployment_reports(spans: ir.Table, claims: ir.Table) -> ir.Table:
    """The table `deployment_report` from the spans of whole deployments, and their claims.

    It starts with its first span and ends with its last; it failed if any of them failed, or ended in a way
    that has no name here, and where all were skipped nothing was deployed. An announcement alone is no
    deployment yet.
    """
    stage = spans.event_name.isnull()
    by_id = spans.group_by("deployment_id").agg(
        service=spans.service.min(),
        environment=spans.environment.min(),
        repository=spans.repository.min(),
        revision=spans.revision.min(where=stage),
        version=spans.version.min(where=stage),
        artifact=ibis.coalesce(spans.artifact_hash.min(where=stage), spans.artifact_purl.min(where=stage)),
        rollback=(spans.deployment_kind == DeploymentKind.ROLLBACK).any(),
        hotfix=(spans.deployment_kind == DeploymentKind.HOTFIX).any(),
        strange=(stage & ~spans.result.isin(list(TaskResult))).any(),
        skipped=(~stage | (spans.result == TaskResult.SKIP)).all(),
        **{result.name: (stage & (spans.result == result)).any() for result in _WORST_FIRST},
        started_at=spans.started_at.min(),
        finished_at=spans.ended_at.max(where=stage),
        first_span=spans.trace_id.concat(spans.span_id).min(where=stage),
        incident_id=spans.incident_id.min(),
        teams=spans.team.collect(distinct=True).sort(),
        value_streams=spans.value_stream.collect(distinct=True).sort(),
    )
    linked = claims.filter(claims.method == LINKS).group_by("deployment_id").agg(links=ibis._.key.nunique())
    by_id = by_id.filter(by_id.finished_at.notnull()).left_join(linked, "deployment_id")
    return by_id.select(
        id=by_id.deployment_id,
        service=ibis.coalesce(by_id.service, _UNKNOWN),
        environment=ibis.coalesce(by_id.environment, _UNKNOWN),
        repository=by_id.repository,
        revision=by_id.revision,
        version=by_id.version,
        artifact=by_id.artifact,
        kind=ibis.cases(
            (by_id.rollback, DeploymentKind.ROLLBACK.value),
            (by_id.hotfix, DeploymentKind.HOTFIX.value),
            else_=DeploymentKind.ROLLOUT.value,
        ),
        result=ibis.cases(
            *((by_id[result.name], result.value) for result in _WORST_FIRST),
            (by_id.skipped, TaskResult.SKIP.value),
            (by_id.strange, TaskResult.ERROR.value),
            else_=TaskResult.SUCCESS.value,
        ),
        started_at=by_id.started_at,
        finished_at=by_id.finished_at,
        trace_id=by_id.first_span.substr(0, 32),
        span_id=by_id.first_span.substr(32, 16),
        incident_id=by_id.incident_id,
        links=by_id.links.fill_null(0),
        teams=or_empty(by_id.teams),
        value_streams=or_empty(by_id.value_streams),
    )


def deployment_spans(spans: ir.Table) -> ir.Table:
    """The table `deployment_span`: by which spans an incident can link to a deployment."""
    return spans.select("deployment_id", "trace_id", "span_id").distinct()


def deployment_claims(spans: ir.Table, links: ir.Table) -> ir.Table:
    """The table `deployment_claim` from the spans of whole deployments and their links."""
    stages = spans.filter(spans.event_name.isnull())
    linked = spans.join(links, ["trace_id", "span_id"])
    revisions = stages.filter(stages.revision.notnull())

    def claims(rows: ir.Table, method: str, key: ir.StringValue) -> ir.Table:
        found = rows.select("deployment_id", method=ibis.literal(method), key=key)
        return found.filter(found.key.notnull()).distinct()

    return ibis.union(
        claims(linked, LINKS, linked.linked_trace_id),
        claims(stages, OWN, ibis.coalesce(stages.change_id, trace_name(stages))),
        claims(revisions, REVISION, node(revision_name(revisions))),
        *(claims(stages, ARTIFACT, key) for key in artifacts.deployed(stages)),
        distinct=True,
    )


def deployments(
    reports: ir.Table,
    order: ir.Table,
    mapping: ir.Table,
    remedies: ir.Table,
    failures: ir.Table,
    recoveries: ir.Table,
) -> ir.Table:
    """The table `deployment`: reports with their number, the method by which their changes were found
    (`mapping`), and what is known of their failure and recovery."""
    methods = mapping.select(id="deployment_id", change_mapping="method")
    whole = reports
    for part in (
        order.select("id", "number", "previous_id"),
        methods,
        failures.drop("service", "environment", "number"),
        recoveries,
        remedies.select("id", remedy=True),
    ):
        whole = whole.left_join(part, "id").drop("id_right")
    remedied = whole.incident_id.notnull() & whole.number.notnull()
    whole = whole.mutate(
        failed=whole.failure_method.notnull(), rework=whole.remedy.fill_null(False) | remedied
    )
    return whole.drop("remedy", "incident_id", "links")
