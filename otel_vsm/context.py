"""What is known of here: the change, its repository and revision, and the span around us.

Options come before the environment, that before the CI's word, and that before git's.
"""

import os
import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from otel_vsm import git, propagation
from otel_vsm.ci import CiContext, detect
from otel_vsm.identity import (
    ChangeId,
    Repository,
    SpanId,
    SpanReference,
    TraceId,
    change_of_request,
    change_root,
    normalise_repository,
)
from otel_vsm.message import Commit, StandsFor, reverted_in_message, stands_for

# Compiled where they are used: most calls need none of them, and the user's command waits for this import.
_NUMBER = r"[#!]?(\d+)"
_WHOLE_ID = r"(?P<repository>.+)(?:#(?P<request>\d+)|@(?P<sha>[0-9a-f]{40}|[0-9a-f]{64}))"
_FULL_SHA = r"(?i:[0-9a-f]{40}|[0-9a-f]{64})"


class Subject(Enum):
    """What is told of, and so what of the checkout belongs to it."""

    WORK = "what is done with the checkout: a stage, a deployment"
    CHANGE = "a change, which the checkout need not be of"
    WORK_ITEM = "a work item, of which the checkout says nothing"
    INCIDENT = "an incident, to which only belongs what the user named"


class Named(NamedTuple):
    """What the user named. None: nothing."""

    change: str | None = None
    """The number of a request, `12` or `#12`, or a whole change id."""
    repository: str | None = None
    revision: str | None = None
    paths: tuple[str, ...] = ()
    """Where in the repository the work is, as git's pathspecs; none: everywhere."""


class Context(NamedTuple):
    """What is known of here. None: not found, or of no concern to the subject."""

    change: ChangeId | None = None
    repository: Repository | None = None
    request: str | None = None
    revision: str | None = None
    branch: str | None = None
    at_head: bool = False
    """The revision is what is checked out here; git has not been asked for its branch."""
    message: str | None = ""
    """The message of the revision, from which is still to be read what it takes back; None where git has not
    been asked for it."""
    reverts: ChangeId | None = None
    """The change that this one takes back."""
    pipeline: Mapping[str, str] = {}
    """Attributes of the CI's pipeline, run and job."""
    missing: tuple[str, ...] = ()
    """What could not be found, in words for the user."""


class TraceParent(NamedTuple):
    """Where in which trace a span belongs."""

    trace_id: TraceId
    parent_span_id: SpanId | None
    caller: SpanReference | None = None
    """A span of another trace that we run in, the CI's own for example: to be linked to."""


class _Change(NamedTuple):
    """The change that the user named, as far as it can be told apart."""

    id: ChangeId | None = None
    """None where only a number was given."""
    repository: Repository | None = None
    request: str | None = None
    revision: str | None = None


class _Checkout(NamedTuple):
    repository: Repository | None
    request: str | None
    """The request that the revision belongs to, by the CI's word or the commit's message."""
    revision: str | None
    change: ChangeId | None
    message: str | None
    """As in `Context`."""
    branch: str | None
    at_head: bool
    missing: list[str]


def find(named: Named, *, subject: Subject, env: Mapping[str, str]) -> Context:
    """What is known of here. Git is asked for what nobody else says, and only then."""
    ci = detect(env)
    of = _parse(named.change)
    repository = (normalise_repository(named.repository) if named.repository else None) or of.repository
    if subject in (Subject.WORK, Subject.CHANGE):
        found = _find_by_checkout(named, of, repository, subject=subject, ci=ci)
    else:
        found = _find_by_word(named, of, repository, subject=subject, ci=ci)
    return found._replace(pipeline=ci.attributes if ci else {})


def with_details(context: Context) -> Context:
    """With the branch that is checked out and the change that is taken back, where nobody else has told it.

    Apart from `find`, since no change hangs on it: it can be asked for while the user's command runs.
    """
    if context.at_head:
        context = context._replace(branch=git.branch(), at_head=False)
    if context.message != "":
        context = context._replace(reverts=_reverted(context), message="")
    return context


def _reverted(context: Context) -> ChangeId | None:
    if not context.repository or not context.revision:
        return None
    message = context.message or git.messages([context.revision]).get(context.revision, "")
    found = reverted_in_message(message)
    if found is None:
        return None
    commit = found.commit
    if commit and not re.fullmatch(_FULL_SHA, commit):
        commit = git.full_sha(commit)
    return found.change(context.repository, commit)


def trace_parent(trace_id: TraceId, root: SpanId, env: Mapping[str, str]) -> TraceParent:
    """Where a span of this trace belongs: in the span around us if that is of it too, else under the root."""
    caller = propagation.incoming(env)
    if caller and caller.trace_id == trace_id:
        return TraceParent(trace_id, caller.span_id)
    return TraceParent(trace_id, root, caller)


