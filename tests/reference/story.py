"""All that follows from what was told, by one profile, and what of it a question is about."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import matches
from otel_vsm_collector.declared.profiles import Profile
from reference.changes import Change, changes
from reference.deliveries import Delivery, first_artifacts, first_deliveries
from reference.deployments import Carried, Deployment, carried, claimed, deployments
from reference.executions import Execution, executions
from reference.failures import Judged, judged
from reference.identity import Identities, identified
from reference.incidents import PRODUCTION, Incident, incidents
from reference.remedies import Remedy, remedies
from reference.rows import Link, Row, left_out, settled
from reference.runs import Begun, Run, runs, told_runs, unfinished
from scenarios.question import Question


class Facts:
    """What follows from the spans and the settings, whatever the profile."""

    def __init__(self, rows: Iterable[Row], links: Iterable[Row], declared: Declared) -> None:
        self.declared = declared
        rows = list(rows)
        self.rows, self.left_out = settled(rows, declared), left_out(rows, declared)
        self.links: set[Link] = {
            (
                (link["trace_id"], link["span_id"]),
                (link["linked_trace_id"], link["linked_span_id"]),
                link["kind"],
            )
            for link in links
        }
        self.identities: Identities = identified(self.rows)
        self.changes: dict[str, Change] = changes(self.rows, self.identities)
        told = told_runs(self.rows, self.identities)
        self.runs: list[Run] = runs(told, self.rows, self.identities)
        self.executions: list[Execution] = executions(self.runs)
        self.runs_by_change: dict[str, list[Run]] = {name: [] for name in self.changes}
        for run in self.runs:
            if run.change is not None:
                self.runs_by_change[run.change].append(run)
        self.unfinished: list[Begun] = unfinished(self.rows, self.identities)
        self.deployments: dict[str, Deployment] = deployments(
            self.rows, self.links, self.identities, self.changes, told
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
            and self._of_deployment(deployment, question)
        ]

    def _of_deployment(self, deployment: Deployment, question: Question) -> bool:
        return in_stream(
            self.facts.declared,
            question,
            named=deployment.value_streams,
            services=[deployment.service],
            repository=deployment.repository,
            teams=deployment.teams,
        )

    def passes_row(self, row: Row, question: Question) -> bool:
        """Whether a span passes the filters; work before any deployment is for every environment."""
        return (
            question.service in (None, row["service"])
            and (row["environment"] is None or self.in_environment(row["environment"], question))
            and question.repository in (None, row["repository"])
            and question.team in (None, row["team"])
            and in_stream(
                self.facts.declared,
                question,
                named=[row["value_stream"]],
                services=[row["service"]],
                repository=row["repository"],
                teams=[row["team"]],
                stage=row["stage_name"],
            )
        )

    def changes(self, question: Question) -> list[Change]:
        return [change for change in self.facts.changes.values() if self.passes(change, question)]

    def passes(self, change: Change, question: Question, by: str | None = None) -> bool:
        """Whether a change passes the filters, by its services or as it was delivered `by` one."""
        return (
            question.repository in (None, change.repository)
            and (question.team is None or question.team in change.teams)
            and in_stream(
                self.facts.declared,
                question,
                named=change.value_streams,
                services=change.services if by is None else [by],
                repository=change.repository,
                teams=change.teams,
            )
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
            for change in self.contained(deployment) | self.carried[deployment.id].keys()
        }
        abandoned = {
            change.id
            for change in self.facts.changes.values()
            if change.events.get("change.abandoned", question.to_ns) < question.to_ns
        }
        return delivered | abandoned | self.delivered_before

    def contained(self, deployment: Deployment) -> set[str]:
        """All the changes that a deployment says that it has in it, new or not."""
        return set().union(*(claimed(deployment, what, self.profile) for what in deployment.claims))

    @cached_property
    def delivered_before(self) -> set[str]:
        """The changes that a first deployment found there and of which nothing was measured: no stage of
        theirs was told, and no deployment carries them."""
        found = {
            change
            for deployment in self.facts.deployments.values()
            if deployment.done and deployment.before_alike == 0
            for what in ("linked", "stood")
            for change in claimed(deployment, what, self.profile)
        }
        measured = {change for changes in self.carried.values() for change in changes}
        for change in self.facts.changes.values():
            if self.runs_of(change) or any(row["stage_name"] is not None for row in change.rows):
                measured.add(change.id)
        return found - measured

    def first_deliveries(self, question: Question) -> list[Delivery]:
        """The first delivery of every change by a deployment to where is asked for, of any time."""
        passes = partial(self._delivers, question)
        return first_deliveries(self._there(question), self.carried, self.facts.changes, self.profile, passes)

    def deliveries(self, question: Question) -> list[Delivery]:
        """Those that lie in the window, by the moment that the profile looks at."""
        return [one for one in self.first_deliveries(question) if question.within(self.edge(one))]

    def artifacts(self, question: Question) -> list[Delivery]:
        """The artifacts, instead of changes, that were first deployed in the window."""
        passes = partial(self._delivers, question)
        there, brought = self._there(question), self.carried_by_artifacts
        found = first_artifacts(there, brought, self.facts.changes, self.profile, passes)
        return [one for one in found if question.within(self.edge(one))]

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

    def _delivers(self, question: Question, change: Change, deployment: Deployment) -> bool:
        return self.passes(change, question, by=deployment.service)

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
            and self._is_from(incident, question)
        ]

    def _is_from(self, incident: Incident, question: Question) -> bool:
        """Whether it is of the repository and of the value stream, as its deployments are, or else its
        services."""
        _, blamed = self.judged.attribution[incident.id]
        deployments, services = blamed, []
        if not blamed:
            services = incident.services
            deployments = [one for one in self.facts.deployments.values() if one.service in services]
        known = {
            name: self.facts.declared.services[name].repository
            for name in services
            if name in self.facts.declared.services
        }
        of_stream = (
            question.value_stream in incident.value_streams
            or any(self._of_deployment(one, question) for one in deployments)
            or any(
                in_stream(
                    self.facts.declared,
                    question,
                    named=[],
                    services=[name],
                    repository=known.get(name),
                    teams=[],
                )
                for name in services
            )
        )
        repositories = {one.repository for one in deployments} | set(known.values())
        return (question.repository is None or question.repository in repositories) and (
            question.value_stream is None or of_stream
        )


def in_stream(
    declared: Declared,
    question: Question,
    *,
    named: Sequence[str | None],
    services: Sequence[str | None],
    repository: str | None,
    teams: Sequence[str | None],
    stage: str | None = None,
) -> bool:
    """Whether something is of the value stream that is asked for: it names it, or it is of what the stream
    declares."""
    if question.value_stream is None or question.value_stream in named:
        return True
    stream = declared.value_streams.get(question.value_stream)
    if stream is None or (stage is not None and stream.stages and not matches(stage, stream.stages)):
        return False
    told = {service for service in services if service is not None}
    by_team = any(team in stream.teams for team in teams)
    if not stream.systems and not stream.repositories:
        return by_team if stream.teams else bool(stream.stages)
    if told & set(stream.systems) or repository in stream.repositories:
        return True
    own = {declared.services[name].repository for name in stream.systems if name in declared.services}
    if repository is not None and repository in own:
        return not told & set(declared.services)
    return not told and repository is None and by_team


def day_of(moment_ns: int, time_zone: str) -> str:
    """The day on which a moment fell, where the question comes from."""
    zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (epoch + timedelta(seconds=moment_ns // 10**9)).astimezone(zone).date().isoformat()


def cuts(from_ns: int, to_ns: int) -> list[int]:
    """Ends of the three parts that a window is cut into for a series."""
    part = (to_ns - from_ns) // 3
    return [from_ns, from_ns + part, from_ns + 2 * part, to_ns]
