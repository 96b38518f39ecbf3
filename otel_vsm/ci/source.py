"""The words in which a CI system's file says where to find something."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from otel_vsm.text import sendable

MAX_EVENT_BYTES = 8 << 20
"""GitHub's events stay far below; reading something larger would hold the command up."""


class JobEnvironment:
    """The environment of a job, and the event that caused it, which is read when first asked for."""

    def __init__(self, env: Mapping[str, str], event_file: str | None) -> None:
        self.env = env
        self._event_file = env.get(event_file) if event_file else None
        self._event: Any = None

    def event(self) -> Any:
        """The event, decoded; None where there is none or it cannot be read."""
        if self._event is None and self._event_file:
            # Few jobs need it, and every module costs the command time.
            import json

            try:
                with open(self._event_file, "rb") as file:  # noqa: PTH123 -- pathlib costs more
                    content = file.read(MAX_EVENT_BYTES + 1)
                self._event = json.loads(content) if len(content) <= MAX_EVENT_BYTES else None
            except (OSError, ValueError, RecursionError):
                pass
            self._event_file = None
        return self._event


class Source(Protocol):
    def read(self, job: JobEnvironment) -> str | None: ...


class Text(NamedTuple):
    """Variables in words, `{SERVER}/{NAME}`: known where every one of them is set and not empty.

    Where a pattern is given it has to match, and the text of its group `value` is taken.
    """

    template: str
    pattern: str | None = None

    def read(self, job: JobEnvironment) -> str | None:
        missing = False

        def substitute(variable: re.Match[str]) -> str:
            nonlocal missing
            missing = missing or not job.env.get(variable[1])
            return job.env.get(variable[1], "")

        text = re.sub(r"\{(\w+)\}", substitute, self.template)
        if missing:
            return None
        text = sendable(text)
        if self.pattern is None:
            return text
        match = re.search(self.pattern, text)
        return match["value"] if match else None


class EventField(NamedTuple):
    """A field of the event, by its path: `pull_request.head.sha`."""

    path: str

    def read(self, job: JobEnvironment) -> str | None:
        return as_text(at_path(job.event(), self.path))


class Where:
    """A source that counts only where the event has something at a path or, by `absent`, has nothing."""

    # No named tuple: the user's command waits while one is defined.
    def __init__(self, path: str, source: Source, *, absent: bool = False) -> None:
        self._path = path
        self._source = source
        self._absent = absent

    def read(self, job: JobEnvironment) -> str | None:
        return None if bool(at_path(job.event(), self._path)) is self._absent else self._source.read(job)


def at_path(node: Any, path: str) -> Any:
    """What a decoded event has at a path; None where it has nothing."""
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def as_text(node: Any) -> str | None:
    """A text or a number of an event, as a text that can be sent."""
    return sendable(str(node)) if isinstance(node, str | int) and node != "" else None


class FirstOf:
    """The first of several sources that says something."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def read(self, job: JobEnvironment) -> str | None:
        return first(self._sources, job)


class OneMore:
    """The number after the one that the source has, for systems that count from 0."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, job: JobEnvironment) -> str | None:
        number = self._source.read(job)
        return str(int(number) + 1) if number and number.isdecimal() else None


class System(NamedTuple):
    """One CI system. Of several sources the first counts that says something.

    Without a source for the repository, git's remote says it.
    """

    name: str
    request: Sequence[Source]
    revision: Sequence[Source]
    branch: Sequence[Source]
    attributes: Mapping[str, Source]
    whole_history: str
    """By which setting or command the checkout has the whole history, in words for the user."""
    repository: Sequence[Source] = ()
    message: Sequence[Source] = ()
    """Only where it is the commit's whole message; else git is asked for it."""
    head_repository: Sequence[Source] = ()
    """The address of the repository that the request's branch is in."""
    event_file: str | None = None
    """The variable that names a JSON file with the event that caused the job."""
    foreign_revision: Sequence[Source] = ()
    tag: Sequence[Source] = ()
    base_branch: Sequence[Source] = ()
    base_revision: Sequence[Source] = ()
    default_branch: Sequence[Source] = ()
    opened_at: Sequence[Source] = ()
    merged_at: Sequence[Source] = ()
    merge_revision: Sequence[Source] = ()
    committed_at: Sequence[Source] = ()
    attempt: Sequence[Source] = ()
    leg: Sequence[Source] = ()
    queued_at: Sequence[Source] = ()
    started_at: Sequence[Source] = ()
    job: Sequence[Source] = ()


def first(sources: Sequence[Source], job: JobEnvironment) -> str | None:
    return next((value for source in sources if (value := source.read(job))), None)
