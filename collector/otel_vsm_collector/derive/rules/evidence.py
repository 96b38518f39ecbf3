"""Evidence: what says that a deployment failed its users.

A row says which deployment it is about, by which method that was found, and what it points to: an incident,
or another deployment. A method is a function here, and a line in one of the two lists below; which methods a
profile uses, and which comes first, it says itself (`declared.profiles.Failing` names those that it may).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import FailureMethod, TaskResult
from otel_vsm_collector.declared.profiles import Failing, Profile
from otel_vsm_collector.derive.rules.incidents import counts
from otel_vsm_collector.derive.rules.sequence import PAIR

INCIDENT, DEPLOYMENT = "incident", "deployment"
"""The kinds of what evidence points to."""


class IncidentFacts(NamedTuple):
    """What the evidence in incidents is found in: rows of the tables of facts."""

    reports: ir.Table
    """Of the incidents in question; a method answers for these alone."""
    services: ir.Table
    names: ir.Table
    links: ir.Table
    deployments: ir.Table
    """All rows of `deployment_report`."""
    tellings: ir.Table
    """All rows of `deployment_telling`."""
    deployment_spans: ir.Table
    profile: Profile
    projects: Mapping[str, str]
    """Which project a service belongs to; those of none are one together."""


class DeploymentFacts(NamedTuple):
    """What the evidence in deployments is found in: rows of the tables of facts."""

    reports: ir.Table
    """Of the deployments in question; a method answers for these alone. It may ask what came before one of
    them: such a one is in question again when that changes."""
    order: ir.Table
    """Of all deployments of their services and environments."""
    remedies: ir.Table
    """Of those among them that are one."""


def incident_link(facts: IncidentFacts) -> ir.Table:
    """The deployments that an incident names or links to, and that are known."""
    linked = facts.links.join(facts.deployment_spans, ["trace_id", "span_id"])
    pairs = ibis.union(
        *(rows.select("deployment_id", source_id="incident_id") for rows in (linked, _named(facts))),
        distinct=True,
    )
    pairs = pairs.semi_join(facts.deployments, pairs.deployment_id == facts.deployments.id)
    return pairs.semi_join(facts.reports, pairs.source_id == facts.reports.id)


def incident_window(facts: IncidentFacts) -> ir.Table:
    """Where an incident neither names nor links to one, the latest successful deployment of its service (of
    any of its services) and environment that had ended before it started, if that is no longer ago than the
    profile's window."""
    profile = facts.profile
    done = facts.deployments.filter(facts.deployments.result == TaskResult.SUCCESS)
    done = done.select(
        "finished_at",
        "environment",
        service_or_project=_service_or_project(done.service, facts),
        deployment_id="id",
        deploy_started_at="started_at",
    )
    linked = incident_link(facts)
    left = facts.reports.anti_join(linked, facts.reports.id == linked.source_id)
    affected = left.select("environment", "started_at", incident_id="id")
    if profile.incident_match == "project":
        # Of a project an incident can be without a word on its service.
        affected = affected.left_join(facts.services, "incident_id").drop("incident_id_right")
    else:
        affected = affected.join(facts.services, "incident_id")
    affected = affected.select(
        "incident_id",
        "environment",
        "started_at",
        service_or_project=_service_or_project(affected.service, facts),
    ).distinct()
    before = _latest_before(affected, done)
    if profile.incident_window_s is not None:
        before = before.filter(
            before.started_at - before.finished_at <= int(profile.incident_window_s * 10**9)
        )
    latest_first = ibis.window(
        group_by=before.incident_id,
        order_by=[before.finished_at.desc(), before.deploy_started_at.desc(), before.deployment_id.desc()],
    )
    before = before.mutate(rank=ibis.row_number().over(latest_first))
    return before.filter(before["rank"] == 0).select("deployment_id", source_id="incident_id")


def rollback(facts: DeploymentFacts) -> ir.Table:
    """The deployments that were rolled back."""
    return _mended(facts.remedies, FailureMethod.ROLLBACK)


def hotfix(facts: DeploymentFacts) -> ir.Table:
    """The deployments that a hotfix followed."""
    return _mended(facts.remedies, FailureMethod.HOTFIX)


BY_INCIDENTS: Mapping[Failing, Callable[[IncidentFacts], ir.Table]] = {
    FailureMethod.INCIDENT_LINK: incident_link,
    FailureMethod.INCIDENT_WINDOW: incident_window,
}
BY_DEPLOYMENTS: Mapping[Failing, Callable[[DeploymentFacts], ir.Table]] = {
    FailureMethod.ROLLBACK: rollback,
    FailureMethod.HOTFIX: hotfix,
}
"""The methods: each gives pairs of deployment_id and the source_id of what says that it failed."""


