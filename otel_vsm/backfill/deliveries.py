"""Which changes a history delivered, and with which deployments: the rules of `otel-vsm backfill git`.

Pure: a history in, changes and deployments out. What was delivered is the tag's line, its first-parent
history; a merge commit stands for the request that it brought in. A merge that names no request, but brings
in commits that do, is nobody's work: the first-parent histories of its other parents are lines too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from otel_vsm.backfill.history import Commit, History
from otel_vsm.backfill.tags import Tag
from otel_vsm.context import Context
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
    reverts: tuple[ChangeId, ...]
    """The changes that it takes back."""

    def context(self, repository: Repository, revision: str | None = None) -> Context:
        """What is told of it, at its own revision unless another is given."""
        return Context(
            change=self.id,
            repository=repository,
            request=None if self.request is None else str(self.request),
            revision=revision or self.revision,
            reverts=self.reverts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A tag, and what it put out.

    `carries` are the changes with a commit that no earlier tag held: none where an old version was tagged
    after a newer one. `head` is the change that brought the tagged commit in, carried or not; of a merge that
    is nobody's work, the last one that it brought in.
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

    The first deployment carries one change only, that of its own commit: how much of what lies before it was
    waiting for a deployment, nobody knows. Commits of the head's history that no tag holds are changes that
    wait to be delivered.
    """
    walk = _Walk(history, repository)
    deployments: list[Deployment] = []
    for tag in history.tags:
        tip = tag.revision if deployments else walk.leave_out_earlier(tag.revision)
        carries = tuple(dict.fromkeys(walk.collect(tip)))
        deployments.append(Deployment(tag=tag, head=walk.brought_by(tag.revision), carries=carries))
    if history.head:
        walk.collect(history.head)
    return Deliveries(changes=walk.changes, deployments=tuple(deployments))


def line(history: History, repository: Repository) -> list[Change]:
    """The changes of the commits on the head's lines, one for each commit, each line oldest first.

    Parents that the history does not hold lie before it.
    """
    walk = _Walk(history, repository)
    walk.leave_out_missing()
    return [walk.changes[change] for change in walk.collect(history.head)] if history.head else []


