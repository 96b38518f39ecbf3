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

from bench import encoded, telling
from bench.telling import DAY_NS, HOUR_NS, MINUTE_NS, Tell
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
    about: bytes
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


class Lives:
    def __init__(self, dice: Random, tell: Tell) -> None:
        self._dice, self._tell = dice, tell
        self._items = self._incidents = 0

    def change(self, service: Service, at: int) -> None:
        """A change, from its work item to its package."""
        dice, luck = self._dice, self._dice.random()
        merged = dice.randbytes(20).hex()
        if luck < 0.08:
            change = self._begun(service, merged, None)
            change.event(EventName.CHANGE_FIRST_COMMIT, at)
            self._package(service, change, at + self._about(MINUTE_NS))
            return
        change = self._begun(service, dice.randbytes(20).hex(), next(service.requests))
        if luck < 0.7:
            at = self._work_item(change, at)
        # An author's clock that is wrong dates a first commit after all else.
        dated = at + 60 * DAY_NS if dice.random() < 0.001 else at
        change.event(EventName.CHANGE_FIRST_COMMIT, dated, sent=at)
        at += self._about(8 * HOUR_NS)
        change.event(EventName.CHANGE_OPENED, at)
        checked = self._check(change, at)
        while dice.random() < 0.4:
            change.push(dice.randbytes(20).hex())
            checked = self._check(change, checked + self._about(4 * HOUR_NS))
        at = max(at + self._about(10 * HOUR_NS), checked)
        change.event(EventName.CHANGE_REVIEWED, at)
        if luck > 0.96:
            change.event(EventName.CHANGE_ABANDONED, at + self._about(5 * DAY_NS))
            return
        at += self._about(2 * HOUR_NS)
        change.event(EventName.CHANGE_APPROVED, at)
        change.push(merged)
        change.event(EventName.CHANGE_MERGED, at)
        if luck > 0.93:
            # The squashed commit names no request: what comes after it knows the commit only.
            change = self._begun(service, merged, None)
        self._package(service, change, at)

    def deploy(self, service: Service, at: int) -> None:
        """What is ready goes to staging and from there to production; some of it goes wrong there."""
        carried: list[Version] = []
        while service.ready and service.ready[0].packaged_at <= at:
            carried.append(heapq.heappop(service.ready))
        if not carried:
            return
        dice, head = self._dice, carried[-1]
        self._deployment(service, STAGING, DeploymentKind.ROLLOUT, at, head, carried)
        at += self._about(2 * HOUR_NS) + 10 * MINUTE_NS
        kind = DeploymentKind.HOTFIX if dice.random() < 0.02 else DeploymentKind.ROLLOUT
        if dice.random() < 0.05:
            self._deployment(service, PRODUCTION, kind, at, head, carried, TaskResult.FAILURE)
            at += self._about(HOUR_NS)
        done, deployment = self._deployment(service, PRODUCTION, kind, at, head, carried)
        before, service.deployed = service.deployed[-1:], [*service.deployed[-1:], head]
        if dice.random() < 1 / 30:
            done = self._incident(service, deployment, done + self._about(6 * HOUR_NS))
        if before and dice.random() < 0.02:
            again = before[0]
            self._deployment(service, PRODUCTION, DeploymentKind.ROLLBACK, done + MINUTE_NS, again, [again])

    def _about(self, mean_ns: int) -> int:
        return int(self._dice.expovariate(1 / mean_ns))

    def _begun(self, service: Service, revision: str, request: int | None) -> telling.Change:
        return telling.Change(
            self._dice,
            self._tell,
            service.repository,
            revision,
            request,
            service.common,
            foreign=service.foreign,
        )

    def _work_item(self, change: telling.Change, at: int) -> int:
        """When work begins; every third change is of the latest item, which has been begun."""
        begun = self._dice.random() < 0.3 and self._items > 0
        self._items += not begun
        change.work_item = f"WORK-{self._items}"
        change.push(change.revision)
        if begun:
            return at
        change.item_event(EventName.WORK_ITEM_CREATED, at)
        at += self._about(2 * DAY_NS)
        change.item_event(EventName.WORK_ITEM_STARTED, at)
        if self._dice.random() < 0.1:
            change.item_event(EventName.WORK_ITEM_BLOCKED, at + HOUR_NS)
            at += HOUR_NS + self._about(DAY_NS)
            change.item_event(EventName.WORK_ITEM_UNBLOCKED, at)
        return at

    def _check(self, change: telling.Change, at: int) -> int:
        """A pipeline of the revision; when it ended."""
        at, well = self._run(change, _BUILD, at)
        if not well:
            at, well = self._run(change, _BUILD, at)
        ends = [at]
        for stage in _CHECKS if well else ():
            end, passed = self._run(change, stage, at)
            if not passed and self._dice.random() < 0.5:
                end, _ = self._run(change, stage, end)
            ends.append(end)
        return max(ends)

    def _run(
        self, change: telling.Change, stage: tuple[str, StageType, int, float], at: int, *parts: bytes
    ) -> tuple[int, bool]:
        name, kind, minutes, failures = stage
        well = self._dice.random() >= failures
        result = TaskResult.SUCCESS if well else TaskResult.FAILURE
        return change.run(name, kind, at, minutes * MINUTE_NS, result, *parts), well

    def _package(self, service: Service, change: telling.Change, at: int) -> None:
        """What follows a merge; it is tried until it succeeds."""
        digest = f"sha256:{self._dice.randbytes(32).hex()}"
        purl = f"pkg:oci/{service.name}@{digest}"
        artifact = encoded.attributes({semconv.ARTIFACT_PURL: purl, semconv.ARTIFACT_HASH: digest})
        for stage in _AFTER_MERGE:
            well = False
            while not well:
                at, well = self._run(change, stage, at, *([artifact] if stage is _AFTER_MERGE[-1] else []))
        if self._dice.random() < 0.2:
            change.event(EventName.APPROVAL_REQUESTED, at, gate="release")
            at += self._about(3 * HOUR_NS)
            change.event(EventName.APPROVAL_GRANTED, at, gate="release")
        heapq.heappush(service.ready, Version(at, change.revision, change.root, change.about, artifact))

    def _deployment(
        self,
        service: Service,
        environment: str,
        kind: DeploymentKind,
        at: int,
        head: Version,
        carried: Iterable[Version],
        result: TaskResult = TaskResult.SUCCESS,
    ) -> tuple[int, str]:
        """When it ended, and its id; every twentieth has two jobs."""
        service.deployments += 1
        deployment = f"{service.name}-{service.deployments}"
        place = ((semconv.SERVICE_NAME, service.name), (semconv.DEPLOYMENT_ENVIRONMENT_NAME, environment))
        own = {
            semconv.DEPLOYMENT_ID: deployment,
            semconv.VSM_DEPLOYMENT_KIND: str(kind),
            semconv.SERVICE_VERSION: head.revision[:8],
        }
        if service.deployed:
            own[semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION] = service.deployed[-1].revision
        parts = (
            head.about,
            telling.stage("deploy", StageType.DEPLOY, result),
            encoded.shared(*place),
            encoded.attributes(own),
            head.artifact,
            encoded.links(version.root for version in carried if version is not head),
        )
        trace_id, parent = bytes.fromhex(head.root.trace_id), bytes.fromhex(head.root.span_id)
        end = at
        for _ in range(2 if self._dice.random() < 0.05 else 1):
            end = max(end, at + MINUTE_NS + self._about(8 * MINUTE_NS))
            span = encoded.span(trace_id, self._dice.randbytes(8), parent, "deploy", at, end, *parts)
            self._tell(end, service.repository, span)
        return end, deployment

    def _incident(self, service: Service, deployment: str, at: int) -> int:
        """When it was resolved; every second one names the deployment."""
        self._incidents += 1
        incident = f"INC-{self._incidents}"
        about = {
            semconv.VSM_INCIDENT_ID: incident,
            semconv.VSM_INCIDENT_SEVERITY: str(self._dice.choice(_SEVERITIES)),
            semconv.SERVICE_NAME: service.name,
            semconv.DEPLOYMENT_ENVIRONMENT_NAME: PRODUCTION,
            semconv.VSM_TEAM: service.team,
        }
        if self._dice.random() < 0.5:
            about[semconv.DEPLOYMENT_ID] = deployment
        part, root = encoded.attributes(about), incident_root(incident)
        for event, mean_ns in ((EventName.INCIDENT_STARTED, MINUTE_NS), *_INCIDENT):
            at += self._about(mean_ns)
            self._tell(at, service.repository, telling.event(root, incident, event, at, part))
        return at