def of_incidents(facts: IncidentFacts) -> ir.Table:
    """The rows of `evidence` that point to the incidents in question."""
    sources = facts.reports.select("severity", "resolved_at", source_id="id", at="started_at")
    return _pairs(BY_INCIDENTS, facts).join(sources, "source_id").mutate(source_kind=ibis.literal(INCIDENT))


def of_deployments(facts: DeploymentFacts) -> ir.Table:
    """The rows of `evidence` that point to the deployments in question."""
    sources = facts.reports.select(source_id="id", at="started_at")
    return (
        _pairs(BY_DEPLOYMENTS, facts)
        .join(sources, "source_id")
        .mutate(
            source_kind=ibis.literal(DEPLOYMENT),
            severity=ibis.null("string"),
            resolved_at=ibis.null("int64"),
        )
    )


def used(evidence: ir.Table, profile: Profile) -> ir.BooleanValue:
    """Whether the profile believes it."""
    used = evidence.method.isin([str(method) for method in profile.failure_methods])
    if profile.incident_severities is not None:
        used &= (evidence.source_kind != INCIDENT) | counts(evidence, profile)
    return used


_Facts = TypeVar("_Facts")


def _named(facts: IncidentFacts) -> ir.Table:
    """The deployments (incident_id, deployment_id) of the ids that incidents name: of several of one id those
    of the incident's service and environment, else of its service, else all."""
    tellings = facts.tellings.select("telling_id", "reported_id", *PAIR, meant_id="deployment_id")
    names = facts.names.rename(name="deployment_id")
    by_name = [
        names.join(tellings, names.name == tellings[column]) for column in ("reported_id", "telling_id")
    ]
    columns = ("incident_id", "name", "meant_id", *PAIR)
    named = ibis.union(*(rows.select(*columns) for rows in by_name), distinct=True)
    hit = facts.services.select("incident_id", "service", hit=True)
    where = facts.reports.select("environment", incident_id="id", there=True)
    for part, column in ((hit, "service"), (where, "environment")):
        named = named.left_join(part, ["incident_id", column])
        named = named.drop("incident_id_right", f"{column}_right")
    rank = ibis.cases((named.hit.isnull(), 2), (named.there.isnull(), 1), else_=0)
    named = named.mutate(rank=rank)
    best = named["rank"].min().over(ibis.window(group_by=[named.incident_id, named.name]))
    named = named.mutate(best=best)
    return named.filter(named["rank"] == named.best).select("incident_id", deployment_id="meant_id")


def _pairs(methods: Mapping[Failing, Callable[[_Facts], ir.Table]], facts: _Facts) -> ir.Table:
    return ibis.union(*(find(facts).mutate(method=ibis.literal(str(name))) for name, find in methods.items()))


def _mended(remedies: ir.Table, method: FailureMethod) -> ir.Table:
    mending = remedies.filter(remedies.method == method, remedies.mended_id.notnull())
    return mending.select(deployment_id="mended_id", source_id="id")


def _service_or_project(service: ir.StringValue, facts: IncidentFacts) -> ir.StringValue:
    """What an incident and a deployment have to share, besides the environment, for the one to be put down to
    the other."""
    if facts.profile.incident_match == "service":
        return service
    if not facts.projects:
        return ibis.literal("")
    return ibis.cases(*((service == name, project) for name, project in facts.projects.items()), else_="")


def _latest_before(affected: ir.Table, done: ir.Table) -> ir.Table:
    """Rows of `affected`, each with those of `done` (deployment_id, finished_at) that ended last before it
    started. Joining all that ended before it would give as many rows as there are such pairs."""
    where = ["environment", "service_or_project"]
    ends = done.select(*where, "finished_at", at="finished_at", incident_id=ibis.null("string"))
    begins = affected.select(*where, "incident_id", finished_at=ibis.null("int64"), at="started_at")
    # What ended at that very moment had ended.
    order = [ibis._["at"], ibis._.incident_id.notnull()]
    until_now = ibis.window(group_by=where, order_by=order, preceding=(None, 0))
    moments = ends.union(begins.select(ends.columns))
    moments = moments.mutate(finished_at=moments.finished_at.max().over(until_now))
    latest = moments.filter(moments.incident_id.notnull(), moments.finished_at.notnull())
    latest = latest.select(*where, "incident_id", "finished_at", started_at="at")
    return latest.join(done, [*where, "finished_at"])
