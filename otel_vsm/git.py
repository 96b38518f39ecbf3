"""The few questions that are asked of git, through its own command.

Nothing here raises because of git: where it is missing, refuses or takes too long, the answer says why.
"""

import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from otel_vsm.identity import Repository, local_repository, normalise_repository
from otel_vsm.message import CommitMessage
from otel_vsm.text import one_line

TIMEOUT_S = 2.0
"""How long is waited for git where it hangs, as it can on a network's file system."""
COMMIT_LIMIT = 10_000
"""Commits that one deployment is looked through for; further ones are left out, and it is said."""
_STEP_MS = 20
_LAST = ("rev-list", "--max-count=1", "--first-parent")
_COMMITS = "--format=%H%n%B%x00"


class Checkout(NamedTuple):
    """What git knows of the current folder. None: not asked, or not found."""

    repository: Repository | None = None
    commit: CommitMessage | None = None
    problem: str | None = None
    """In git's words, why the commit or the repository is not known."""
    named_after_folder: bool = False
    """The repository has no remote, so that its name is its folder's."""


class Patience:
    """How long git is waited for, by all its commands together."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.exhausted = False
        """Whether a command was given up."""

    def __str__(self) -> str:
        return f"{self._seconds:g} s"


_patience: Patience | None = None


def limit(seconds: float) -> Patience:
    """From now on wait for git so many seconds in all."""
    global _patience
    _patience = Patience(seconds)
    return _patience


def lift_limit() -> None:
    """From now on wait `TIMEOUT_S` each time, until git hangs once."""
    global _patience
    _patience = None


class CommitRangeError(Exception):
    """The commits between two revisions cannot be told; the message says why and what to do."""


class Output(NamedTuple):
    """What a git command printed."""

    text: str | None
    """None where the command failed."""
    problem: str
    partial: str = ""
    """What there was when time was up."""


def checkout(
    *, revision: str = "HEAD", repository: bool = True, commit: bool = True, paths: Sequence[str] = ()
) -> Checkout:
    """What git knows of the current folder; each of the flags saves a process where it is False.

    `revision` is anything that git takes for a commit: `HEAD`, a tag, a short hash. With `paths`, the commit
    is the last one of its first-parent history that touched one of them.
    """
    commands: dict[str, list[str]] = {}
    if commit:
        commands["commit"] = [*_LAST, "--format=%B", as_revision(revision), "--", *paths]
    if repository:
        commands["remotes"] = ["remote", "--verbose"]
    outputs = dict(zip(commands, run(*commands.values()), strict=True))

    name, by_folder, problem = None, False, None
    if output := outputs.get("remotes"):
        if output.text is None:
            problem = output.problem
        elif remote := _remote(output.text):
            name = normalise_repository(remote)
            problem = None if name else "the address of its remote cannot be read with certainty"
        else:
            name, by_folder = _folder(), True
    head = None
    if output := outputs.get("commit"):
        if not output.text:
            problem = problem or output.problem
        else:
            header, _, message = output.text.partition("\n")
            head = CommitMessage(header.removeprefix("commit "), message)
    return Checkout(
        repository=name,
        commit=head,
        problem=problem,
        named_after_folder=by_folder,
    )


def branch() -> str | None:
    """The branch that is checked out; None for a detached checkout, and where git does not say."""
    [output] = run(["symbolic-ref", "--quiet", "--short", "HEAD"])
    return output.text.strip() if output.text else None


def full_sha(revision: str) -> str | None:
    """The full hash of what git takes for a commit; None where it takes it for none, or for several."""
    [output] = run(["rev-parse", "--verify", "--quiet", f"{as_revision(revision)}^{{commit}}"])
    return output.text.strip() if output.text else None


def messages(shas: Sequence[str]) -> dict[str, str]:
    """The messages of commits by their full hashes, of those that this clone has."""
    [output] = run(["rev-list", "--no-walk", "--ignore-missing", _COMMITS, *shas, "--"])
    return dict(_parse_commits(output.text or ""))


def is_shallow() -> bool:
    """Whether this clone lacks a part of the history."""
    [output] = run(["rev-parse", "--is-shallow-repository"])
    return output.text == "true\n"


def untouched_paths(paths: Sequence[str], revision: str) -> dict[str, str]:
    """Those of the paths that the first-parent history up to the revision never touched, and why."""
    outputs = run(*([*_LAST, as_revision(revision), "--", path] for path in paths))
    return {
        path: output.problem or f"no commit up to {revision} touches it"
        for path, output in zip(paths, outputs, strict=True)
        if not output.text
    }


def commits_between(previous: str, revision: str, paths: Sequence[str] = ()) -> list[CommitMessage]:
    """The commits of the first-parent history in (previous, revision], the newest first.

    With `paths`, those that touch one of them. HistoryError where git cannot tell them, as in a shallow clone
    that does not reach back so far.
    """
    revisions = f"{as_revision(previous)}..{as_revision(revision)}"
    log, shallow, common = run(
        [
            "rev-list",
            "--first-parent",
            f"--max-count={COMMIT_LIMIT + 1}",
            _COMMITS,
            revisions,
            "--",
            *paths,
        ],
        ["rev-parse", "--is-shallow-repository"],
        ["merge-base", as_revision(previous), as_revision(revision)],
    )
    if log.text is None:
        raise CommitRangeError(
            f"the history from {one_line(previous)} to {one_line(revision)} cannot be read ({log.problem})"
        )
    if shallow.text == "true\n" and common.text is None:
        raise CommitRangeError(
            f"this clone is shallow and does not reach from {one_line(revision)} back to {one_line(previous)}"
            ": fetch its whole history"
        )
    commits = list(_parse_commits(log.text))
    if len(commits) > COMMIT_LIMIT:
        raise CommitRangeError(
            f"more than {COMMIT_LIMIT} commits lie between {one_line(previous)} and {one_line(revision)}"
        )
    return commits


def _parse_commits(text: str) -> Iterator[CommitMessage]:
    """The commits that `git rev-list` printed in the format `_COMMITS`."""
    for entry in text.split("\0")[:-1]:
        _, sha, message = entry.lstrip("\n").split("\n", 2)
        yield CommitMessage(sha, message)


def as_revision(revision: str) -> str:
    """The revision as an argument that cannot be taken for an option."""
    # What begins with a dash would be an option to git; no ref may begin so, and this one names nothing.
    return f"refs/{revision}" if revision.startswith("-") else revision


def _remote(text: str) -> str | None:
    """The URL of `origin`, else of the first remote, out of `git remote --verbose`."""
    urls: dict[str, str] = {}
    for line in text.splitlines():
        name, tab, rest = line.partition("\t")
        if tab and " (fetch)" in rest:
            urls[name] = rest.rpartition(" (fetch)")[0]
    return urls.get("origin") or next(iter(urls.values()), None)


def _folder() -> Repository:
    # The common directory, not the top level: all worktrees of a repository are one repository.
    [output] = run(["rev-parse", "--git-common-dir"])
    folder = os.path.realpath((output.text or ".").rstrip("\n"))
    return local_repository(folder.removesuffix("/.git"))


def run(*commands: Sequence[str]) -> list[Output]:
    """Run git commands side by side, within one deadline."""
    global _patience
    patience = _patience or Patience(TIMEOUT_S)
    # Its reasons are passed on, and are to be in the language of the rest of the message.
    env = os.environ | {"LC_ALL": "C", "LANGUAGE": "C"}
    running: list[_Running | OSError] = []
    for command in commands:
        try:
            running.append(_start(["git", *command], env))
        except OSError as error:
            running.append(error)
    outputs = [_output(process, patience) for process in running]
    if patience.exhausted and _patience is None:
        _patience = patience  # what hung once is not waited for again
    return outputs


class _Running(NamedTuple):
    """A process with the reading ends of its standard output and standard error."""

    pid: int
    output: int
    errors: int


def _start(command: list[str], env: Mapping[str, str]) -> _Running:
    # Not `subprocess`, which takes 3 ms to import and 1 ms for each process, while the user's command waits.
    output, to_output = os.pipe()
    errors, to_errors = os.pipe()
    try:
        pid = os.posix_spawnp(
            command[0],
            command,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, to_output, 1),
                (os.POSIX_SPAWN_DUP2, to_errors, 2),
            ],
            setsigdef=[signal.SIGPIPE],  # Python ignores it, git wants to die of it
        )
    except OSError:
        os.close(output)
        os.close(errors)
        raise
    finally:
        os.close(to_output)
        os.close(to_errors)
    return _Running(pid, output, errors)


def _output(process: _Running | OSError, patience: Patience) -> Output:
    if isinstance(process, OSError):
        missing = isinstance(process, FileNotFoundError)
        return Output(None, "git is not installed" if missing else f"git did not start: {process.strerror}")
    read: list[bytes] = []
    try:
        _read_to_end(process.output, patience, read)
        output, errors = _text(read), _text(_read_to_end(process.errors, patience, []))
    except TimeoutError:
        # Not waited for: what hangs in the kernel does not die either.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        patience.exhausted = True
        return Output(None, f"git did not answer within {patience}", _text(read))
    finally:
        os.close(process.output)
        os.close(process.errors)
    try:
        _, status = os.waitpid(process.pid, 0)
    except ChildProcessError:  # SIGCHLD was ignored when we started: nobody knows how git ended
        status = 0 if output else 1
    if status:
        lines = errors.splitlines()
        return Output(None, one_line(lines[0].removeprefix("fatal: ")) if lines else "git found nothing")
    return Output(output, "")


def _read_to_end(descriptor: int, patience: Patience, chunks: list[bytes]) -> list[bytes]:
    readable = select.poll()
    readable.register(descriptor, select.POLLIN)
    while True:
        # In short steps, since the deadline may be moved meanwhile.
        while not readable.poll(_STEP_MS):
            if time.monotonic() > patience.deadline:
                raise TimeoutError
        if not (chunk := os.read(descriptor, 1 << 16)):
            return chunks
        chunks.append(chunk)


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")
