"""Which changes a revision stands on, and when they began, as far as this clone knows, and within bounds.

Nothing is made up: what a shallow clone does not hold is not told, and that it was not is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from otel_vsm import git
from otel_vsm.backfill.deliveries import Change, line
from otel_vsm.backfill.history import COMMIT_FORMAT, LOG, Commit, History, commits_of
from otel_vsm.change_times import ChangeTime
from otel_vsm.git import COMMIT_LIMIT
from otel_vsm.identity import ChangeId, Repository
from otel_vsm.semconv import EventName

LINE_COMMITS = 200
"""So many commits of the line are looked at. Who deploys less often has to name the previous revision."""


class Ancestry(NamedTuple):
    changes: tuple[ChangeId, ...]
    """Newest first."""
    cut: bool
    """Git could not tell all of them here: the clone is shallow or none, or the time was up."""
    times: tuple[ChangeTime, ...] = ()
    """When each of them began and was merged, as far as it is known: what `otel-vsm backfill git` tells."""


def ancestry(revision: str, repository: Repository, paths: Sequence[str] = ()) -> Ancestry:
    """The changes of the last commits on the lines of the revision, a full hash, by the rules of
    `otel-vsm backfill git`; with `paths` of the last ones that touch one of them."""
    output, shallow, shallow_file = git.run(
        [*_LOG, "--first-parent", f"--max-count={LINE_COMMITS}", revision, "--", *paths],
        ["rev-parse", "--is-shallow-repository"],
        ["rev-parse", "--git-path", "shallow"],
    )
    first_parents = _commits(output.partial if output.text is None else output.text)
    is_shallow = shallow.text == "true\n"
    edge: set[str] = set()
    if is_shallow:
        edge.update(Path((shallow_file.text or "").rstrip("\n")).read_text().split())
    if paths:
        # As git sees them, what they hold is all new.
        for sha in edge:
            first_parents.pop(sha, None)
    cut = output.text is None or (is_shallow and len(first_parents) < LINE_COMMITS)
    if not first_parents:
        return Ancestry((), cut)
    history = None
    if output.text is not None:  # else there is no time for more
        history = _with_merged_lines(first_parents, paths)
    # What merges brought in is not known, or may lie behind the edge.
    uncertain = edge | (_merges(first_parents.values()) if is_shallow or not history else set())
    history = history or _chained(first_parents)
    # By time, so that what an old branch brings does not take the place of what is new.
    changes = line(history, repository)[::-1]
    newest = sorted(changes, key=lambda change: change.merged_s, reverse=True)
    ancestors = {change.id: change for change in newest[:LINE_COMMITS]}
    times = (time for change in ancestors.values() for time in _times(change, repository, uncertain))
    return Ancestry(tuple(ancestors), cut, tuple(times))


def _times(change: Change, repository: Repository, uncertain: set[str]) -> Iterator[ChangeTime]:
    context = change.context(repository)
    if change.revision not in uncertain:
        yield ChangeTime(EventName.CHANGE_FIRST_COMMIT, change.first_commit_s * _NS, context)
    yield ChangeTime(EventName.CHANGE_MERGED, change.merged_s * _NS, context)


_NS = 1_000_000_000


_LOG = (*LOG, COMMIT_FORMAT)


def _commits(text: str) -> dict[str, Commit]:
    # Each commit ends with a NUL; what follows the last one is cut off.
    return commits_of(iter(text.split("\0")[:-1]), git.messages)


def _with_merged_lines(first_parents: Mapping[str, Commit], paths: Sequence[str]) -> History | None:
    """The history between the first and the last of the commits; None where there is no merge among them,
    and where there is too much between."""
    if not _merges(first_parents.values()):
        return None
    head, oldest = next(iter(first_parents)), list(first_parents.values())[-1]
    before = [f"^{parent}" for parent in oldest.parents[:1]]
    [output] = git.run([*_LOG, f"--max-count={COMMIT_LIMIT + 1}", head, *before, "--"])
    commits = _commits(output.text or "")
    if not commits or len(commits) > COMMIT_LIMIT:
        return None
    touching = None
    if paths:
        shas = (*LOG, "--format=tformat:%H", "--first-parent", *_merged(commits.values()), *before)
        [output] = git.run([*shas, "--", *paths])
        touching = frozenset((*first_parents, *(output.text or "").split("\0")[:-1]))
    return _history(commits, touching)


def _merges(commits: Iterable[Commit]) -> set[str]:
    return {commit.sha for commit in commits if len(commit.parents) > 1}


def _merged(commits: Iterable[Commit]) -> list[str]:
    """The other parents of merges that name no request."""
    return [parent for commit in commits if commit.request is None for parent in commit.parents[1:]]


def _chained(first_parents: Mapping[str, Commit]) -> History:
    """The commits as a history of their own, each on top of the next."""
    commits = list(first_parents.values())
    chain = [replace(commit, parents=(below.sha,)) for commit, below in pairwise(commits)]
    return _history({commit.sha: commit for commit in (*chain, replace(commits[-1], parents=()))})


def _history(commits: dict[str, Commit], touching: frozenset[str] | None = None) -> History:
    """The commits, of which the first is the head."""
    return History(commits=commits, tags=(), head=next(iter(commits)), shallow=False, touching=touching)
