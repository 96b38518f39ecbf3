"""When a change was begun, opened and merged, by what the CI's event and variables and git say of it.

Nothing is made up: what a shallow clone does not hold, and what nobody says, is left out.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from otel_vsm import git_history
from otel_vsm.ci import CiContext
from otel_vsm.context import Context, is_said_of
from otel_vsm.git_history import CommitTimes, FirstCommit
from otel_vsm.semconv import EventName

_TRUNKS = ("main", "master")
"""What the default branch is called where nobody says."""
_SECOND_NS = 1_000_000_000


class ChangeTime(NamedTuple):
    """An event of the change that the context is of."""

    event: EventName
    at_ns: int
    """Nanoseconds since the epoch."""
    context: Context
    """With the revision that the event is about, or with none."""


def change_times(context: Context) -> list[ChangeTime]:
    """The events of the change that can be known here; those that happen to it later are not among them."""
    if not context.change or not context.repository:
        return []
    ci = context.ci if context.ci and is_said_of(context, context.ci) else None
    return [*_by_request(context, ci), *_by_commit(context, ci)]


def _by_request(context: Context, ci: CiContext | None) -> Iterator[ChangeTime]:
    """What the CI's event says of its request."""
    if not ci or not ci.request:
        return
    # Told by every run for the request, and the same each time, whichever commit the run is for.
    of_request = context._replace(
        revision=None, branch=None, base_branch=None, base_revision=None, reverts=(), pipeline={}
    )
    if (opened_ns := time_ns(ci.opened_at)) is not None:
        yield ChangeTime(EventName.CHANGE_OPENED, opened_ns, of_request)
    if (merged_ns := time_ns(ci.merged_at)) is None:
        return
    results: list[str | None] = [ci.merge_revision]
    if ci.merge_revision and context.revision:
        results = [*git_history.rebased_commits(context.revision, ci.merge_revision)]
    for result in results:
        yield ChangeTime(EventName.CHANGE_MERGED, merged_ns, of_request._replace(revision=result))


def _by_commit(context: Context, ci: CiContext | None) -> Iterator[ChangeTime]:
    """What the history up to the revision says."""
    if not (revision := context.revision):
        return
    context = context._replace(pipeline={})
    commit = git_history.commit_times(revision)
    default = ci.default_branch if ci else None
    if context.request and not context.is_result:
        if not commit:
            return
        first = _first_of_request(commit, ci)
        if first.authored_s is not None:
            yield ChangeTime(EventName.CHANGE_FIRST_COMMIT, first.authored_s * _SECOND_NS, context)
        if not first.none or (ci and ci.request):
            return
        # The named change is worked on where its commit is on the base branch already.
    committed_ns = commit.committed_s * _SECOND_NS if commit else time_ns(ci.committed_at) if ci else None
    if commit:
        if (authored_s := _first_authored(commit)) is not None:
            yield ChangeTime(EventName.CHANGE_FIRST_COMMIT, authored_s * _SECOND_NS, context)
    elif committed_ns is not None and not context.request and not _is_merge(ci):
        yield ChangeTime(EventName.CHANGE_FIRST_COMMIT, committed_ns, context)
    if committed_ns is not None and (context.is_result or _is_trunk(context.branch, default)):
        yield ChangeTime(EventName.CHANGE_MERGED, committed_ns, context)


def _first_of_request(commit: CommitTimes, ci: CiContext | None) -> FirstCommit:
    """The first commit of a request: of those that are not in its base branch."""
    if ci and ci.merge_revision:
        # By now its commits are in the base branch.
        merge = git_history.commit_times(ci.merge_revision)
        return git_history.first_authored([commit.sha], without=merge.parents[:1]) if merge else FirstCommit()
    base = (ci.base_branch or ci.default_branch) if ci else None
    bases = list(git_history.branches([base] if base else []).heads)
    if ci and ci.base_revision and git_history.commit_times(ci.base_revision):
        bases.append(ci.base_revision)
    # With nothing known of its base, all of the history would seem to be the request's.
    return git_history.first_authored([commit.sha], without=bases) if bases else FirstCommit()


def _first_authored(commit: CommitTimes) -> int | None:
    """When the first commit was made of what the commit brought onto its branch, in seconds."""
    first, *others = commit.parents or ("",)
    if not others:
        return commit.authored_s
    earlier = [tag for other in others for tag in git_history.tags_before(commit.sha, other)]
    brought = git_history.first_authored(others, without=[first, *earlier])
    return commit.authored_s if brought.none else brought.authored_s


def _is_trunk(branch: str | None, default: str | None) -> bool:
    if not branch:
        return False
    default = default or git_history.branches([]).default
    return branch == default if default else branch in _TRUNKS


def _is_merge(ci: CiContext | None) -> bool:
    return bool(ci and re.match("Merged? ", ci.message or ""))


def time_ns(text: str | None) -> int | None:
    """A time of the CI's, as RFC 3339 has it or in seconds since the epoch, in nanoseconds since then; None
    for what is none."""
    if re.fullmatch(r"[1-9]\d{8,9}", text or ""):
        return int(text or "") * _SECOND_NS
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    seconds = int(time.timestamp())
    return seconds * _SECOND_NS + time.microsecond * 1000 if seconds >= 0 else None
