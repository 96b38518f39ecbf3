"""Incidents: when what happened, and which deployments they came from."""

from collections import defaultdict
from dataclasses import dataclass, field

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from reference.changes import SECOND
from reference.deployments import Deployment
from reference.rows import Link, Row, distinct, is_incident, key_of, smallest

PRODUCTION = "production"
_SEVEREST_FIRST = ("critical", "high", "medium", "low")


@dataclass(eq=False)
class Incident:
    """One incident and what is told of it."""

    id: str
    rows: list[Row]
    told: list[Deployment] = field(default_factory=list)
    """The known deployments that it names or links to."""

    def moments(self, event: str) -> list[int]:
        return sorted(row["started_at"] for row in self.rows if row["event_name"] == f"incident.{event}")

    def first(self, event: str) -> int | None:
        return min(self.moments(event), default=None)

    @property
    def start_told(self) -> bool:
        return bool(self.moments("started"))

    @property
    def started_at(self) -> int:
        heard = [row["started_at"] for row in self.rows]
        return min(self.moments("started") or self.moments("detected") or heard)

    @property
    def resolved_at(self) -> int | None:
        """The first end after it began for the last time; null while it is open, also if it is again."""
        last_begun = max(self.moments("started") + self.moments("detected"), default=None)
        return min(
            (at for at in self.moments("resolved") if last_begun is None or at >= last_begun), default=None
        )

    @property
    def services(self) -> list[str]:
        return distinct(self.rows, "service")

    @property
    def environment(self) -> str:
        return smallest(self.rows, "environment") or PRODUCTION

    @property
    def severity(self) -> str | None:
        told = distinct(self.rows, "severity")
        for severity in _SEVEREST_FIRST:
            if severity in told:
                return severity
        return None

    @property
    def teams(self) -> list[str]:
        return distinct(self.rows, "team")

    @property
    def value_streams(self) -> list[str]:
        return distinct(self.rows, "value_stream")

    def counts(self, profile: Profile) -> bool:
        return profile.incident_severities is None or self.severity in profile.incident_severities

    @property
    def restore_s(self) -> float | None:
        if self.resolved_at is None or self.resolved_at < self.started_at:
            return None
        return (self.resolved_at - self.started_at) / SECOND

    @property
    def detect_s(self) -> float | None:
        detected = self.first("detected")
        if not self.start_told or detected is None or detected < self.started_at:
            return None
        return (detected - self.started_at) / SECOND


def incidents(rows: list[Row], links: set[Link], deployments: dict[str, Deployment]) -> dict[str, Incident]:
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if is_incident(row):
            rows_of[row["incident_id"]].append(row)
    found = {name: Incident(name, told) for name, told in rows_of.items()}
    for incident in found.values():
        keys = {key_of(row) for row in incident.rows}
        targets = {target for source, target, _ in links if source in keys}
        named = {
            deployment.id: deployment
            for name in distinct(incident.rows, "deployment_id")
            for deployment in _meant(name, incident, deployments)
        }
        linked = {
            deployment.id: deployment
            for deployment in deployments.values()
            for one in (deployment, *deployment.backfilled)
            if any(key_of(row) in targets for row in one.all_rows)
        }
        incident.told = list((named | linked).values())
    return found


def _meant(name: str, incident: Incident, deployments: dict[str, Deployment]) -> list[Deployment]:
    """The deployments of the id that an incident names; of several those that it is likely to mean."""
    of_id = [
        (one, deployment)
        for deployment in deployments.values()
        for one in (deployment, *deployment.backfilled)
        if name in (one.id, one.reported_id)
    ]
    of_service = [pair for pair in of_id if pair[0].service in incident.services]
    there = [pair for pair in of_service if pair[0].environment == incident.environment]
    return [deployment for _, deployment in there or of_service or of_id]


def causes(
    incident: Incident, deployments: dict[str, Deployment], declared: Declared, profile: Profile
) -> tuple[str | None, list[Deployment]]:
    """By which method deployments are found that an incident came from, and these."""
    if incident.told:
        return "incident_link", incident.told
    latest = max(
        (
            deployment
            for deployment in deployments.values()
            if deployment.done
            and deployment.environment == incident.environment
            and _matches(deployment.service, incident, declared, profile)
            and deployment.finished_at <= incident.started_at
        ),
        key=lambda deployment: deployment.order,
        default=None,
    )
    if latest is None:
        return None, []
    window = profile.incident_window_s
    if window is not None and (incident.started_at - latest.finished_at) / SECOND > window:
        return None, []
    return "incident_window", [latest]


def _matches(service: str, incident: Incident, declared: Declared, profile: Profile) -> bool:
    if profile.incident_match == "service":
        return service in incident.services
    # Services that nobody declared to be of a project are one together, as is an incident of no service.
    hit = {declared.project_of(named) for named in incident.services} or {None}
    return declared.project_of(service) in hit