def trace_parent_of_change(change: ChangeId | None, env: Mapping[str, str]) -> TraceParent:
    """Where a span of the change belongs; of no change, in the trace around us or one of its own."""
    if change:
        return trace_parent(*change_root(change), env)
    if caller := propagation.incoming(env):
        return TraceParent(*caller)
    return TraceParent(TraceId(os.urandom(16).hex()), None)


def _parse(change: str | None) -> _Change:
    if not change:
        return _Change()
    if number := re.fullmatch(_NUMBER, change):
        return _Change(request=number[1])
    if whole := re.fullmatch(_WHOLE_ID, change):
        return _Change(
            ChangeId(change), Repository(whole["repository"]), request=whole["request"], revision=whole["sha"]
        )
    return _Change(ChangeId(change))


def _find_by_word(
    named: Named, of: _Change, repository: Repository | None, *, subject: Subject, ci: CiContext | None
) -> Context:
    """Without a look at the checkout; the CI's request says what a work item is done in, not what broke."""
    request = of.request
    if ci and subject is Subject.WORK_ITEM and not of.id:
        request = request or ci.request
        repository = repository or (ci.repository if request else None)
    if request and not repository:
        repository = git.checkout(commit=False).repository
    return Context(
        change=of.id or (change_of_request(repository, request) if repository and request else None),
        repository=repository,
        request=request,
        revision=named.revision or of.revision,
    )


def _find_by_checkout(
    named: Named, of: _Change, repository: Repository | None, *, subject: Subject, ci: CiContext | None
) -> Context:
    here = _look(named, ci)
    missing = here.missing
    if of.repository and not named.repository and of.repository != here.repository:
        # The named change is of another repository, and none of the commits here are its commits.
        return Context(of.id, of.repository, of.request, named.revision or of.revision)
    change, request = of.id, of.request
    if request and not change and here.repository:
        change = change_of_request(here.repository, request)
    elif not change:
        change, request = here.change, here.request

    # One span that names a change and a revision says that they are one. Where HEAD is of another change, as
    # it is when the approval of a request is told from the main branch, two changes would become one.
    if named.revision or change == here.change:
        revision = here.revision
    elif of.revision:
        revision = of.revision
    elif subject is Subject.WORK and not here.request:
        revision = here.revision
    else:
        revision = None
        if subject is Subject.WORK and here.revision:
            missing.append(
                f"the checkout is of {here.change} and not of {change}, so its revision is left out"
                " (--revision names another)"
            )
    return Context(
        change=change,
        repository=here.repository or repository,
        request=request,
        revision=revision,
        branch=here.branch if revision == here.revision else None,
        at_head=here.at_head and revision is not None and revision == here.revision,
        message=here.message if revision == here.revision else "",
        missing=tuple(missing),
    )


def _look(named: Named, ci: CiContext | None) -> _Checkout:
    """The checkout that we are in, by the CI's word and git's."""
    repository = normalise_repository(named.repository) if named.repository else ci.repository if ci else None
    revision = named.revision or (ci.revision if ci else None)
    request = ci.request if ci else None
    message = ci.message if ci and not named.revision else None
    is_full = bool(revision and re.fullmatch(_FULL_SHA, revision))
    # What is named, by the user or by the CI, is what the work is done for, wherever in the repository.
    paths = () if request or named.change else named.paths
    ask = bool(paths) or not is_full or not (request or message)
    found = git.checkout(revision=revision or "HEAD", repository=not repository, commit=ask, paths=paths)
    if paths and not found.commit:
        return _look(named._replace(paths=()), ci)
    if paths:
        message = None
    missing = []
    if found.commit:
        revision, message = found.commit.sha, message or found.commit.message
    elif revision and is_full:
        revision = revision.lower()
    else:
        missing.append(f"no commit found here ({found.problem})")
    if not repository and not found.repository and found.problem and found.commit:
        missing.append(f"no repository found here ({found.problem})")
    if found.named_after_folder:
        missing.append(
            f"the repository has no remote and is called {found.repository} (--repository names it)"
        )
    repository = repository or found.repository
    of = StandsFor(request, revision or "")
    if not request and message:
        [of] = stands_for([Commit(revision or "", message)], git.messages)
    return _Checkout(
        repository=repository,
        request=of.request,
        revision=revision,
        change=of.change(repository) if repository and (of.request or of.commit) else None,
        message=message if message or not ask else "",
        branch=ci.branch if ci and not named.revision else None,
        at_head=not ci and not named.revision,
        missing=missing,
    )
