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
    change_of_commit,
    change_of_request,
    change_root,
    normalise_repository,
    request_at,
)
from otel_vsm.message import ChangeName, CommitMessage, change_names, reverts_in_message
from otel_vsm.text import one_line

# Compiled where they are used: most calls need none of them, and the user's command waits for this import.
_FULL_SHA = r"(?i:[0-9a-f]{40}|[0-9a-f]{64})"
# As people and tools write a request of the repository: 12, #12, !12, PR-12, MR 12.
_NUMBER = r"(?i:(?:pr|mr|pull request|merge request)[ -]*)?[#!]?(\d+)"
# As Flux writes what it applies: main@sha1:<hash>, sha1:<hash>.
_HASHED = rf"(?:[^\s:]*@)?sha(?:1|256):(?P<sha>{_FULL_SHA})|(?P<bare>{_FULL_SHA})"
NAME_A_CHANGE = "give a request's number, <repository>#<number> or <repository>@<commit>"
_CHANGE_ID = rf"(?P<repository>.+)(?:[#!](?P<request>\d+)|@(?P<sha>{_FULL_SHA}))"


class Subject(Enum):
    """What is told of, and so what of the checkout belongs to it."""

    WORK = "what is done with the checkout: a stage, a deployment"
    CHANGE = "a change, which the checkout need not be of"
    WORK_ITEM = "a work item, of which the checkout says nothing"
    INCIDENT = "an incident, to which only belongs what the user named"


class ChangeOptions(NamedTuple):
    """What the user named. None: nothing."""

    change: str | None = None
    """The number of a request, `12`, `#12`, `!12` or `PR-12`, or its address; a whole change id; a commit's
    full hash."""
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
    reverts: tuple[ChangeId, ...] = ()
    """The changes that this one takes back."""
    is_result: bool = False
    """The revision is what the request became: its message names the request."""
    base_branch: str | None = None
    """The branch that the request is to be merged into, and where that was."""
    base_revision: str | None = None
    pipeline: Mapping[str, str | int] = {}
    """Attributes of the CI's pipeline, run and job."""
    ci: CiContext | None = None
    missing: tuple[str, ...] = ()
    """What could not be found, in words for the user."""


class TraceParent(NamedTuple):
    """Where in which trace a span belongs."""

    trace_id: TraceId
    parent_span_id: SpanId | None
    caller: SpanReference | None = None
    """A span of another trace that we run in, the CI's own for example: to be linked to."""


class _NamedChange(NamedTuple):
    """The change that the user named, as far as it can be told apart."""

    id: ChangeId | None = None
    """None where only a number was given."""
    repository: Repository | None = None
    request: str | None = None
    revision: str | None = None
    problem: str | None = None
    """Why what the user named is not taken, in words for the user."""


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
    is_result: bool
    missing: list[str]


def find_context(options: ChangeOptions, *, subject: Subject, env: Mapping[str, str]) -> Context:
    """What is known of here. Git is asked for what nobody else says, and only then."""
    ci = detect(env)
    change = _parse(options.change)
    problems = [change.problem] if change.problem else []
    named_repository = normalise_repository(options.repository) if options.repository else None
    if options.repository and not named_repository:
        problems.append("the address that --repository gives cannot be read with certainty, and is left out")
    options = options._replace(repository=named_repository, revision=_without_hash_kind(options.revision))
    repository = named_repository or change.repository
    if subject in (Subject.WORK, Subject.CHANGE):
        context = _find_by_checkout(options, change, repository, subject=subject, ci=ci)
    else:
        context = _find_without_checkout(options, change, repository, subject=subject, ci=ci)
    if problems:
        context = context._replace(missing=(*problems, *context.missing))
    if not ci:
        return context
    context = context._replace(ci=ci)
    if ci.request and is_said_of(context, ci):
        context = context._replace(base_branch=ci.base_branch, base_revision=ci.base_revision)
    return context._replace(pipeline=ci.attributes)


def is_said_of(context: Context, ci: CiContext) -> bool:
    """Whether the CI's event and variables tell of this change, and not of another than the user named."""
    repository = ci.repository or context.repository
    if ci.request and repository:
        return context.change == change_of_request(repository, ci.request)
    return context.revision is not None and context.revision == ci.revision


def with_details(context: Context) -> Context:
    """With the branch that is checked out and the changes that are taken back, where nobody else has told it.

    Apart from `find_context`, since no change hangs on it: it can be asked for while the user's command runs.
    """
    if context.at_head:
        context = context._replace(branch=git.branch(), at_head=False)
    if context.message != "":
        context = context._replace(reverts=_reverted(context), message="")
    return context


def _reverted(context: Context) -> tuple[ChangeId, ...]:
    if not context.repository or not context.revision:
        return ()
    message = context.message or git.messages([context.revision]).get(context.revision, "")
    changes: dict[ChangeId, None] = {}
    for revert in reverts_in_message(message):
        commit = revert.commit
        if commit and not re.fullmatch(_FULL_SHA, commit):
            commit = git.full_sha(commit)
        # What takes back a revert brings work again and takes none back.
        if commit and reverts_in_message(git.messages([commit]).get(commit, "")):
            continue
        if change := revert.change(context.repository, commit):
            changes[change] = None
    return tuple(changes)


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


def is_readable(change: str) -> bool:
    """Whether what a user named as a change can be read with certainty."""
    return _parse(change).problem is None


