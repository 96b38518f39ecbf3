"""Deployments: as their own spans tell them, and with what their neighbours say of them.

One id, service and environment is one deployment, whichever number of spans, jobs or repositories carry it.
"""

from typing import NamedTuple

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import (
    DeploymentKind,
    EventName,
    LinkKind,
    MeasurementGap,
    StageType,
    TaskResult,
)
from otel_vsm_collector.derive.rules import artifacts
from otel_vsm_collector.derive.rules.aliases import node, revision_name
from otel_vsm_collector.derive.rules.changes import ARTIFACT, LINKS, OWN, REVISION, or_empty, trace_name
from otel_vsm_collector.derive.rules.sequence import PAIR

_WORST_FIRST = (TaskResult.FAILURE, TaskResult.ERROR, TaskResult.TIMEOUT, TaskResult.CANCELLATION)
_UNKNOWN = "unknown"


def spans_of_deployments(spans: ir.Table) -> ir.Table:
    """The spans that tell of a deployment, with what they call it (reported_id): stages of type deploy and
    their announcements.

    A deployment without an id of its own is known by its span.
    """
    stages = (spans.stage_type == StageType.DEPLOY) & (
        spans.environment.notnull() | spans.deployment_id.notnull()
    )
    announced = (spans.event_name == EventName.DEPLOYMENT_STARTED) & spans.deployment_id.notnull()
    own = spans.filter(stages.fill_null(False) | announced.fill_null(False))
    reported_id = ibis.coalesce(own.deployment_id, own.trace_id.concat(":", own.span_id))
    return own.mutate(reported_id=reported_id).drop("deployment_id")


def distinguished(spans: ir.Table) -> ir.Table:
    """The spans of whole reported ids, with the one of the deployments of that id that each tells of
    (telling_id), and its service and environment.

    A span that lacks service or environment tells of the only one of its id that it can be about; where there
    are several, what it lacks stays unknown.
    """
    of_id = ibis.window(group_by=spans.reported_id)
    whole = spans.service.notnull() & spans.environment.notnull()
    services, environments = (_values(spans[column], of_id) for column in PAIR)
    alone = services.at_most_one & environments.at_most_one
    only_service, only_environment = (
        _values(ifelse(whole, spans[column], ibis.null("string")), of_id).only for column in PAIR
    )
    only_pair = spans.service.isnull() & spans.environment.isnull()
    only_pair &= only_service.notnull() & only_environment.notnull()

    def filled(name: str, values: _Values, of_pair: ir.StringValue, beside: str) -> ir.StringValue:
        there = ibis.window(group_by=[spans.reported_id, spans[beside]])
        only_one = ibis.cases(
            (alone, values.only),
            (only_pair, of_pair),
            (spans[beside].notnull(), _values(spans[name], there).only),
        )
        return ibis.coalesce(spans[name], only_one, _UNKNOWN)

    spans = spans.mutate(
        service=filled("service", services, only_service, "environment"),
        environment=filled("environment", environments, only_environment, "service"),
    )
    long_id = distinguished_id(spans)
    alone = _values(long_id, ibis.window(group_by=spans.reported_id)).at_most_one
    return spans.mutate(telling_id=ifelse(alone, spans.reported_id, long_id))


def distinguished_id(rows: ir.Table) -> ir.StringValue:
    """What tells a deployment from others of its reported id."""
    return rows.reported_id.concat("/", rows.service, "/", rows.environment)


class _Values(NamedTuple):
    at_most_one: ir.BooleanValue
    only: ir.StringValue
    """Null where there are several."""


def _values(column: ir.StringValue, window: ibis.expr.builders.WindowBuilder) -> _Values:
    """How many values the column has in the window."""
    least, most = column.min().over(window), column.max().over(window)
    return _Values((least == most).fill_null(True), ifelse(least == most, least, ibis.null("string")))


