"""All that follows from what was told, by one profile, and what of it a question is about."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import Profile
from reference.changes import Change, changes
from reference.deliveries import Delivery, first_artifacts, first_deliveries
from reference.deployments import Carried, Deployment, carried, deployments
from reference.failures import Judged, judged
from reference.identity import Identities, identified
from reference.incidents import PRODUCTION, Incident, incidents
from reference.remedies import Remedy, remedies
from reference.rows import Key, Row, settled
from reference.runs import Begun, Run, runs, unfinished
from scenarios.question import Question


class Facts:
    """What follows from the spans and the settings, whatever the profile."""

    def __init__(self, rows: Iterable[Row], links: Iterable[Row], declared: Declared) -> None:
        self.declared = declared
        self.rows = settled(rows, declared)
        self.links: set[tuple[Key, Key]] = {
            ((link["trace_id"], link["span_id"]), (link["linked_trace_id"], link["linked_span_id"]))
            for link in links
        }
        self.identities: Identities = identified(self.rows, declared.limits.suspicious_revisions)
        self.changes: dict[str, Change] = changes(self.rows, self.identities)
        self.runs: list[Run] = runs(self.rows, self.identities)
        self.runs_by_change: dict[str, list[Run]] = {name: [] for name in self.changes}
        for run in self.runs:
            if run.change is not None:
                self.runs_by_change[run.change].append(run)
        self.unfinished: list[Begun] = unfinished(self.rows, self.identities)
        self.deployments: dict[str, Deployment] = deployments(
            self.rows, self.links, self.identities, self.changes, self.runs
        )
        self.incidents: dict[str, Incident] = incidents(self.rows, self.links, self.deployments)


class Story:
    """The same, judged by a profile."""

    def __init__(self, facts: Facts, profile: Profile) -> None:
        self.facts, self.profile = facts, profile

    @cached_property
    def carried(self) -> Carried:
        return carried(self.facts.deployments, self.facts.changes, self.profile)

    @cached_property
    def carried_by_artifacts(self) -> Carried:
        return carried(self.facts.deployments, self.facts.changes, self.profile, of_artifacts=True)

    @cached_property
    def remedies(self) -> dict[str, Remedy]:
        return remedies(self.facts.deployments, self.carried, self.facts.changes)

    @cached_property
    def judged(self) -> Judged:
        return judged(
            self.facts.deployments,
            self.remedies,
            self.facts.incidents,
            self.facts.declared,
            self.profile,
        )

    def in_environment(self, name: str | None, question: Question) -> bool:
        """Whether an environment is the one that is asked for, or of the class that is."""
        if question.environment is None:
            return True
        if name is None:
            return False
        if question.environment_is_name:
            return name == question.environment
        classes = self.facts.declared.environments
        if question.environment in classes:
            return question.environment in self.facts.declared.environment_classes(name)
        return name.lower() == question.environment.lower()

    def runs_of(self, change: Change) -> list[Run]:
        return self.facts.runs_by_change[change.id]

    def deployments(self, question: Question) -> list[Deployment]:
        """The deployments that pass the filters, of any time and result."""
        return [
            deployment
            for deployment in self.facts.deployments.values()
            if question.service in (None, deployment.service)
            and self.in_environment(deployment.environment, question)
            and question.repository in (None, deployment.repository)
            and (question.team is None or question.team in deployment.teams)
            and (question.value_stream is None or question.value_stream in deployment.value_streams)
        ]

    def changes(self, question: Question) -> list[Change]:
        return [change for change in self.facts.changes.values() if self.passes(change, question)]

    def passes(self, change: Change, question: Question) -> bool:
        return (
            question.repository in (None, change.repository)
            and (question.team is None or question.team in change.teams)
            and (question.value_stream is None or question.value_stream in change.value_streams)
        )

    def closed(self, question: Question) -> set[str]:
        """The changes that were delivered, or abandoned, before the window's end."""
        there = replace(question, environment=question.environment or PRODUCTION)
        delivered = {
            change
            for deployment in self.facts.deployments.values()
            if deployment.done
            and deployment.finished_at < question.to_ns
            and self.in_environment(deployment.environment, there)
            for change in self.carried[deployment.id]
        }
        abandoned = {
            change.id
            for change in self.facts.changes.values()
            if change.events.get("change.abandoned", question.to_ns) < question.to_ns
        }
        return delivered | abandoned

    def first_deliveries(self, question: Question) -> list[Delivery]:
        """The first delivery of every change by a deployment to where is asked for, of any time."""
        return self._passing(
            first_deliveries(self._there(question), self.carried, self.facts.changes, self.profile), question
        )

    def deliveries(self, question: Question) -> list[Delivery]:
        """Those that lie in the window, by the moment that the profile looks at."""
        return [one for one in self.first_deliveries(question) if question.within(self.edge(one))]

    def artifacts(self, question: Question) -> list[Delivery]:
        """The artifacts, instead of changes, that were first deployed in the window."""
        found = first_artifacts(
            self._there(question), self.carried_by_artifacts, self.facts.changes, self.profile
        )
        return [one for one in self._passing(found, question) if question.within(self.edge(one))]

    def counted(self, question: Question) -> list[Delivery]:
        """What the profile takes lead times of: changes, or artifacts."""
        of_artifacts = self.profile.lead_time_per == "artifact"
        return self.artifacts(question) if of_artifacts else self.deliveries(question)

    def edge(self, delivery: Delivery) -> int | None:
        """The moment of a delivery that has to lie in the window."""
        if self.profile.window_edge == "delivered":
            return delivery.delivered_at
        return delivery.change.events.get("change.merged")

    def _there(self, question: Question) -> list[Deployment]:
        return [
            deployment
            for deployment in self.facts.deployments.values()
            if question.service in (None, deployment.service)
            and self.in_environment(deployment.environment, question)
        ]

    def _passing(self, deliveries: list[Delivery], question: Question) -> list[Delivery]:
        return [delivery for delivery in deliveries if self.passes(delivery.change, question)]

    def incidents(self, question: Question) -> list[Incident]:
        """The incidents that count and pass the filters, of any time."""
        return [
            incident
            for incident in self.facts.incidents.values()
            if incident.counts(self.profile)
            and (question.service is None or question.service in incident.services)
            and self.in_environment(incident.environment, question)
            and question.severity in (None, incident.severity)
            and (question.team is None or question.team in incident.teams)
        ]


def day_of(moment_ns: int, time_zone: str) -> str:
    """The day on which a moment fell, where the question comes from."""
    zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (epoch + timedelta(seconds=moment_ns // 10**9)).astimezone(zone).date().isoformat()


def cuts(from_ns: int, to_ns: int) -> list[int]:
    """Ends of the three parts that a window is cut into for a series."""
    part = (to_ns - from_ns) // 3
    return [from_ns, from_ns + part, from_ns + 2 * part, to_ns]
