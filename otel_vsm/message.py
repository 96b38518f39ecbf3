"""What the message of a commit says: whose request it is, where it was picked from, what it takes back."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from otel_vsm.identity import ChangeId, Repository, change_of_commit, change_of_request

# All of them are compiled when they are first needed: the user's command waits for this import.
_REQUEST = (
    r"\A[^\n]*\(#(\d+)\)[ \t]*(?:\n|\Z)",  # the title of a squashed request
    r"(?m)^Merge pull request #(\d+) from\b",  # GitHub's merge commit
    r"(?m)^See merge request [^\s!]*!(\d+)\s*$",  # GitLab's
    r"\AMerged in [^\n]+ \(pull request #(\d+)\)[ \t]*(?:\n|\Z)",  # Bitbucket's
    r"\AMerged PR (\d+):",  # Azure's
)
_SHA = r"[0-9a-f]{40}|[0-9a-f]{64}"
_PICKED = rf"(?m)^\(cherry picked from commit ({_SHA})\)\s*$"
# Titles as git and every forge write them, the branch that GitHub makes for a revert, git's sentence in the
# body, and those of GitHub, Azure ("Reverts …") and GitLab ("This reverts merge request …").
_REVERTS = (
    r'(?m)^(?:Merged PR \d+: )?Revert "(?P<title>.+)"'
    r"|^Merge pull request #\d+ from [^\s/]+/revert-(?P<branch>\d+)-"
    r"|^This reverts commits? (?P<commit>[0-9a-f]{7,64})\b"
    r"|^(?:This r|R)everts (?:(?:merge|pull) request )?"
    r"(?P<project>[\w.-]+(?:/[\w.-]+)+)?[#!](?P<request>\d+)\b"
)


class CommitMessage(NamedTuple):
    sha: str
    message: str


class ChangeName(NamedTuple):
    """By what a commit names its change."""

    request: str | None
    """The number of the request that its message names, or that of the commit that it was picked from."""
    commit: str
    """Without a request, the commit that the change is called after: the one picked from, or itself."""

    def change(self, repository: Repository) -> ChangeId:
        if self.request:
            return change_of_request(repository, self.request)
        return change_of_commit(repository, self.commit)


class Revert(NamedTuple):
    """What a commit takes back: another commit, or a request."""

    commit: str | None = None
    """Its hash, which may be a short one."""
    request: str | None = None
    project: str | None = None
    """`acme/shop`, where it is said of which project the request is."""

    def change(self, repository: Repository, commit: str | None) -> ChangeId | None:
        """The change that is taken back, as a commit of the repository says it; `commit` in full."""
        if self.commit:
            return change_of_commit(repository, commit) if commit else None
        host = repository.partition("/")[0]
        if self.project and host != "local":
            repository = Repository(f"{host}/{self.project}")
        return change_of_request(repository, self.request or "")


def request_in_message(message: str) -> int | None:
    """The request number that a commit message names, if it does.

    Known are `(#12)` at the end of the title, `Merge pull request #12 from`,
    `See merge request group/name!12`, `Merged in branch (pull request #12)` and `Merged PR 12: title`.
    """
    for pattern in _REQUEST:
        if match := re.search(pattern, message):
            return int(match[1])
    return None


def picked_from(message: str) -> str | None:
    """The full hash of the commit that `git cherry-pick -x` took this one from.

    Of a commit that was picked from one branch to the next, the first: there the change was made.
    """
    trailers = message.rstrip().rpartition("\n\n")[2]
    match = re.search(_PICKED, trailers)
    return match[1] if match else None


def change_names(
    commits: Sequence[CommitMessage], messages: Callable[[Sequence[str]], Mapping[str, str]]
) -> list[ChangeName]:
    """Which change each commit is of.

    `messages` gives the messages of commits by their hashes, as far as they are known; it is asked once at
    most, for what was picked and names no request itself.
    """
    requests = [request_in_message(commit.message) for commit in commits]
    sources = [
        picked_from(commit.message) if request is None else None
        for commit, request in zip(commits, requests, strict=True)
    ]
    source_shas = sorted({source for source in sources if source})
    source_messages = messages(source_shas) if source_shas else {}
    names = []
    for commit, request, source in zip(commits, requests, sources, strict=True):
        if source:
            request = request_in_message(source_messages.get(source, ""))
        names.append(ChangeName(None if request is None else str(request), source or commit.sha))
    return names


def revert_in_message(message: str) -> Revert | None:
    """What a commit takes back by its message; where it names several, the first.

    The title of a revert counts where the title that it quotes names a request: of `Revert "Add (#12)" (#13)`
    that is 12. `Reapply "Add (#12)"` quotes what comes back, so only the commit in its body counts.
    """
    for match in re.finditer(_REVERTS, message):
        if match["title"]:
            request = request_in_message(match["title"])
            if request is not None:
                return Revert(request=str(request))
        elif match["commit"]:
            return Revert(commit=match["commit"])
        else:
            return Revert(request=match["branch"] or match["request"], project=match["project"])
    return None
