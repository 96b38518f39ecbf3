"""What happens to the changes, deployments and incidents of a made-up company.

The shares are guesses at an ordinary one; what makes figures hard is among them: requests that are squashed
or that a push to the main branch goes around, stages that fail and run again, deployments of several changes,
rollbacks and hotfixes, incidents with and without a named cause, clocks that are wrong.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from bench import changes, encoded
from bench.changes import DAY_NS, HOUR_NS, MINUTE_NS, Send
from otel_vsm import semconv
from otel_vsm.identity import Repository, SpanReference, incident_root
from otel_vsm.semconv import DeploymentKind, EventName, IncidentSeverity, StageType, TaskResult

STAGING, PRODUCTION = "staging", "production"
# Name, type, mean minutes, share of failures.
_BUILD = ("build", StageType.BUILD, 6, 0.04)
_CHECKS = (
    ("unit-test", StageType.TEST, 9, 0.08),
    ("lint", StageType.TEST, 2, 0.03),
    ("scan", StageType.SECURITY, 4, 0.01),
)
_AFTER_MERGE = (
    ("build", StageType.BUILD, 6, 0.02),
    ("integration-test", StageType.TEST, 20, 0.06),
    ("package", StageType.PACKAGE, 3, 0.01),
)
_INCIDENT = (
    (EventName.INCIDENT_DETECTED, 15 * MINUTE_NS),
    (EventName.INCIDENT_ACKNOWLEDGED, 5 * MINUTE_NS),
    (EventName.INCIDENT_MITIGATED, HOUR_NS),
    (EventName.INCIDENT_RESOLVED, 3 * HOUR_NS),
)
_SEVERITIES = tuple(IncidentSeverity)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A merged change that was packaged."""

    packaged_at: int
    revision: str
    root: SpanReference
    attributes: bytes
    artifact: bytes


@dataclass(slots=True, kw_only=True)
class Service:
    name: str
    repository: Repository
    requests: "count[int]"
    """The numbers of the repository's requests; services of one repository share them."""
    team: str
    value_stream: str
    foreign: bool
    """Whether something else than the project's wrappers tells of its pipelines."""
    ready: list[Version] = field(default_factory=list)
    """What is packaged and not deployed, a heap."""
    deployed: list[Version] = field(default_factory=list)
    """What production ran before, and runs."""
    deployments: int = 0

    @property
    def common(self) -> tuple[tuple[str, str], ...]:
        """What every span of the service's pipelines says."""
        return ((semconv.VSM_TEAM, self.team), (semconv.VSM_VALUE_STREAM, self.value_stream))