class _Walk:
    """A walk from tag to tag that remembers which change brought each commit in."""

    def __init__(self, history: History, repository: Repository) -> None:
        self._commits = history.commits
        self._touching = history.touching
        self._repository = repository
        self._brought_by: dict[str, ChangeId] = {}
        """Of every commit that was reached so far."""
        self._earlier: set[str] = set()
        self._latest: ChangeId | None = None
        """The last change that was counted."""
        self._reverting: set[str] = set()
        """Commits that take something back."""
        self.changes: dict[ChangeId, Change] = {}

    def brought_by(self, sha: str) -> ChangeId:
        return self._brought_by[sha]

    def leave_out_missing(self) -> None:
        """Count the parents that the history does not hold as reached."""
        parents = {parent for commit in self._commits.values() for parent in commit.parents}
        self._brought_by.update(dict.fromkeys(parents - self._commits.keys(), ChangeId("")))

    def leave_out_earlier(self, sha: str) -> str:
        """Count all that the commit reaches, but for what it brought in itself, as part of its change.

        Returns the commit that is left to be collected: this one, or where it is a merge that is nobody's
        work, the last one that it brought in.
        """
        commit = self._commits[sha]
        passed: list[str] = []
        change = self._change_of(commit)
        earlier = list(self._reach(commit.parents[:1], change))
        while self._is_nobodys(commit) and (latest := self._latest_behind(commit)):
            passed.append(commit.sha)
            self._brought_by[latest.sha] = change
            earlier += self._reach(commit.parents[1:], change)
            del self._brought_by[latest.sha]
            commit = latest
            earlier += self._reach(commit.parents[:1], change)
        self._earlier.update(ancestor.sha for ancestor in earlier)
        self._brought_by.update(dict.fromkeys((*self._earlier, *passed), self._change_of(commit)))
        return commit.sha

    def collect(self, tip: str) -> list[ChangeId]:
        """The changes of the commits on the tip's lines that were not collected before, oldest first."""
        carried: list[ChangeId] = []
        # Not by recursion: merges that are nobody's work can lie behind each other without end.
        lines = [self._line(tip)]
        while lines:
            commit = next(lines[-1], None)
            if commit is None:
                lines.pop()
            elif self._is_nobodys(commit):
                lines.append(self._lines_behind(commit, carried))
            else:
                self._count(commit, carried)
        return carried

    def _line(self, tip: str) -> Iterator[Commit]:
        """The first-parent history of the tip as far as it was not reached before.

        Oldest first: what the first parent of a merge reaches is then walked already.
        """
        yield from reversed(list(self._first_parents(tip)))

    def _lines_behind(self, merge: Commit, carried: list[ChangeId]) -> Iterator[Commit]:
        """The lines of the merge's other parents, each as if there were no other, then the merge itself."""
        latest, self._latest = self._latest, None
        before, of_others = len(self._brought_by), dict[str, ChangeId]()
        for place, parent in enumerate(merge.parents[1:]):
            if place:
                while len(self._brought_by) > before:
                    of_others |= (self._brought_by.popitem(),)
            yield from self._line(parent)
        self._brought_by.update(of_others)
        if self._latest:
            self._brought_by[merge.sha] = self._latest
        else:  # what they brought touches none of the paths, but the merge itself may
            self._count(merge, carried)
        self._latest = self._latest or latest

    def _count(self, commit: Commit, carried: list[ChangeId]) -> None:
        change = self._change_of(commit)
        brought = list(self._reach(commit.parents[1:], change))
        self._brought_by[commit.sha] = change
        if self._counts(commit):
            self._add(change, commit, brought)
            self._latest = change
            carried.append(change)

    def _counts(self, commit: Commit) -> bool:
        return self._touching is None or commit.sha in self._touching

    def _is_nobodys(self, merge: Commit) -> bool:
        """Whether it names no request and brings in commits that do."""
        if merge.request is not None:
            return False
        pending, seen = list(merge.parents[1:]), set[str]()
        while pending:
            sha = pending.pop()
            if sha not in self._brought_by and sha not in seen:
                seen.add(sha)
                commit = self._commits[sha]
                if commit.request is not None:
                    return True
                pending += commit.parents
        return False

    def _latest_behind(self, merge: Commit) -> Commit | None:
        """The last commit that counts of the lines behind a merge; None where there is none."""
        lines = (self._first_parents(parent) for parent in reversed(merge.parents[1:]))
        return next((commit for line in lines for commit in line if self._counts(commit)), None)

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
            known.reverts = tuple(dict.fromkeys(known.reverts + reverts))

    def _reverted_by(self, change: ChangeId, commit: Commit, brought: list[Commit]) -> tuple[ChangeId, ...]:
        """The other changes that the commit and those that it brought in take back: what a branch tried and
        dropped again is its own affair, and so is what it took back and then brought again."""
        told = sorted(
            (other for other in brought if other.reverts), key=lambda one: (one.authored_s, one.sha)
        )
        told += [commit] if commit.reverts else []
        dropped = {self._in_full(revert.commit) for one in told for revert in one.reverts if revert.commit}
        found: dict[ChangeId, None] = {}
        for one in told:
            reverted = [other for revert in one.reverts if (other := self._reverted(revert))]
            if reverted:
                self._reverting.add(one.sha)
            if one.sha not in dropped:
                found |= dict.fromkeys(other for other in reverted if other != change)
        if found:
            self._reverting.add(commit.sha)
        return tuple(found)

    def _reverted(self, revert: Revert) -> ChangeId | None:
        """The change that is taken back; None for one that took something back, which comes again with it."""
        sha = revert.commit and self._in_full(revert.commit)
        if sha in self._reverting or (sha in self._earlier and self._commits[sha].reverts):
            return None
        if sha and sha not in self._earlier and sha in self._brought_by:
            return self._brought_by[sha]
        change = revert.change(self._repository, sha)
        known = self.changes.get(change) if change else None
        return None if known and known.reverts else change

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