def _parse(change: str | None) -> _NamedChange:
    if not change:
        return _NamedChange()
    if match := re.fullmatch(_NUMBER, change):
        return _NamedChange(request=match[1])
    if match := re.fullmatch(_HASHED, change):
        return _NamedChange(revision=(match["sha"] or match["bare"]).lower())
    if page := request_at(change):
        return _NamedChange(change_of_request(*page), *page)
    if match := re.fullmatch(_CHANGE_ID, change):
        if repository := normalise_repository(match["repository"]):
            request, sha = match["request"], match["sha"]
            named = change_of_request(repository, request) if request else change_of_commit(repository, sha)
            return _NamedChange(named, repository, request, sha and sha.lower())
    elif "://" not in change:
        return _NamedChange(ChangeId(change))
    return _NamedChange(
        problem=f"the change that --change names cannot be read, and is left out: {NAME_A_CHANGE}"
    )


def _without_hash_kind(revision: str | None) -> str | None:
    match = re.fullmatch(_HASHED, revision) if revision else None
    return match["sha"] or match["bare"] if match else revision


def _find_without_checkout(
    options: ChangeOptions,
    change: _NamedChange,
    repository: Repository | None,
    *,
    subject: Subject,
    ci: CiContext | None,
) -> Context:
    """Without a look at the checkout; the CI's request says what a work item is done in, not what broke."""
    request = change.request
    named = change.id
    if ci and subject is Subject.WORK_ITEM and not named and not change.revision:
        request = request or ci.request
        repository = repository or (ci.repository if request else None)
    if not named and (request or change.revision):
        repository = repository or git.checkout(commit=False).repository
        if repository:
            named = (
                change_of_request(repository, request)
                if request
                else change_of_commit(repository, change.revision or "")
            )
    return Context(
        change=named,
        repository=repository,
        request=request,
        revision=options.revision or change.revision,
    )


def _find_by_checkout(
    options: ChangeOptions,
    named: _NamedChange,
    repository: Repository | None,
    *,
    subject: Subject,
    ci: CiContext | None,
) -> Context:
    checkout = _read_checkout(options, ci)
    missing = checkout.missing
    if named.repository and not options.repository and named.repository != checkout.repository:
        # The named change is of another repository, and none of the commits here are its commits.
        return Context(named.id, named.repository, named.request, options.revision or named.revision)
    change, request = named.id, named.request
    if request and not change and checkout.repository:
        change = change_of_request(checkout.repository, request)
    elif named.revision and not change and checkout.repository:
        change = change_of_commit(checkout.repository, named.revision)
    elif not change:
        change, request = checkout.change, checkout.request

    # One span that names a change and a revision says that they are one. Where HEAD is of another change, as
    # it is when the approval of a request is told from the main branch, two changes would become one.
    if options.revision or change == checkout.change:
        revision = checkout.revision
    elif named.revision:
        revision = named.revision
    elif subject is Subject.WORK and not checkout.request:
        revision = checkout.revision
    else:
        revision = None
        if subject is Subject.WORK and checkout.revision:
            missing.append(
                f"the checkout is of {checkout.change} and not of {one_line(change or '')},"
                " so its revision is left out (--revision names another)"
            )
    return Context(
        change=change,
        repository=checkout.repository or repository,
        request=request,
        revision=revision,
        branch=checkout.branch if revision == checkout.revision else None,
        at_head=checkout.at_head and revision is not None and revision == checkout.revision,
        message=checkout.message if revision == checkout.revision else "",
        is_result=checkout.is_result and change == checkout.change and revision == checkout.revision,
        missing=tuple(missing),
    )


def _read_checkout(options: ChangeOptions, ci: CiContext | None) -> _Checkout:
    """The checkout that we are in, by the CI's word and git's."""
    named = Repository(options.repository) if options.repository else None
    repository = named or (ci.repository if ci else None)
    revision = options.revision or (ci.revision if ci else None)
    request = ci.request if ci else None
    message = ci.message if ci and not options.revision else None
    is_full = bool(revision and re.fullmatch(_FULL_SHA, revision))
    # What is named, by the user or by the CI, is what the work is done for, wherever in the repository.
    paths = () if request or options.change else options.paths
    ask_git = bool(paths) or not is_full or not (request or message)
    checkout = git.checkout(
        revision=revision or "HEAD", repository=not repository, commit=ask_git, paths=paths
    )
    if paths and not checkout.commit:
        return _read_checkout(options._replace(paths=()), ci)
    if paths:
        message = None
    missing = []
    if checkout.commit and ci and checkout.commit.sha == ci.foreign_revision and not options.revision:
        # The job has not checked the request out, and what it began with is of other changes.
        revision, message = None, ""
    elif checkout.commit:
        revision, message = checkout.commit.sha, message or checkout.commit.message
    elif revision and is_full:
        revision = revision.lower()
    else:
        missing.append(f"no commit found here ({checkout.problem})")
    if not repository and not checkout.repository and checkout.problem and checkout.commit:
        missing.append(f"no repository found here ({checkout.problem})")
    if checkout.named_after_folder:
        missing.append(
            f"the repository has no remote and is called {checkout.repository} (--repository names it)"
        )
    repository = repository or checkout.repository
    name = ChangeName(request, revision or "")
    if not request and message:
        [name] = change_names([CommitMessage(revision or "", message)], git.messages)
    return _Checkout(
        repository=repository,
        request=name.request,
        revision=revision,
        change=name.change(repository) if repository and (name.request or name.commit) else None,
        message=message if message or not ask_git else "",
        branch=ci.branch if ci and not options.revision else None,
        at_head=not options.revision and (not ci or ci.revision is None),
        is_result=not request and name.request is not None,
        missing=missing,
    )