class Company:
    """Sends what happens to its services' changes."""

    def __init__(self, rng: Random, send: Send) -> None:
        self._rng, self._send = rng, send
        self._items = self._incidents = 0

    def change(self, service: Service, at: int) -> None:
        """A change, from its work item to its package."""
        rng, draw = self._rng, self._rng.random()
        merged = rng.randbytes(20).hex()
        if draw < 0.08:
            change = self._new_change(service, merged, None)
            change.event(EventName.CHANGE_FIRST_COMMIT, at)
            self._package(service, change, at + self._duration_ns(MINUTE_NS))
            return
        change = self._new_change(service, rng.randbytes(20).hex(), next(service.requests))
        if draw < 0.7:
            at = self._work_item(change, at)
        # An author's clock that is wrong dates a first commit after all else.
        dated = at + 60 * DAY_NS if rng.random() < 0.001 else at
        change.event(EventName.CHANGE_FIRST_COMMIT, dated, sent_at=at)
        at += self._duration_ns(8 * HOUR_NS)
        change.event(EventName.CHANGE_OPENED, at)
        checked = self._check(change, at)
        while rng.random() < 0.4:
            change.push(rng.randbytes(20).hex())
            checked = self._check(change, checked + self._duration_ns(4 * HOUR_NS))
        at = max(at + self._duration_ns(10 * HOUR_NS), checked)
        change.event(EventName.CHANGE_REVIEWED, at)
        if draw > 0.96:
            change.event(EventName.CHANGE_ABANDONED, at + self._duration_ns(5 * DAY_NS))
            return
        at += self._duration_ns(2 * HOUR_NS)
        change.event(EventName.CHANGE_APPROVED, at)
        change.push(merged)
        change.event(EventName.CHANGE_MERGED, at)
        if draw > 0.93:
            # The squashed commit names no request: what comes after it knows the commit only.
            change = self._new_change(service, merged, None)
        self._package(service, change, at)

    def deploy(self, service: Service, at: int) -> None:
        """What is ready goes to staging and from there to production; some of it goes wrong there."""
        versions: list[Version] = []
        while service.ready and service.ready[0].packaged_at <= at:
            versions.append(heapq.heappop(service.ready))
        if not versions:
            return
        rng, head = self._rng, versions[-1]
        self._deployment(service, STAGING, DeploymentKind.ROLLOUT, at, head, versions)
        at += self._duration_ns(2 * HOUR_NS) + 10 * MINUTE_NS
        kind = DeploymentKind.HOTFIX if rng.random() < 0.02 else DeploymentKind.ROLLOUT
        if rng.random() < 0.05:
            self._deployment(service, PRODUCTION, kind, at, head, versions, TaskResult.FAILURE)
            at += self._duration_ns(HOUR_NS)
        end, deployment = self._deployment(service, PRODUCTION, kind, at, head, versions)
        before, service.deployed = service.deployed[-1:], [*service.deployed[-1:], head]
        if rng.random() < 1 / 30:
            end = self._incident(service, deployment, end + self._duration_ns(6 * HOUR_NS))
        if before and rng.random() < 0.02:
            target = before[0]
            kind = DeploymentKind.ROLLBACK
            self._deployment(service, PRODUCTION, kind, end + MINUTE_NS, target, [target])

    def _duration_ns(self, mean_ns: int) -> int:
        return int(self._rng.expovariate(1 / mean_ns))

    def _new_change(self, service: Service, revision: str, request: int | None) -> changes.Change:
        return changes.Change(
            self._rng,
            self._send,
            service.repository,
            revision,
            request,
            service.common,
            foreign=service.foreign,
        )

    def _work_item(self, change: changes.Change, at: int) -> int:
        """When work begins; every third change is of the latest item, which has been begun."""
        shared = self._rng.random() < 0.3 and self._items > 0
        self._items += not shared
        change.work_item = f"WORK-{self._items}"
        change.push(change.revision)
        if shared:
            return at
        change.item_event(EventName.WORK_ITEM_CREATED, at)
        at += self._duration_ns(2 * DAY_NS)
        change.item_event(EventName.WORK_ITEM_STARTED, at)
        if self._rng.random() < 0.1:
            change.item_event(EventName.WORK_ITEM_BLOCKED, at + HOUR_NS)
            at += HOUR_NS + self._duration_ns(DAY_NS)
            change.item_event(EventName.WORK_ITEM_UNBLOCKED, at)
        return at

    def _check(self, change: changes.Change, at: int) -> int:
        """A pipeline of the revision; when it ended."""
        at, succeeded = self._run(change, _BUILD, at)
        if not succeeded:
            at, succeeded = self._run(change, _BUILD, at)
        ends = [at]
        for stage in _CHECKS if succeeded else ():
            end, passed = self._run(change, stage, at)
            if not passed and self._rng.random() < 0.5:
                end, _ = self._run(change, stage, end)
            ends.append(end)
        return max(ends)

    def _run(
        self, change: changes.Change, stage: tuple[str, StageType, int, float], at: int, *parts: bytes
    ) -> tuple[int, bool]:
        name, kind, minutes, failures = stage
        succeeded = self._rng.random() >= failures
        result = TaskResult.SUCCESS if succeeded else TaskResult.FAILURE
        return change.run(name, kind, at, minutes * MINUTE_NS, result, *parts), succeeded

    def _package(self, service: Service, change: changes.Change, at: int) -> None:
        """What follows a merge; it is tried until it succeeds."""
        digest = f"sha256:{self._rng.randbytes(32).hex()}"
        purl = f"pkg:oci/{service.name}@{digest}"
        artifact = encoded.attributes({semconv.ARTIFACT_PURL: purl, semconv.ARTIFACT_HASH: digest})
        for stage in _AFTER_MERGE:
            succeeded = False
            while not succeeded:
                at, succeeded = self._run(
                    change, stage, at, *([artifact] if stage is _AFTER_MERGE[-1] else [])
                )
        if self._rng.random() < 0.2:
            change.event(EventName.APPROVAL_REQUESTED, at, gate="release")
            at += self._duration_ns(3 * HOUR_NS)
            change.event(EventName.APPROVAL_GRANTED, at, gate="release")
        heapq.heappush(service.ready, Version(at, change.revision, change.root, change.attributes, artifact))

    def _deployment(
        self,
        service: Service,
        environment: str,
        kind: DeploymentKind,
        at: int,
        head: Version,
        versions: Iterable[Version],
        result: TaskResult = TaskResult.SUCCESS,
    ) -> tuple[int, str]:
        """When it ended, and its id; every twentieth has two jobs."""
        service.deployments += 1
        deployment = f"{service.name}-{service.deployments}"
        service_attributes = (
            (semconv.SERVICE_NAME, service.name),
            (semconv.DEPLOYMENT_ENVIRONMENT_NAME, environment),
        )
        own = {
            semconv.DEPLOYMENT_ID: deployment,
            semconv.VSM_DEPLOYMENT_KIND: str(kind),
            semconv.SERVICE_VERSION: head.revision[:8],
        }
        if service.deployed:
            own[semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION] = service.deployed[-1].revision
        parts = (
            head.attributes,
            changes.stage("deploy", StageType.DEPLOY, result),
            encoded.shared(*service_attributes),
            encoded.attributes(own),
            head.artifact,
            encoded.links(version.root for version in versions if version is not head),
        )
        trace_id, parent = bytes.fromhex(head.root.trace_id), bytes.fromhex(head.root.span_id)
        end = at
        for _ in range(2 if self._rng.random() < 0.05 else 1):
            end = max(end, at + MINUTE_NS + self._duration_ns(8 * MINUTE_NS))
            span = encoded.span(trace_id, self._rng.randbytes(8), parent, "deploy", at, end, *parts)
            self._send(end, service.repository, span)
        return end, deployment

    def _incident(self, service: Service, deployment: str, at: int) -> int:
        """When it was resolved; every second one names the deployment."""
        self._incidents += 1
        incident = f"INC-{self._incidents}"
        attributes = {
            semconv.VSM_INCIDENT_ID: incident,
            semconv.VSM_INCIDENT_SEVERITY: str(self._rng.choice(_SEVERITIES)),
            semconv.SERVICE_NAME: service.name,
            semconv.DEPLOYMENT_ENVIRONMENT_NAME: PRODUCTION,
            semconv.VSM_TEAM: service.team,
        }
        if self._rng.random() < 0.5:
            attributes[semconv.DEPLOYMENT_ID] = deployment
        part, root = encoded.attributes(attributes), incident_root(incident)
        for event, mean_ns in ((EventName.INCIDENT_STARTED, MINUTE_NS), *_INCIDENT):
            at += self._duration_ns(mean_ns)
            self._send(at, service.repository, changes.event(root, incident, event, at, part))
        return at