def with_replaced(spans: ir.Table) -> ir.Table:
    """The spans of whole deployments, each with whether a later run of its job counts in its place
    (replaced): of the same leg one of a later attempt of the pipeline's run, else one of the same revision
    that started when it had ended; where it tells its attempt, when all of that had ended, or in the same
    run of the job."""
    stage = spans.event_name.isnull()
    job = [spans[name] for name in ("telling_id", "repository", "job", "stage_name", "leg")]
    latest_attempt = spans.attempt.max().over(ibis.window(group_by=[*job, spans.pipeline_run, stage]))
    spans = spans.mutate(replaced=stage & (spans.attempt < latest_attempt).fill_null(False))
    job = [spans[name] for name in ("telling_id", "repository", "job", "stage_name", "leg", "revision")]
    job += [spans.event_name.isnull(), spans.replaced]
    attempt = [*job, spans.pipeline_run, spans.attempt]

    def latest_start(by: list[ir.Value]) -> ir.IntegerValue:
        return spans.started_at.max().over(ibis.window(group_by=by))

    def followed(by: list[ir.Value]) -> ir.BooleanValue:
        latest = latest_start(by)
        return (latest >= spans.ended_at) & (latest > spans.started_at)

    # Jobs of one attempt are side by side, also where they wait for each other's runner.
    attempt_ended = spans.ended_at.max().over(ibis.window(group_by=attempt))
    in_its_job = spans.job_run.notnull() & followed([*attempt, spans.job_run])
    again = ifelse(spans.attempt.isnull(), followed(job), in_its_job | (latest_start(job) > attempt_ended))
    return spans.mutate(replaced=spans.replaced | (spans.event_name.isnull() & again))


def tellings(spans: ir.Table, ancestors: ir.Table) -> ir.Table:
    """The table `deployment_telling` but for whose they are, from the spans of whole deployments and what
    these stand on, `ancestors` by telling_id as their deployment_id.

    It starts with its first span and ends with its last; it failed if any of them failed, or ended in a way
    that has no name here, and where all were skipped nothing was deployed. Spans that were replaced do not
    count. An announcement alone is no deployment yet.
    """
    replaced = spans.group_by("telling_id").agg(replaced_runs=spans.replaced.sum())
    spans = spans.filter(~spans.replaced)
    stage = spans.event_name.isnull()
    by_id = spans.group_by("telling_id", "reported_id", *PAIR).agg(
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
        attempt=spans.attempt.max(where=stage),
        backfilled=(~stage | spans.backfilled.fill_null(False)).all(),
        first_span=spans.trace_id.concat(spans.span_id).min(where=stage),
        incident_id=spans.incident_id.min(),
        cut_history=(spans.gap == MeasurementGap.CUT_HISTORY).any(),
        teams=spans.team.collect(distinct=True).sort(),
        value_streams=spans.value_stream.collect(distinct=True).sort(),
    )
    standing = ancestors.group_by(telling_id="deployment_id").agg(ancestors=ancestors.key.nunique())
    by_id = by_id.filter(by_id.finished_at.notnull())
    for part in (replaced, standing):
        by_id = by_id.left_join(part, "telling_id").drop("telling_id_right")
    return by_id.select(
        "telling_id",
        "reported_id",
        *PAIR,
        "repository",
        "revision",
        "version",
        "artifact",
        "started_at",
        "finished_at",
        "attempt",
        "replaced_runs",
        "backfilled",
        "incident_id",
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
        trace_id=by_id.first_span.substr(0, 32),
        span_id=by_id.first_span.substr(32, 16),
        ancestors=by_id.ancestors.fill_null(0),
        cut_history=by_id.cut_history.fill_null(False),
        teams=or_empty(by_id.teams),
        value_streams=or_empty(by_id.value_streams),
    )


COMPARED = (*PAIR, "revision", "version", "kind", "result", "started_at", "finished_at", "backfilled")
"""The columns of tellings that say which of them stands."""


