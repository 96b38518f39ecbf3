"""Which deployments failed, by which evidence, and when they had recovered."""

from dataclasses import dataclass, field

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from reference.changes import SECOND
from reference.deployments import Deployment
from reference.incidents import Incident, causes
from reference.remedies import Remedy


@dataclass
class Evidence:
    """Something that shows that a deployment failed."""

    method: str
    at: int
    incident: Incident | None = None


@dataclass
class Failure:
    """A successful deployment that failed in use."""

    deployment: Deployment
    method: str
    at: int
    incident_id: str | None
    recovered_at: int | None = None
    recovery_method: str | None = None
    recovery_deployment_id: str | None = None

    def recovery_s(self, profile: Profile) -> float | None:
        start = self.deployment.finished_at if profile.recovery_start == "deployment_end" else self.at
        if self.recovered_at is None or self.recovered_at < self.deployment.finished_at:
            return None
        return None if self.recovered_at < start else (self.recovered_at - start) / SECOND


@dataclass
class Judged:
    """All deployments, judged by a profile."""

    failures: dict[str, Failure] = field(default_factory=dict)
    rework: set[str] = field(default_factory=set)
    attribution: dict[str, tuple[str | None, list[Deployment]]] = field(default_factory=dict)
    """Incident → the method by which deployments were found, and these."""


def judged(
    deployments: dict[str, Deployment],
    remedies: dict[str, Remedy],
    incidents: dict[str, Incident],
    declared: Declared,
    profile: Profile,
) -> Judged:
    found = Judged()
    for incident in incidents.values():
        found.attribution[incident.id] = causes(incident, deployments, declared, profile)
    for deployment in deployments.values():
        if not deployment.done:
            continue
        if deployment.id in remedies or deployment.remediates:
            found.rework.add(deployment.id)
        evidence = _evidence(deployment, remedies, incidents, found.attribution, profile)
        if evidence:
            found.failures[deployment.id] = _failure(deployment, evidence, remedies, profile)
    return found


def _evidence(
    deployment: Deployment,
    remedies: dict[str, Remedy],
    incidents: dict[str, Incident],
    attribution: dict[str, tuple[str | None, list[Deployment]]],
    profile: Profile,
) -> list[Evidence]:
    found = [
        Evidence(remedy.method, remedy.deployment.started_at)
        for remedy in remedies.values()
        if remedy.mended is deployment
    ]
    for incident in incidents.values():
        method, blamed = attribution[incident.id]
        if method is not None and deployment in blamed and incident.counts(profile):
            found.append(Evidence(method, incident.started_at, incident))
    return [evidence for evidence in found if evidence.method in profile.failure_methods]


def _failure(
    deployment: Deployment, evidence: list[Evidence], remedies: dict[str, Remedy], profile: Profile
) -> Failure:
    order: list[str] = list(profile.failure_methods)
    first = min(
        evidence,
        key=lambda one: (order.index(one.method), one.at, one.incident.id if one.incident else ""),
    )
    failure = Failure(deployment, first.method, first.at, first.incident.id if first.incident else None)
    recoveries: list[tuple[int, str, str, str | None]] = [
        (one.incident.resolved_at, "incident", one.incident.id, None)
        for one in evidence
        if one.incident is not None and one.incident.resolved_at is not None
    ]
    later = [
        remedy
        for remedy in remedies.values()
        if remedy.deployment.place == deployment.place
        and (remedy.deployment.number or 0) > (deployment.number or 0)
    ]
    if later:
        remedy = min(later, key=lambda remedy: remedy.deployment.number or 0)
        recoveries.append(
            (remedy.deployment.finished_at, remedy.method, remedy.deployment.id, remedy.deployment.id)
        )
    if recoveries:
        failure.recovered_at, failure.recovery_method, _, failure.recovery_deployment_id = min(
            recoveries, key=lambda recovery: recovery[:3]
        )
    return failure
