"""A repository's commits and tags, read with a handful of git processes.

Messages are only looked at for the changes that they name, and forgotten as they stream by: what stays in
memory is a few numbers per commit.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from otel_vsm.backfill.tags import Choice, Tag, in_order
from otel_vsm.identity import Repository, local_repository, normalise_repository
from otel_vsm.message import Revert, picked_from, request_in_message, reverts_in_message

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
LOG = ("log", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8")
COMMIT_FORMAT = "--format=tformat:%H%x00%P%x00%at%x00%ct%x00%B"
"""What `commits_of` reads of each commit, with `LOG`."""


class HistoryError(Exception):
    """The history cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Times in seconds since the epoch, as git has them."""

    sha: str
    parents: tuple[str, ...]
    authored_s: int
    committed_s: int
    request: int | None
    """The number that the message names, or that of the commit that this one was picked from."""
    picked_from: str | None = None
    """That commit, where no request is known."""
    reverts: tuple[Revert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What can be reached from `head` (None: no commit yet) and from the tags that were deployed."""

    commits: dict[str, Commit]
    tags: tuple[Tag, ...]
    """In the order in which they were deployed."""
    head: str | None
    shallow: bool
    """Whether the clone is cut: what lies before is unknown."""
    pre_releases: int = 0
    """How many tags were left out because they are those of pre-releases."""
    touching: frozenset[str] | None = None
    """The commits of what was asked for, as seen from their first parents; None: all of them.

    Tags and head are the last of these commits, each on its own first-parent history; tags without are none.
    """


def read_history(repository: Path, *, tags: Sequence[str] = (), paths: Sequence[str] = ()) -> History:
    """Read the repository at a path; `tags` are globs over whole tag names, as in `Choice`.

    `paths` are git's pathspecs, seen from `repository`: only what touches one of them is asked for.
    HistoryError where the path is no repository, a pathspec names nothing, or git is missing or refuses.
    """
    shallow = _output(repository, "rev-parse", "--is-shallow-repository").strip() == "true"
    # Fails quietly where HEAD points to a branch without a commit.
    head = _output(repository, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True).strip() or None
    choice = Choice(tags)
    all_tags = list(_read_tags(repository))
    tagged = [tag for tag in all_tags if tag[0] in choice]
    tips = {revision for _, revision, _ in tagged} | ({head} if head else set())
    log = _log(repository, tips, COMMIT_FORMAT) if tips else iter(())
    commits = commits_of(log, lambda shas: _messages(repository, shas))
    dated_tags = (
        Tag(
            name=name,
            commit=commit,
            revision=commit,
            at_s=commits[commit].committed_s if at_s is None else at_s,
        )
        for name, commit, at_s in tagged
    )
    history = History(
        commits=commits,
        tags=in_order(dated_tags, {commit.sha: commit.parents for commit in commits.values()}),
        head=head,
        shallow=shallow,
        pre_releases=sum(choice.leaves_out(name) for name, _, _ in all_tags),
    )
    if not paths or not tips:
        return history
    # Where a merge is nobody's work, the first-parent histories of its other parents are delivered with it.
    merged = {parent for commit in commits.values() if not commit.request for parent in commit.parents[1:]}
    return _limited(history, _read_touching(repository, tips | merged, paths))


def read_name(repository: Path) -> Repository:
    """The repository's name by its remote `origin`, else by its first, else by its folder.

    HistoryError as for `read_history`.
    """
    if remotes := _output(repository, "remote").split():
        remote = "origin" if "origin" in remotes else remotes[0]
        name = normalise_repository(_output(repository, "remote", "get-url", remote))
        if not name:
            raise HistoryError(
                f"the address of the remote {remote} cannot be read with certainty: --repository names it"
            )
        return name
    # The common directory: all worktrees of a repository are one repository.
    folder = repository / _output(repository, "rev-parse", "--git-common-dir").rstrip("\n")
    return local_repository(str(folder.resolve()).removesuffix("/.git"))


def _read_tags(repository: Path) -> Iterator[tuple[str, str, int | None]]:
    """Name, commit and tagger's date of each tag that leads to a commit."""
    fields = (
        "%(refname:lstrip=2) %(objecttype) %(objectname) %(*objecttype) %(*objectname) %(taggerdate:unix)"
    )
    # Not splitlines: a name may hold what Python takes for the end of a line and git does not.
    for line in filter(
        None, _output(repository, "for-each-ref", f"--format={fields}", "refs/tags").split("\n")
    ):
        name, kind, sha, target_kind, target, at_s = line.split(" ")
        if kind == "tag" and target_kind == "tag":  # a tag of a tag: git peels one layer here
            target = _output(
                repository, "rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}", may_fail=True
            ).strip()
            target_kind = "commit" if target else ""
        if kind == "commit":
            yield name, sha, None
        elif target_kind == "commit":
            yield name, target, int(at_s) if at_s else None


