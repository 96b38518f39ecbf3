"""Ninety days of delivery work, made up: what is worked on, when it waits, what breaks, how it is repaired.

Pure: the same seed and the same end give the same history. Nothing here knows of spans.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1
from random import Random
from typing import ClassVar

from demo.acme import (
    ABANDONED,
    BROKEN_TESTS,
    DENIED,
    FLAKY_TESTS,
    MONDAY,
    SECOND_REVIEWS,
    SERVICES,
    WITH_WORK_ITEM,
    WORKDAYS,
    Service,
    Trouble,
)
from otel_vsm.semconv import ActorType, DeploymentKind, EventName, IncidentSeverity, StageType, TaskResult

SEED = 1906
DAYS = 90
PRODUCTION, STAGING = "production", "staging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a stage."""

    stage: str
    type: StageType
    revision: str
    start: datetime
    end: datetime
    queued: timedelta
    result: TaskResult = TaskResult.SUCCESS


@dataclass(slots=True, kw_only=True)
class Change:
    """A request from its first commit on; it ends in production, unless it is given up."""

    service: Service
    number: int
    revision: str
    """The commit that was last pushed, in the end the one on the main branch."""
    work_item: str | None = None
    urgent: bool = False
    """Small and careful, for users suffer meanwhile."""
    events: list[tuple[EventName, datetime]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    approver: ActorType = ActorType.AUTOMATION
    ready: datetime | None = None
    """When it may go into production; None where it never may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    id: str
    service: Service
    environment: str
    kind: DeploymentKind
    result: TaskResult
    version: str
    head: Change
    others: tuple[Change, ...]
    """The changes that it carries besides the head's own."""
    previous_revision: str | None
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    id: str
    service: Service
    severity: IncidentSeverity
    deployment_id: str | None
    """The deployment that it names as its cause."""
    events: list[tuple[EventName, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happens; some of it may lie after the end, and has not happened yet."""

    end: datetime
    changes: list[Change] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)


def generate(end: datetime, seed: int = SEED) -> History:
    """The history of the ninety days before `end`, a time in UTC."""
    history = History(end=end)
    for service in SERVICES:
        _Simulation(service, Random(f"{seed} {service.name}"), history).run()
    return history


class _Simulation:
    """The work on one service."""

    PIPELINE: ClassVar = {
        "build": (StageType.BUILD, 4),
        "test": (StageType.TEST, 9),
        "scan": (StageType.SECURITY, 3),
        "package": (StageType.PACKAGE, 2),
    }
    """Stage → type and median minutes."""

    def __init__(self, service: Service, random: Random, history: History) -> None:
        self.service, self.random, self.history = service, random, history
        self.waiting: list[Change] = []
        self.live: list[Deployment] = []
        """The successful production deployments, the one that runs now last."""
        self.number = 100

    def run(self) -> None:
        for day in self._days(WORKDAYS):
            for _ in range(self._whole_number(self.service.changes_per_day)):
                self._change(day + timedelta(hours=self.random.uniform(8, 17)))
        if self.service.gate_h is not None:
            self._withdraw_last_answer()
        self.waiting.sort(key=lambda change: change.ready or self.history.end)
        slots = [
            day + timedelta(hours=hour, minutes=self.random.uniform(0, 20))
            for day in self._days(self.service.deploy_days)
            for hour in self.service.deploy_hours
        ]
        number, free_at = 0, slots[0]
        for slot in slots:
            ready = [change for change in self.waiting if change.ready and change.ready <= slot]
            if ready and free_at <= slot < self.history.end - timedelta(hours=4):
                number += 1
                free_at = self._deliver(ready, slot, number)
        if self.service.incident_without_cause:
            monday = list(self._days([MONDAY]))[6]
            self._incident(monday + timedelta(hours=9), monday + timedelta(hours=11), deployment_id=None)
        if self.service.suffers_now:
            self._incident(self.history.end - timedelta(minutes=50), repaired=None, deployment_id=None)

    # --- a change

    def _change(self, first_commit: datetime) -> None:
        change = self._begin(first_commit)
        service = self.service
        opened = self._working_time(first_commit + self._hours(service.coding_h))
        change.events.append((EventName.CHANGE_OPENED, opened))
        tested = self._pipeline(change, opened, "build", "test")
        reviewed = self._working_time(opened + self._hours(service.pickup_h))
        change.events.append((EventName.CHANGE_REVIEWED, reviewed))
        if self._chance(ABANDONED):
            abandoned = self._working_time(reviewed + self._hours(40))
            change.events.append((EventName.CHANGE_ABANDONED, abandoned))
            return
        if self._chance(SECOND_REVIEWS):
            pushed = self._working_time(reviewed + self._hours(service.review_h))
            change.revision = self._revision(change, "after review")
            tested = self._pipeline(change, pushed, "build", "test")
        approved = self._working_time(max(reviewed, tested) + self._hours(service.review_h))
        packaged = self._merge(change, approved, approved + self._minutes(20))
        if service.gate_h is None:
            self._approve(change, packaged, packaged + timedelta(seconds=self.random.uniform(1, 20)))
            return
        change.approver = ActorType.HUMAN
        answered = self._working_time(packaged + self._hours(service.gate_h))
        if self._chance(DENIED):
            change.events += [
                (EventName.APPROVAL_REQUESTED, packaged),
                (EventName.APPROVAL_DENIED, answered),
                (EventName.CHANGE_ABANDONED, answered),
            ]
        else:
            self._approve(change, packaged, answered)

    def _hotfix(self, failed: Deployment) -> Change:
        """A small repair, from the first commit to the package within an hour or two."""
        first_commit = failed.end + self._minutes(20)
        change = self._begin(first_commit, urgent=True)
        opened = first_commit + self._minutes(12)
        tested = self._pipeline(change, opened, "build", "test")
        approved = tested + self._minutes(4)
        change.events += [(EventName.CHANGE_OPENED, opened), (EventName.CHANGE_REVIEWED, approved)]
        packaged = self._merge(change, approved, approved + self._minutes(2))
        self._approve(change, packaged, packaged + timedelta(seconds=5))
        self.waiting.remove(change)
        return change

    def _begin(self, first_commit: datetime, *, urgent: bool = False) -> Change:
        self.number += 1
        change = Change(service=self.service, number=self.number, revision="", urgent=urgent)
        change.revision = self._revision(change, "first")
        if not urgent and self._chance(WITH_WORK_ITEM):
            change.work_item = f"{self.service.name.upper()}-{self.number + 300}"
            started = first_commit - self._hours(2)
            change.events += [
                (EventName.WORK_ITEM_CREATED, started - self._hours(90)),
                (EventName.WORK_ITEM_STARTED, started),
            ]
        change.events.append((EventName.CHANGE_FIRST_COMMIT, first_commit))
        self.history.changes.append(change)
        return change

    def _merge(self, change: Change, approved: datetime, merged: datetime) -> datetime:
        """Brings it onto the main branch and into the test environment; gives when it was packaged."""
        change.events += [(EventName.CHANGE_APPROVED, approved), (EventName.CHANGE_MERGED, merged)]
        change.revision = self._revision(change, "merged")
        packaged = self._pipeline(change, merged, "scan", "package")
        self._deploy(change, packaged + self._minutes(2), environment=STAGING)
        return packaged

    def _approve(self, change: Change, requested: datetime, answered: datetime) -> None:
        change.events += [(EventName.APPROVAL_REQUESTED, requested), (EventName.APPROVAL_GRANTED, answered)]
        change.ready = answered
        self.waiting.append(change)

    def _withdraw_last_answer(self) -> None:
        """Whoever had to let the latest change pass has not come to it yet."""
        requested = {
            at: change
            for change in self.waiting
            for name, at in change.events
            if name is EventName.APPROVAL_REQUESTED and at < self.history.end
        }
        change = requested[max(requested)]
        change.events.pop()
        change.ready = None
        self.waiting.remove(change)

    def _pipeline(self, change: Change, start: datetime, *stages: str) -> datetime:
        """Runs the stages one after the other until all have passed; gives the end."""
        for stage in stages:
            if stage == "test" and self._chance(FLAKY_TESTS):
                start = self._run(change, stage, start, TaskResult.FAILURE)
            elif stage == "test" and not change.urgent and self._chance(BROKEN_TESTS):
                failed = self._run(change, stage, start, TaskResult.FAILURE)
                change.revision = self._revision(change, f"repaired {failed}")
                start = self._run(change, "build", self._working_time(failed + self._hours(1.5)))
            start = self._run(change, stage, start)
        return start

    def _run(
        self, change: Change, stage: str, requested: datetime, result: TaskResult = TaskResult.SUCCESS
    ) -> datetime:
        kind, minutes = self.PIPELINE[stage]
        queued = self._minutes(1.5)
        start = requested + queued
        end = start + self._minutes(minutes)
        change.runs.append(
            Run(
                stage=stage,
                type=kind,
                revision=change.revision,
                start=start,
                end=end,
                queued=queued,
                result=result,
            )
        )
        return end

    # --- production

    def _deliver(self, ready: Sequence[Change], slot: datetime, number: int) -> datetime:
        """Deploys what waits, with the trouble that is due; gives when the service is in order again."""
        trouble = self.service.troubles.get(number)
        version = f"1.{number}"
        *others, head = ready
        if trouble is Trouble.FAILED_ROLLOUT:
            failure = TaskResult.FAILURE
            return self._deploy(head, slot, others=others, version=version, result=failure).end
        self.waiting = [change for change in self.waiting if change not in ready]
        before = self.live[-1] if self.live else None
        deployment = self._deploy(head, slot, others=others, version=version)
        if trouble is None or before is None:
            return deployment.end
        started = deployment.end + self._minutes(6)
        if trouble is Trouble.INCIDENT:
            self._incident(started, started + self._minutes(80), deployment_id=None)
            return deployment.end
        if trouble is Trouble.HOTFIX:
            repair = self._hotfix(deployment)
            assert repair.ready
            kind = DeploymentKind.HOTFIX
            repaired = self._deploy(repair, repair.ready, kind=kind, version=f"{version}.1")
        else:
            start = deployment.end + self._minutes(40)
            kind = DeploymentKind.ROLLBACK
            repaired = self._deploy(before.head, start, kind=kind, version=before.version)
        if trouble is Trouble.LINKED_INCIDENT:
            self._incident(started, repaired.end, deployment_id=deployment.id)
        return repaired.end

    def _deploy(
        self,
        head: Change,
        start: datetime,
        *,
        environment: str = PRODUCTION,
        others: Sequence[Change] = (),
        kind: DeploymentKind = DeploymentKind.ROLLOUT,
        result: TaskResult = TaskResult.SUCCESS,
        version: str | None = None,
    ) -> Deployment:
        running = self.live[-1].head.revision if self.live and environment == PRODUCTION else None
        deployment = Deployment(
            id=f"{self.service.name}-{environment}-{start:%Y%m%d-%H%M%S}",
            service=self.service,
            environment=environment,
            kind=kind,
            result=result,
            version=version or head.revision[:10],
            head=head,
            others=tuple(others),
            previous_revision=running,
            start=start,
            end=start + self._minutes(5),
        )
        self.history.deployments.append(deployment)
        if environment == PRODUCTION and result is TaskResult.SUCCESS:
            self.live.append(deployment)
        return deployment

    def _incident(self, started: datetime, repaired: datetime | None, *, deployment_id: str | None) -> None:
        detected = started + self._minutes(6)
        events = [
            (EventName.INCIDENT_STARTED, started),
            (EventName.INCIDENT_DETECTED, detected),
            (EventName.INCIDENT_ACKNOWLEDGED, detected + self._minutes(4)),
        ]
        if repaired:
            events += [
                (EventName.INCIDENT_MITIGATED, repaired),
                (EventName.INCIDENT_RESOLVED, repaired + self._minutes(30)),
            ]
        self.history.incidents.append(
            Incident(
                id=f"INC-{started:%m%d-%H%M}",
                service=self.service,
                severity=self.random.choice(list(IncidentSeverity)),
                deployment_id=deployment_id,
                events=events,
            )
        )

    # --- chance and the calendar

    def _days(self, weekdays: Sequence[int]) -> Iterator[datetime]:
        last = self.history.end.replace(hour=0, minute=0, second=0, microsecond=0)
        days = (last - timedelta(days=ago) for ago in range(DAYS, -1, -1))
        return (day for day in days if day.weekday() in weekdays)

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _whole_number(self, mean: float) -> int:
        """A whole number, on average the mean."""
        whole = math.floor(mean)
        return max(0, whole + self._chance(mean - whole) + self.random.choice((-1, 0, 0, 0, 1)))

    def _hours(self, median: float) -> timedelta:
        # Most work takes about its median, some of it many times as long.
        return timedelta(hours=self.random.lognormvariate(math.log(median), 0.8))

    def _minutes(self, median: float) -> timedelta:
        return timedelta(minutes=self.random.lognormvariate(math.log(median), 0.4))

    def _working_time(self, at: datetime) -> datetime:
        """This moment, or the next morning on which people work."""
        morning = at.replace(hour=8) + timedelta(minutes=self.random.uniform(0, 90))
        while at.hour < 8 or at.hour >= 18 or at.weekday() not in WORKDAYS:
            at = morning if morning > at else morning + timedelta(days=1)
            morning = at
        return at

    def _revision(self, change: Change, push: str) -> str:
        return sha1(f"{change.service.repository}#{change.number} {push}".encode()).hexdigest()
