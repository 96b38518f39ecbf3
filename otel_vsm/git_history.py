"""When commits were made, and what they brought onto their branch, as far as this clone knows.

Apart from `git`, since none of it is asked before the user's command runs.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from otel_vsm.git import Output, as_revision, run

_ORIGIN_HEAD = "refs/remotes/origin/HEAD"
_BRANCHES = ("remotes/origin", "heads")
_REBASED_LIMIT = 1_000
"""Commits of a request that are looked for on the branch that it was rebased onto."""


class CommitTimes(NamedTuple):
    """A commit with its times, in seconds since the epoch."""

    sha: str
    parents: tuple[str, ...]
    """As the commit has them, whether this clone has them or not."""
    authored_s: int
    committed_s: int


class Branches(NamedTuple):
    """Where branches are, by what this clone knows of them."""

    default: str | None
    """The name of the remote's default branch."""
    heads: tuple[str, ...]
    """The commits of those that were asked for, of the remote's default branch if none was."""


class FirstCommit(NamedTuple):
    """The first that was made of the commits that were asked for."""

    authored_s: int | None = None
    """In seconds since the epoch; None where there is none, or this clone does not have all of them."""
    none: bool = False
    """There are no such commits."""


def commit_times(revision: str) -> CommitTimes | None:
    """A commit with its times; None where this clone does not have it."""
    names, content = run(
        ["rev-parse", "--verify", "--quiet", f"{as_revision(revision)}^{{commit}}"],
        ["cat-file", "commit", as_revision(revision)],
    )
    if not names.text or not content.text:
        return None
    header = content.text.partition("\n\n")[0]
    # In a shallow clone, everything else in git takes a commit at its edge for one without parents.
    parents = tuple(re.findall(r"(?m)^parent ([0-9a-f]+)$", header))
    times = dict(re.findall(r"(?m)^(author|committer) .*> (\d+) [+-]\d+$", header))
    if len(times) < 2:
        return None
    return CommitTimes(names.text.strip(), parents, int(times["author"]), int(times["committer"]))


def branches(names: Sequence[str]) -> Branches:
    """Where branches of these names are, at the remote `origin` and here; without names, the default ones."""
    default_names = () if names else ("main", "master")
    [output] = run(
        [
            "for-each-ref",
            "--format=%(refname) %(objectname) %(symref)",
            _ORIGIN_HEAD,
            *(f"refs/{place}/{name}" for place in _BRANCHES for name in (*names, *default_names)),
        ]
    )
    refs = {ref: (sha, symref) for ref, sha, symref in (line.split(" ") for line in _lines(output))}
    default_sha, symref = refs.pop(_ORIGIN_HEAD, ("", ""))
    default = symref.removeprefix("refs/remotes/origin/") or None
    heads = [sha for sha, _ in refs.values()]
    if not names and default_sha:
        local = f"refs/heads/{default}"
        heads = [default_sha, *(sha for ref, (sha, _) in refs.items() if ref == local)]
    return Branches(default, tuple(dict.fromkeys(heads)))


def first_authored(revisions: Sequence[str], *, without: Sequence[str]) -> FirstCommit:
    """When the first of the commits was made that lead to `revisions` and not to one of `without`.

    All are full hashes. Where this clone lacks one of them, nothing is known.
    """
    log, shallow = run(
        ["rev-list", "--format=%at %P", *revisions, *(f"^{sha}" for sha in without), "--"],
        ["rev-parse", "--is-shallow-repository"],
    )
    if log.text is None or shallow.text is None:
        return FirstCommit()
    commits = [line.split() for _, line in _listed(log)]
    if not commits:
        return FirstCommit(none=True)
    if shallow.text != "false\n" and any(len(commit) < 2 for commit in commits):
        return FirstCommit()  # it is cut off within
    return FirstCommit(min(int(commit[0]) for commit in commits))


def tags_before(revision: str, ancestor: str) -> list[str]:
    """The commits of tags that lead to `ancestor`'s history and not to `revision`, which stands on it."""
    [output] = run(
        [
            "for-each-ref",
            f"--merged={ancestor}",
            f"--no-contains={revision}",
            "--format=%(objectname)",
            "refs/tags",
        ]
    )
    return _lines(output)


def rebased_commits(head: str, result: str) -> list[str]:
    """The commits that those of a request became, where they were rebased one by one; else the last alone.

    `head` is the last of the request, `result` what is on the base branch now: full hashes. Rebasing keeps
    author, date and title.
    """
    work = "--format=%at %ae %s"
    before, after = run(
        ["rev-list", "--topo-order", work, head, f"^{result}", "--"],
        ["rev-list", "--first-parent", f"--max-count={_REBASED_LIMIT}", work, result, "--"],
    )
    originals, results = _listed(before), _listed(after)
    results = results[: len(originals)]
    if originals and [work for _, work in originals] == [work for _, work in results]:
        return [sha for sha, _ in results]
    return [result]


def _lines(output: Output) -> list[str]:
    return (output.text or "").splitlines()


def _listed(output: Output) -> list[tuple[str, str]]:
    """The commits that `git rev-list` printed in a format of one line, each with its line."""
    lines = (output.text or "").split("\n")[:-1]
    return [
        (header.removeprefix("commit "), line) for header, line in zip(lines[::2], lines[1::2], strict=True)
    ]