def commits_of(
    fields: Iterator[str], messages: Callable[[Sequence[str]], Mapping[str, str]]
) -> dict[str, Commit]:
    """The commits that git printed in `COMMIT_FORMAT`, by their hashes.

    What was picked from the commit of a request, on whatever branch, has the request's number. `messages`
    gives the messages of commits by their hashes, as far as they are known; it is asked once at most.
    """
    commits = {commit.sha: commit for commit in _parse(fields)}
    picked = [(commit, commit.picked_from) for commit in commits.values() if commit.picked_from]
    requests = {sha: commits[sha].request for _, sha in picked if sha in commits}
    if aside := sorted({sha for _, sha in picked} - requests.keys()):
        requests |= {sha: request_in_message(message) for sha, message in messages(aside).items()}
    for commit, original in picked:
        if request := requests.get(original):
            commits[commit.sha] = replace(commit, request=request, picked_from=None)
    return commits


def _parse(fields: Iterator[str]) -> Iterator[Commit]:
    # Not strict: where git breaks off within a commit, what it says about that is the better message.
    for sha, parents, authored, committed, message in zip(*[fields] * 5, strict=False):
        request = request_in_message(message)
        yield Commit(
            sha=sha,
            parents=tuple(parents.split()),
            # Empty where a commit of an old, broken tool holds no readable date.
            authored_s=int(authored or committed or 0),
            committed_s=int(committed or authored or 0),
            request=request,
            picked_from=picked_from(message) if request is None else None,
            reverts=reverts_in_message(message),
        )


def _messages(repository: Path, shas: Sequence[str]) -> Mapping[str, str]:
    """The messages of those of the commits that there are."""
    fields = _log(repository, shas, "--format=tformat:%H%x00%B", "--no-walk", "--ignore-missing")
    return dict(zip(*[fields] * 2, strict=False))


def _read_touching(repository: Path, tips: set[str], paths: Sequence[str]) -> frozenset[str]:
    """The commits on the first-parent histories of the tips that touch one of the paths."""
    touching: set[str] = set()
    for path in paths:
        shas = set(_log(repository, tips, "--format=tformat:%H", "--first-parent", paths=[path]))
        if not shas:
            raise HistoryError(f"no commit of {repository} touches {path!r}: check --path.")
        touching |= shas
    return frozenset(touching)


def _limited(history: History, touching: frozenset[str]) -> History:
    """The history with every tip at the last commit that counts."""
    last: dict[str, str | None] = {}

    def last_of(tip: str) -> str | None:
        passed: list[str] = []
        sha: str | None = tip
        while sha and sha not in touching and sha not in last:
            passed.append(sha)
            sha = next(iter(history.commits[sha].parents), None)
        sha = sha and last.get(sha, sha)
        last.update(dict.fromkeys(passed, sha))
        return sha

    tags = tuple(
        replace(tag, revision=revision) for tag in history.tags if (revision := last_of(tag.revision))
    )
    head = history.head and last_of(history.head)
    return replace(history, tags=tags, head=head, touching=touching)


def _log(repository: Path, tips: Iterable[str], *options: str, paths: Sequence[str] = ()) -> Iterator[str]:
    """The fields of commits, one after the other."""
    # --stdin after the options: it is read with those that came before.
    with _git(repository, *LOG, *options, "--stdin", "--", *paths) as process:
        assert process.stdin and process.stdout
        # git reads all of them before it answers, so neither side waits for the other. Where it gives up
        # meanwhile, its own words are told and not that the pipe broke.
        with suppress(BrokenPipeError):
            process.stdin.write("".join(f"{tip}\n" for tip in sorted(tips)).encode())
        with suppress(BrokenPipeError):
            process.stdin.close()
        yield from _nul_separated(process.stdout)


def _nul_separated(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")


def _output(repository: Path, *arguments: str, may_fail: bool = False) -> str:
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
    reason = complaint.removeprefix("fatal: ") or "no reason given"
    raise HistoryError(f"git could not read {repository}: {reason}")
