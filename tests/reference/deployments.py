"""Deployments: what one id tells, in which order they came, and which changes each one carries."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from otel_vsm_collector.declared.profiles import Profile
from reference.changes import Change
from reference.identity import Identities, node
from reference.rows import Link, Row, distinct, is_deployment, is_run, key_of, smallest
from reference.runs import Run

UNKNOWN = "unknown"
_WORST_FIRST = ("failure", "error", "timeout", "cancellation")
METHODS = ("links", "ancestry", "revision", "artifact", "time")


@dataclass(eq=False)
class Deployment:
    """One deployment, whichever number of spans tell of it."""

    id: str
    reported_id: str
    """As its spans call it; one that is told apart from others of this id has another."""
    service: str
    environment: str
    all_rows: list[Row]
    backfilled: "list[Deployment]" = field(default_factory=list)
    """What was told of it afterwards as well."""
    before: int = 0
    """How many successful ones of its service and environment finished earlier."""
    before_alike: int = 0
    """How many of them are of its repository."""
    number: int | None = None
    """Its place among the successful ones, from 1."""
    previous: "Deployment | None" = None
    claims: dict[str, set[str]] = field(default_factory=dict)
    """What it says that it carries: `linked`, `own`, `revision`, `artifact` → changes, and `stood` → those
    that it stands on."""
    links: int = 0
    """How many traces it links to, known or not, but for those that it stands on."""
    tells_ancestors: bool = False
    """Whether it says what it stands on, known or not."""

    @cached_property
    def rows(self) -> list[Row]:
        """Those that count: without what a later run of the same job replaced."""
        all_runs = [row for row in self.all_rows if is_run(row)]
        runs = [
            row
            for row in all_runs
            if row["attempt"] is None
            or all(
                other["attempt"] is None or other["attempt"] <= row["attempt"]
                for other in all_runs
                if _job(other) == _job(row) and other["pipeline_run"] == row["pipeline_run"]
            )
        ]
        runs = [row for row in runs if not _run_again(row, runs)]
        return [row for row in self.all_rows if not is_run(row)] + runs

    @property
    def runs(self) -> list[Row]:
        return [row for row in self.rows if is_run(row)]

    @property
    def told_rows(self) -> list[Row]:
        """With what was told of it afterwards: what it carries follows from both."""
        return [row for one in (self, *self.backfilled) for row in one.rows]

    @property
    def replaced_runs(self) -> int:
        return len(self.all_rows) - len(self.rows)

    @property
    def attempt(self) -> int | None:
        return max((row["attempt"] for row in self.runs if row["attempt"] is not None), default=None)

    @property
    def is_backfilled(self) -> bool:
        return all(row["backfilled"] for row in self.runs)

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
    def repository(self) -> str | None:
        return smallest(self.rows, "repository")

    @property
    def revision(self) -> str | None:
        return smallest(self.runs, "revision")

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
    def shipped(self) -> str:
        """What it brings: an artifact, else a revision, else what no other deployment could bring."""
        return self.artifact or self.revision or self.id

    @property
    def remediates(self) -> bool:
        return any(row["incident_id"] is not None for row in self.rows)


def _job(row: Row) -> tuple[Any, ...]:
    """What makes two runs of a deployment runs of the same job, or of the same leg of one."""
    return row["repository"], row["job"], row["stage_name"], row["leg"]


def _run_again(row: Row, runs: list[Row]) -> bool:
    """Whether one of the runs did the same again when this one had ended."""
    alike = [other for other in runs if _job(other) == _job(row) and other["revision"] == row["revision"]]
    if row["attempt"] is None:
        return any(_followed(row, other) for other in alike)
    beside = [other for other in alike if _attempt(other) == _attempt(row)]
    ended_at = max(other["ended_at"] for other in beside)
    in_its_job = [other for other in beside if row["job_run"] and row["job_run"] == other["job_run"]]
    return any(other["started_at"] > ended_at for other in alike) or any(
        _followed(row, other) for other in in_its_job
    )


def _attempt(row: Row) -> tuple[Any, ...]:
    return row["pipeline_run"], row["attempt"]


def _followed(row: Row, other: Row) -> bool:
    return bool(other["started_at"] >= row["ended_at"] and other["started_at"] > row["started_at"])


Carried = dict[str, dict[str, str]]
"""Deployment → change that it carries → the method by which that was found."""


def deployments(
    rows: list[Row],
    links: set[Link],
    identities: Identities,
    changes: dict[str, Change],
    all_runs: list[Run],
) -> dict[str, Deployment]:
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if is_deployment(row):
            rows_of[row["deployment_id"] or f"{row['trace_id']}:{row['span_id']}"].append(row)
    every = [one for name, told in rows_of.items() for one in _of_one_id(name, told) if one.runs]
    found = {one.id: one for one in every}
    for deployment in every:
        if twin := _twin(deployment, every):
            twin.backfilled.append(deployment)
            del found[deployment.id]
    for deployment in found.values():
        _placed(deployment, [other for other in found.values() if other.place == deployment.place])
        _claims(deployment, links, identities, changes, all_runs)
    return found


def _of_one_id(name: str, rows: list[Row]) -> list[Deployment]:
    """One for each service and environment that the rows name."""
    by_place: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_place[_where(row, rows)].append(row)
    apart = len(by_place) > 1
    return [
        Deployment(f"{name}/{service}/{environment}" if apart else name, name, service, environment, told)
        for (service, environment), told in by_place.items()
    ]


def _where(row: Row, rows: list[Row]) -> tuple[str, str]:
    """Service and environment; of a row that lacks one, those of the only deployment that it can be of."""
    own = row["service"], row["environment"]
    services, environments = distinct(rows, "service"), distinct(rows, "environment")
    if len(services) <= 1 and len(environments) <= 1:
        return (*services, UNKNOWN)[0], (*environments, UNKNOWN)[0]
    whole = {(other["service"], other["environment"]) for other in rows}
    fitting = [
        place
        for place in whole
        if None not in place and all(mine in (None, theirs) for mine, theirs in zip(own, place, strict=True))
    ]
    service, environment = fitting[0] if len(fitting) == 1 else own
    return service or UNKNOWN, environment or UNKNOWN


def _twin(deployment: Deployment, every: list[Deployment]) -> Deployment | None:
    """What was told of the same as it happened, where this one was backfilled."""
    if not deployment.is_backfilled:
        return None
    told = [
        other
        for other in every
        if not other.is_backfilled and other.place == deployment.place and other.kind != "rollback"
    ]
    by_revision = [
        other for other in told if deployment.revision is not None and other.revision == deployment.revision
    ]
    by_version = [
        other
        for other in told
        if None in (deployment.revision, other.revision)
        and deployment.version is not None
        and other.version == deployment.version
    ]
    return min(by_revision or by_version, key=lambda other: (not other.done, other.order), default=None)


def _placed(deployment: Deployment, neighbours: list[Deployment]) -> None:
    earlier = [other for other in neighbours if other.done and other.order < deployment.order]
    deployment.before = len(earlier)
    deployment.before_alike = sum(other.repository == deployment.repository for other in earlier)
    deployment.number = len(earlier) + 1 if deployment.done else None
    deployment.previous = max(earlier, key=lambda other: other.order, default=None)


def _claims(
    deployment: Deployment,
    links: set[Link],
    identities: Identities,
    changes: dict[str, Change],
    all_runs: list[Run],
) -> None:
    own_keys = {key_of(row) for row in deployment.told_rows}
    targets = [(target[0], kind) for source, target, kind in links if source in own_keys]
    ancestors = {trace for trace, kind in targets if kind == "ancestor"}
    linked_traces = {trace for trace, kind in targets if kind != "ancestor"}
    deployment.links, deployment.tells_ancestors = len(linked_traces), bool(ancestors)

    def of_traces(traces: set[str]) -> set[str]:
        return {change for trace in traces for change in identities.changes_of_trace.get(trace, set())}

    own, by_revision, by_artifact = set(), set(), set()
    for row in filter(is_run, deployment.told_rows):
        if change := identities.change_of_row.get(key_of(row)):
            own.add(change)
        if row["revision"] is not None:
            # A full hash is enough: who deploys a commit need not know of which repository it is.
            name = f"{row['repository'] or ''}@{row['revision'].lower()}"
            if change := identities.change_of_work.get(node(name)):
                by_revision.add(change)
    for run in all_runs:
        if run.change is None or run.row["stage_type"] != "package":
            continue
        if any(_same_artifact(run.row, row) for row in filter(is_run, deployment.told_rows)):
            by_artifact.add(run.change)
    deployment.claims = {
        "linked": of_traces(linked_traces),
        "stood": of_traces(ancestors),
        "own": own,
        "revision": by_revision,
        "artifact": by_artifact,
    }


def _same_artifact(one: Row, other: Row) -> bool:
    """By digest where both are known by one, else by package URL."""
    column = "artifact_hash" if one["artifact_hash"] and other["artifact_hash"] else "artifact_purl"
    return bool(one[column] and one[column] == other[column])


def carried(
    deployments: dict[str, Deployment],
    changes: dict[str, Change],
    profile: Profile,
    of_artifacts: bool = False,
) -> Carried:
    """Which changes every deployment carries, and how that is known; with `of_artifacts`, also a head that
    only another artifact had brought before."""
    found: Carried = {name: {} for name in deployments}
    places = {deployment.place for deployment in deployments.values()}
    for place in places:
        here = sorted(
            (deployment for deployment in deployments.values() if deployment.place == place),
            key=lambda deployment: (deployment.before, not deployment.done, deployment.order),
        )
        done = [deployment for deployment in here if deployment.done]
        for deployment in done:
            alike = [other for other in done if not of_artifacts or other.shipped == deployment.shipped]
            found[deployment.id] = _told(deployment, done, alike, found, profile)
        if "time" in profile.mapping:
            for deployment in done:
                found[deployment.id] |= _by_time(deployment, done, found, changes, profile)
        for deployment in here:
            if not deployment.done:
                found[deployment.id] = _told(deployment, done, done, found, profile)
    return found


def _told(
    deployment: Deployment,
    done: list[Deployment],
    alike: list[Deployment],
    found: Carried,
    profile: Profile,
) -> dict[str, str]:
    """What a deployment carries by what it says itself; its head only where none of those `alike` had."""
    linked, stood = claimed(deployment, "linked", profile), claimed(deployment, "stood", profile)
    head = _head(deployment, profile)
    first = deployment.before == 0
    if first and profile.first_deployment == "none":
        return {}
    if deployment.before_alike == 0 and profile.first_deployment != "all":
        stood = set()
    if first and profile.first_deployment == "head":
        if head:
            linked = linked & head
        elif deployment.links != 1:
            linked = set()
    for other in done:
        if other.order < deployment.order:
            before = claimed(other, "stood", profile)
            if other in alike:
                head = head - before - set(found[other.id])
            stood = stood - before - claimed(other, "linked", profile) - _head(other, profile)
    return {change: _method(change, deployment, profile) for change in head | linked | stood}


def _methods(deployment: Deployment, profile: Profile) -> dict[str, str]:
    """What a deployment says → the method that this is, of those that are used; best first."""
    own = "ancestry" if deployment.tells_ancestors and "ancestry" in profile.mapping else "links"
    methods = {"linked": "links", "stood": "ancestry", "own": own, "revision": "revision"}
    methods |= {"artifact": "artifact"}
    used = {claim: method for claim, method in methods.items() if method in profile.mapping}
    return dict(sorted(used.items(), key=lambda one: METHODS.index(one[1])))


def claimed(deployment: Deployment, claim: str, profile: Profile) -> set[str]:
    """The changes that a deployment says this of, where the profile asks for it."""
    return deployment.claims[claim] if claim in _methods(deployment, profile) else set()


def _head(deployment: Deployment, profile: Profile) -> set[str]:
    """The change that was deployed itself, by the first that finds one."""
    claims = (claimed(deployment, claim, profile) for claim in ("revision", "artifact", "own"))
    return next(filter(None, claims), set())


def _method(change: str, deployment: Deployment, profile: Profile) -> str:
    """The best method that tells that a deployment carries a change."""
    methods = _methods(deployment, profile)
    return next(method for claim, method in methods.items() if change in deployment.claims[claim])


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