def assigned(tellings: ir.Table) -> ir.Table:
    """Of which deployment each telling is (telling_id, deployment_id), among all of their services and
    environments.

    What was backfilled is the first successful one of its revision that was told as it happened, where there
    is one; of its version, where one of the two has no revision. One that says that it is a rollback brings
    back what was backfilled, and is another one.
    """
    past = tellings.filter(tellings.backfilled).select("telling_id", *PAIR, "revision", "version")
    as_happened = tellings.filter(~tellings.backfilled, tellings.kind != DeploymentKind.ROLLBACK)
    as_happened = as_happened.select(
        *PAIR,
        "version",
        "started_at",
        "finished_at",
        deployment_id="telling_id",
        revision="revision",
        done=as_happened.result == TaskResult.SUCCESS,
    )
    by_revision = past.drop("version").join(as_happened.drop("version"), [*PAIR, "revision"]).mutate(rank=0)
    # One side without a revision at a time: many share a version that never changes.
    named, nameless = past.filter(past.revision.notnull()), past.filter(past.revision.isnull())
    as_named = as_happened.drop("revision")
    as_nameless = as_happened.filter(as_happened.revision.isnull()).drop("revision")
    by_version = [
        one.drop("revision").join(other, [*PAIR, "version"]).mutate(rank=1)
        for one, other in ((nameless, as_named), (named, as_nameless))
    ]
    columns = ("telling_id", "deployment_id", "rank", "done", "finished_at", "started_at")
    pairs = ibis.union(*(rows.select(*columns) for rows in (by_revision, *by_version)))
    order = [pairs["rank"], pairs.done.desc(), pairs.finished_at, pairs.started_at, pairs.deployment_id]
    first = ibis.row_number().over(ibis.window(group_by=pairs.telling_id, order_by=order))
    pairs = pairs.mutate(first=first)
    pairs = pairs.filter(pairs.first == 0).select("telling_id", twin_id="deployment_id")
    whole = tellings.select("telling_id").left_join(pairs, "telling_id")
    return whole.select("telling_id", deployment_id=ibis.coalesce(whole.twin_id, whole.telling_id))


def deployment_reports(tellings: ir.Table, claims: ir.Table) -> ir.Table:
    """The table `deployment_report` from all rows of `deployment_telling` and `deployment_claim` of some
    deployments."""
    stands = tellings.telling_id == tellings.deployment_id
    given_way = tellings.filter(~stands).group_by("deployment_id")
    given_way = given_way.agg(backfilled_ids=ibis._.telling_id.collect().sort())
    standing = tellings.group_by("deployment_id").agg(ancestors=ibis._.ancestors.sum())
    linked = claims.filter(claims.method == LINKS).group_by("deployment_id").agg(links=ibis._.key.nunique())
    whole = tellings.filter(stands).drop("ancestors")
    for part in (given_way, linked, standing):
        whole = whole.left_join(part, "deployment_id").drop("deployment_id_right")
    whole = whole.mutate(links=whole.links.fill_null(0), backfilled_ids=or_empty(whole.backfilled_ids))
    return whole.drop("telling_id").rename(id="deployment_id")


def deployment_spans(spans: ir.Table) -> ir.Table:
    """The table `deployment_span` but for whose they are: by which spans an incident can link to a
    deployment."""
    return spans.select("reported_id", "telling_id", "trace_id", "span_id", "replaced").distinct()


def deployment_claims(spans: ir.Table, links: ir.Table) -> ir.Table:
    """The table `deployment_claim` from the spans of whole deployments and their links: what they say but for
    `ancestors`."""
    stages = spans.filter(spans.event_name.isnull())
    linked = spans.join(links.filter(~_to_ancestor(links)), ["trace_id", "span_id"])
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


def ancestors(spans: ir.Table, links: ir.Table) -> ir.Table:
    """(deployment_id, key): the traces that deployments stand on, by their spans and these spans' links."""
    linked = spans.join(links.filter(_to_ancestor(links)), ["trace_id", "span_id"])
    return linked.select("deployment_id", key="linked_trace_id").distinct()


def _to_ancestor(links: ir.Table) -> ir.BooleanValue:
    return (links.kind == LinkKind.ANCESTOR).fill_null(False)


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
    return whole.drop("remedy", "incident_id", "links", "ancestors", "cut_history")
