"""Which changes a history delivered, and with which deployments: the rules of `otel-vsm backfill git`.

Pure: a history in, changes and deployments out. What was delivered is the first-parent history; a merge
commit stands for the request that it brought in. Every commit is looked at once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from otel_vsm.backfill.history import Commit, History, Tag
from otel_vsm.identity import ChangeId, Repository, change_of_commit, change_of_request
from otel_vsm.message import Revert


@dataclass(slots=True, kw_only=True)
class Change:
    """A change; times in seconds since the epoch.

    Where several commits stand for it (they name the same request), each time is the earliest and
    `revision` is the commit that came first in the history.
    """

    id: ChangeId
    revision: str
    request: int | None
    first_commit_s: int
    merged_s: int
    reverts: ChangeId | None
    """The change that it takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A tag, and what it put out.

    `carries` are the changes with a commit that no earlier tag held: none where an old version was tagged
    after a newer one. `head` is the change that brought the tagged commit in, carried or not.
    """

    tag: Tag
    head: ChangeId
    carries: tuple[ChangeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Changes in the order in which they came, deployments by time."""

    changes: dict[ChangeId, Change]
    deployments: tuple[Deployment, ...]


def deliveries(history: History, repository: Repository) -> Deliveries:
    """The changes and deployments of a history.

    The first deployment carries its own commit's change only: how much of what lies before it was waiting
    for a deployment, nobody knows. Commits of the head's history that no tag holds are changes that wait
    to be delivered.
    """
    walk = _Walk(history, repository)
    deployments: list[Deployment] = []
    for tag in history.tags:
        if not deployments:
            walk.leave_out_earlier(tag.revision)
        carried = walk.collect(tag.revision)
        deployments.append(Deployment(tag=tag, head=walk.brought_by(tag.revision), carries=carried))
    if history.head:
        walk.collect(history.head)
    return Deliveries(changes=walk.changes, deployments=tuple(deployments))


class _Walk:
    """A walk from tag to tag that remembers which change brought each commit in."""

    def __init__(self, history: History, repository: Repository) -> None:
        self._commits = history.commits
        self._touching = history.touching
        self._repository = repository
        self._brought_by: dict[str, ChangeId] = {}
        self._earlier: set[str] = set()
        self.changes: dict[ChangeId, Change] = {}

    def brought_by(self, sha: str) -> ChangeId:
        return self._brought_by[sha]

    def leave_out_earlier(self, sha: str) -> None:
        """Count all that the commit's first parent reaches as part of the commit's change."""
        commit = self._commits[sha]
        earlier = self._reach(commit.parents[:1], self._change_of(commit))
        self._earlier.update(ancestor.sha for ancestor in earlier)

    def collect(self, tip: str) -> tuple[ChangeId, ...]:
        """The changes of the tip's first-parent history that were not collected before, oldest first."""
        changes: dict[ChangeId, None] = {}
        # Oldest first: what the first parent of a merge reaches is then walked already.
        for commit in reversed(list(self._first_parents(tip))):
            change = self._change_of(commit)
            brought = list(self._reach(commit.parents[1:], change))
            self._brought_by[commit.sha] = change
            if self._touching is None or commit.sha in self._touching:
                self._add(change, commit, brought)
                changes[change] = None
        return tuple(changes)

    def _first_parents(self, tip: str) -> Iterator[Commit]:
        sha: str | None = tip
        while sha and sha not in self._brought_by:
            commit = self._commits[sha]
            yield commit
            sha = commit.parents[0] if commit.parents else None

    def _reach(self, tips: Iterable[str], change: ChangeId) -> Iterator[Commit]:
        """The commits that the tips reach and nothing reached before: `change` brought them in."""
        pending = list(tips)
        while pending:
            sha = pending.pop()
            if sha not in self._brought_by:
                self._brought_by[sha] = change
                commit = self._commits[sha]
                pending += commit.parents
                yield commit

    def _change_of(self, commit: Commit) -> ChangeId:
        if commit.request is None:
            return change_of_commit(self._repository, commit.picked_from or commit.sha)
        return change_of_request(self._repository, commit.request)

    def _add(self, change: ChangeId, commit: Commit, brought: list[Commit]) -> None:
        """The commit, and what it brought in where it is a merge."""
        first_commit_s = min((other.authored_s for other in brought), default=commit.authored_s)
        reverts = self._reverted_by(change, commit, brought)
        known = self.changes.get(change)
        if known is None:
            self.changes[change] = Change(
                id=change,
                revision=commit.sha,
                request=commit.request,
                first_commit_s=first_commit_s,
                merged_s=commit.committed_s,
                reverts=reverts,
            )
        else:
            known.first_commit_s = min(known.first_commit_s, first_commit_s)
            known.merged_s = min(known.merged_s, commit.committed_s)
            known.reverts = known.reverts or reverts

    def _reverted_by(self, change: ChangeId, commit: Commit, brought: list[Commit]) -> ChangeId | None:
        """What the commit takes back, else the first of those that it brought in which takes another change
        back: what a branch tried and dropped again is its own affair."""
        for candidate in (commit, *sorted(brought, key=lambda other: (other.authored_s, other.sha))):
            if candidate.reverts and (reverted := self._reverted(candidate.reverts)) and reverted != change:
                return reverted
        return None

    def _reverted(self, revert: Revert) -> ChangeId | None:
        sha = revert.commit and self._in_full(revert.commit)
        if sha and sha not in self._earlier and sha in self._brought_by:
            return self._brought_by[sha]
        return revert.change(self._repository, sha)

    def _in_full(self, sha: str) -> str | None:
        """A hash in full; None where it is a short one of no commit here, or of several."""
        if len(sha) in (40, 64):
            return sha
        start = bisect_left(self._sorted, sha)
        matches = [other for other in self._sorted[start : start + 2] if other.startswith(sha)]
        return matches[0] if len(matches) == 1 else None

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._commits)
