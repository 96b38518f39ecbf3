"""A repository's commits and tags, read with a handful of git processes.

Messages are only looked at for the request that they name, and forgotten as they stream by: what stays in
memory is a few numbers per commit.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from otel_vsm.identity import Repository, local_repository, normalise_repository, request_in_message

# Set by git for its hooks. Left in place, they would make git answer for another repository than the
# one that was asked for.
_HIJACKING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
)
_READ_BYTES = 1 << 16


class HistoryError(Exception):
    """The history cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Times in seconds since the epoch, as git has them; `request` is the number that the message names."""

    sha: str
    parents: tuple[str, ...]
    authored_s: int
    committed_s: int
    request: int | None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on a commit. `at_s` is the tagger's date, or the committer's where nobody signed the tag."""

    name: str
    revision: str
    at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What can be reached from `head` (None: no commit yet) and from the tags, sorted by time, then name."""

    commits: dict[str, Commit]
    tags: tuple[Tag, ...]
    head: str | None
    shallow: bool
    """Whether the clone is cut: what lies before is unknown."""


def read_history(repository: Path, *, tags: str = "*") -> History:
    """Read the repository at a path; `tags` is a glob over whole tag names.

    HistoryError where the path is no repository, or git is missing or refuses.
    """
    shallow = _ask(repository, "rev-parse", "--is-shallow-repository").strip() == "true"
    # Fails quietly where HEAD points to a branch without a commit.
    head = _ask(repository, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True).strip() or None
    tagged = [tag for tag in _read_tags(repository) if fnmatchcase(tag[0], tags)]
    tips = {revision for _, revision, _ in tagged} | ({head} if head else set())
    commits = {commit.sha: commit for commit in _read_commits(repository, tips)}
    found = (
        Tag(name, revision, commits[revision].committed_s if at_s is None else at_s)
        for name, revision, at_s in tagged
    )
    return History(
        commits=commits,
        tags=tuple(sorted(found, key=lambda tag: (tag.at_s, tag.name))),
        head=head,
        shallow=shallow,
    )


def read_name(repository: Path) -> Repository:
    """The repository's name by its remote `origin`, else by its first, else by its folder.

    HistoryError as for `read_history`.
    """
    if remotes := _ask(repository, "remote").split():
        remote = "origin" if "origin" in remotes else remotes[0]
        return normalise_repository(_ask(repository, "remote", "get-url", remote))
    # The common directory: all worktrees of a repository are one repository.
    folder = repository / _ask(repository, "rev-parse", "--git-common-dir").rstrip("\n")
    return local_repository(str(folder.resolve()).removesuffix("/.git"))


def _read_tags(repository: Path) -> Iterator[tuple[str, str, int | None]]:
    """Name, commit and tagger's date of each tag that leads to a commit."""
    fields = (
        "%(refname:lstrip=2) %(objecttype) %(objectname) %(*objecttype) %(*objectname) %(taggerdate:unix)"
    )
    # Not splitlines: a name may hold what Python takes for the end of a line and git does not.
    for line in filter(None, _ask(repository, "for-each-ref", f"--format={fields}", "refs/tags").split("\n")):
        name, kind, sha, target_kind, target, at_s = line.split(" ")
        if kind == "tag" and target_kind == "tag":  # a tag of a tag: git peels one layer here
            target = _ask(
                repository, "rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}", may_fail=True
            ).strip()
            target_kind = "commit" if target else ""
        if kind == "commit":
            yield name, sha, None
        elif target_kind == "commit":
            yield name, target, int(at_s) if at_s else None


def _read_commits(repository: Path, tips: set[str]) -> Iterator[Commit]:
    if not tips:
        return
    command = (
        "log", "--stdin", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8",
        "--format=tformat:%H%x00%P%x00%at%x00%ct%x00%B",
    )  # fmt: skip
    with _git(repository, *command) as process:
        assert process.stdin and process.stdout
        # git reads all of them before it answers, so neither side waits for the other. Where it gives up
        # meanwhile, its own words are told and not that the pipe broke.
        with suppress(BrokenPipeError):
            process.stdin.write("".join(f"{tip}\n" for tip in sorted(tips)).encode())
        with suppress(BrokenPipeError):
            process.stdin.close()
        fields = _nul_separated(process.stdout)
        # Not strict: where git breaks off within a commit, what it says about that is the better message.
        for sha, parents, authored, committed, message in zip(*[fields] * 5, strict=False):
            yield Commit(
                sha=sha,
                parents=tuple(parents.split()),
                # Empty where a commit of an old, broken tool holds no readable date.
                authored_s=int(authored or committed or 0),
                committed_s=int(committed or authored or 0),
                request=request_in_message(message),
            )


def _nul_separated(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")


def _ask(repository: Path, *arguments: str, may_fail: bool = False) -> str:
    with _git(repository, *arguments, may_fail=may_fail) as process:
        assert process.stdin and process.stdout
        process.stdin.close()
        return process.stdout.read().decode(errors="replace")


@contextmanager
def _git(repository: Path, *arguments: str, may_fail: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if name not in _HIJACKING}
    # The messages of git are shown to the user below; they should not depend on the language.
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    # A file for what git complains about: a pipe that nobody reads meanwhile could fill and stop git.
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                ["git", "-C", str(repository), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment,
            )
        except FileNotFoundError:
            raise HistoryError("git is not on the PATH: install it to read a history.") from None
        with process:
            yield process
        if process.returncode == 0 or may_fail:
            return
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace").strip()
    if "not a git repository" in complaint:
        raise HistoryError(f"{repository} is not a git repository: give the path of a clone.")
    said = complaint.removeprefix("fatal: ") or "no reason given"
    raise HistoryError(f"git could not read {repository}: {said}")
