"""Deployments: what one id tells, in which order they came, and which changes each one carries."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from otel_vsm_collector.declared.profiles import Profile
from reference.changes import Change
from reference.identity import Identities, node
from reference.rows import Key, Row, distinct, is_deployment, is_run, key_of, smallest
from reference.runs import Run

UNKNOWN = "unknown"
_WORST_FIRST = ("failure", "error", "timeout", "cancellation")
METHODS = ("links", "revision", "artifact", "time")


@dataclass(eq=False)
class Deployment:
    """One deployment, whichever number of spans tell of it."""

    id: str
    rows: list[Row]
    before: int = 0
    """How many successful ones of its service and environment finished earlier."""
    number: int | None = None
    """Its place among the successful ones, from 1."""
    previous: "Deployment | None" = None
    claims: dict[str, set[str]] = field(default_factory=dict)
    """What it says that it carries: `linked`, `own`, `revision`, `artifact` → changes."""
    links: int = 0
    """How many traces it links to, known or not."""

    @property
    def runs(self) -> list[Row]:
        return [row for row in self.rows if is_run(row)]

    @property
    def started_at(self) -> int:
        return min(int(row["started_at"]) for row in self.rows)

    @property
    def finished_at(self) -> int:
        return max(int(row["ended_at"]) for row in self.runs)

    @property
    def result(self) -> str:
        results = {row["result"] for row in self.runs}
        for bad in _WORST_FIRST:
            if bad in results:
                return bad
        if results - {"success", "skip"}:
            return "error"
        return "skip" if results == {"skip"} else "success"

    @property
    def done(self) -> bool:
        return self.result == "success"

    @property
    def order(self) -> tuple[int, int, str]:
        return self.finished_at, self.started_at, self.id

    @property
    def place(self) -> tuple[str, str]:
        return self.service, self.environment

    @property
    def service(self) -> str:
        return smallest(self.rows, "service") or UNKNOWN

    @property
    def environment(self) -> str:
        return smallest(self.rows, "environment") or UNKNOWN

    @property
    def repository(self) -> str | None:
        return smallest(self.rows, "repository")

    @property
    def revision(self) -> str | None:
        return smallest(self.rows, "revision")

    @property
    def version(self) -> str | None:
        return smallest(self.rows, "version")

    @property
    def artifact(self) -> str | None:
        return smallest(self.rows, "artifact_hash") or smallest(self.rows, "artifact_purl")

    @property
    def kind(self) -> str:
        told = {row["deployment_kind"] for row in self.rows}
        for kind in ("rollback", "hotfix"):
            if kind in told:
                return kind
        return "rollout"

    @property
    def teams(self) -> list[str]:
        return distinct(self.rows, "team")

    @property
    def value_streams(self) -> list[str]:
        return distinct(self.rows, "value_stream")

    @property
    def remediates(self) -> bool:
        return any(row["incident_id"] is not None for row in self.rows)


Carried = dict[str, dict[str, str]]
"""Deployment → change that it carries → the method by which that was found."""


def deployments(
    rows: list[Row],
    links: set[tuple[Key, Key]],
    identities: Identities,
    changes: dict[str, Change],
    all_runs: list[Run],
) -> dict[str, Deployment]:
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if is_deployment(row):
            rows_of[row["deployment_id"] or f"{row['trace_id']}:{row['span_id']}"].append(row)
    found = {name: Deployment(name, told) for name, told in rows_of.items()}
    found = {name: deployment for name, deployment in found.items() if deployment.runs}
    for deployment in found.values():
        _placed(deployment, [other for other in found.values() if other.place == deployment.place])
        _claims(deployment, links, identities, changes, all_runs)
    return found


def _placed(deployment: Deployment, neighbours: list[Deployment]) -> None:
    earlier = [other for other in neighbours if other.done and other.order < deployment.order]
    deployment.before = len(earlier)
    deployment.number = len(earlier) + 1 if deployment.done else None
    deployment.previous = max(earlier, key=lambda other: other.order, default=None)


def _claims(
    deployment: Deployment,
    links: set[tuple[Key, Key]],
    identities: Identities,
    changes: dict[str, Change],
    all_runs: list[Run],
) -> None:
    own_keys = {key_of(row) for row in deployment.rows}
    linked_traces = {target[0] for source, target in links if source in own_keys}
    deployment.links = len(linked_traces)
    linked: set[str] = set()
    for trace in linked_traces:
        linked |= identities.changes_of_trace.get(trace, set())
    own, by_revision, by_artifact = set(), set(), set()
    for row in deployment.runs:
        if change := identities.change_of_row.get(key_of(row)):
            own.add(change)
        if row["revision"] is not None:
            # A full hash is enough: who deploys a commit need not know of which repository it is.
            name = f"{row['repository'] or ''}@{row['revision'].lower()}"
            if change := identities.change_of_work.get(node(name)):
                by_revision.add(change)
    keys = {row[column] for row in deployment.rows for column in ("artifact_hash", "artifact_purl")} - {None}
    for run in all_runs:
        told = {run.row["artifact_hash"], run.row["artifact_purl"]}
        if run.change is not None and run.row["stage_type"] == "package" and told & keys:
            by_artifact.add(run.change)
    deployment.claims = {"linked": linked, "own": own, "revision": by_revision, "artifact": by_artifact}


def carried(deployments: dict[str, Deployment], changes: dict[str, Change], profile: Profile) -> Carried:
    """Which changes every deployment carries, and how that is known."""
    found: Carried = {name: {} for name in deployments}
    places = {deployment.place for deployment in deployments.values()}
    for place in places:
        here = sorted(
            (deployment for deployment in deployments.values() if deployment.place == place),
            key=lambda deployment: (deployment.before, not deployment.done, deployment.order),
        )
        done = [deployment for deployment in here if deployment.done]
        for deployment in done:
            found[deployment.id] = _told(deployment, done, found, profile)
        if "time" in profile.mapping:
            for deployment in done:
                found[deployment.id] |= _by_time(deployment, done, found, changes, profile)
        for deployment in here:
            if not deployment.done:
                found[deployment.id] = _told(deployment, done, found, profile)
    return found


def _told(deployment: Deployment, done: list[Deployment], found: Carried, profile: Profile) -> dict[str, str]:
    """What a deployment carries by what it says itself."""
    linked = deployment.claims["linked"] if "links" in profile.mapping else set()
    head = _head(deployment, profile)
    first = deployment.before == 0
    if first and profile.first_deployment == "none":
        return {}
    if first and profile.first_deployment == "head":
        if head:
            linked = linked & head
        elif deployment.links != 1:
            linked = set()
    earlier = [other for other in done if other.order < deployment.order]
    new = {change for change in head if not any(change in found[other.id] for other in earlier)}
    return {change: _method(change, deployment, profile) for change in new | linked}


_CLAIMS = {"linked": "links", "own": "links", "revision": "revision", "artifact": "artifact"}
"""What a deployment says → the method that this is; best first."""


def _head(deployment: Deployment, profile: Profile) -> set[str]:
    """The change that was deployed itself, by the first that finds one."""
    for claim in ("revision", "artifact", "own"):
        if _CLAIMS[claim] in profile.mapping and deployment.claims[claim]:
            return deployment.claims[claim]
    return set()


def _method(change: str, deployment: Deployment, profile: Profile) -> str:
    """The best method that tells that a deployment carries a change."""
    return next(
        method
        for claim, method in _CLAIMS.items()
        if method in profile.mapping and change in deployment.claims[claim]
    )


def _by_time(
    deployment: Deployment,
    done: list[Deployment],
    found: Carried,
    changes: dict[str, Change],
    profile: Profile,
) -> dict[str, str]:
    """What was merged since the deployment before, where nothing better is known of it."""
    if deployment.previous is None and profile.first_deployment != "all":
        return {}
    by_better = {change for other in done for change, method in found[other.id].items() if method != "time"}
    already = {change for other in done if other.order < deployment.order for change in found[other.id]}
    new: dict[str, str] = {}
    for change in changes.values():
        merged_at: Any = change.events.get("change.merged")
        if (
            merged_at is not None
            and change.repository == deployment.repository
            and (deployment.previous is None or merged_at > deployment.previous.started_at)
            and merged_at <= deployment.started_at
            and (not change.services or deployment.service in change.services)
            and change.id not in by_better | already
        ):
            new[change.id] = "time"
    return new


def best_method(methods: dict[str, str]) -> str | None:
    """The method that is best among those of the changes that a deployment carries."""
    return min(methods.values(), key=METHODS.index, default=None)
