"""What the message of a commit says: whose request it is, where it was picked from, what it takes back."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from otel_vsm.identity import ChangeId, Repository, change_of_commit, change_of_request

# All of them are compiled when they are first needed: the user's command waits for this import.
_REQUEST_LINE = r"(?m)^See merge request [^\s!]*!(\d+)\s*$"  # GitLab's
# Best first: where the title names the request by that word, a number in brackets is an issue's.
_REQUEST_TITLES = (
    r"Merged PR (\d+):",  # Azure's
    r"Merge pull request #(\d+) from\b",  # GitHub's merge commit
    r"Merged in .+ \(pull request #(\d+)\)\Z",  # Bitbucket's
    r".*\(#(\d+)\)\Z",  # the title of a squashed request
)
_SHA = r"[0-9a-f]{40}|[0-9a-f]{64}"
_PICKED = rf"(?m)^\(cherry picked from commit ({_SHA})\)\s*$"
_AND = r"(?:,\s*(?:and\s+)?|\s+and\s+)"
_ANY_SHA = r"\b[0-9a-f]{7,64}\b"
_REQUEST = r"(?P<project>[\w.-]+(?:/[\w.-]+)+)?[#!](?P<request>\d+)\b"
_REQUEST_UNNAMED = r"(?:[\w.-]+(?:/[\w.-]+)+)?[#!]\d+\b"
# Titles as git and every forge write them, also in the list of a squash, the branch that GitHub makes for a
# revert, git's sentence in the body, and those of GitHub, Azure ("Reverts …") and GitLab ("This reverts merge
# request …").
_REVERTS = (
    r'(?m)^(?P<listed>[*-] )?(?:Merged PR \d+: )?(?P<verb>Revert|Reapply) "(?P<title>'
    r'(?P<quoted_verbs>(?:(?:Merged PR \d+: )?(?:Revert|Reapply) ")*).+)"'
    r"|^Merge pull request #\d+ from [^\s/]+/(?P<branch>(?:revert-\d+-)+)"
    rf"|^This reverts commits? (?P<commits>{_ANY_SHA}(?:{_AND}{_ANY_SHA})*)"
    r"|^(?:This r|R)everts (?:(?:merge|pull) requests? )?"
    rf"(?P<requests>{_REQUEST_UNNAMED}(?:{_AND}{_REQUEST_UNNAMED})*)"
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

    Known are, best first, `See merge request group/name!12` on a line of its own, and the titles
    `Merged PR 12: title`, `Merge pull request #12 from`, `Merged in branch (pull request #12)` and
    `title (#12)`.
    """
    if match := re.search(_REQUEST_LINE, message):
        return int(match[1])
    title = _title(message)
    for pattern in _REQUEST_TITLES:
        if match := re.match(pattern, title):
            return int(match[1])
    return None


def picked_from(message: str) -> str | None:
    """The full hash of the commit that `git cherry-pick -x` took this one from.

    Of a commit that was picked from one branch to the next, the first: there the change was made.
    """
    trailers = _unix(message).rstrip().rpartition("\n\n")[2]
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


def reverts_in_message(message: str) -> tuple[Revert, ...]:
    """What a commit takes back by its message, in the order in which it is named.

    The title of a revert counts where the title that it quotes names a request: of `Revert "Add (#12)" (#13)`
    that is 12. What takes back a revert brings work again and takes none back: `Revert "Revert "Add""`,
    `Reapply "Add"`, and what is said below such a title.
    """
    text = _unix(message)
    if (title := _title(text)) != text.partition("\n")[0]:
        text = f"{title}\n{text}"  # the quotation of a title may go on in its second line
    return tuple(dict.fromkeys(_reverts(text)))


def _reverts(text: str) -> Iterator[Revert]:
    takes_back = True
    for match in re.finditer(_REVERTS, text):
        if verb := match["verb"]:
            takes_back = (verb + match["quoted_verbs"]).count("Revert") % 2 == 1
            if takes_back and verb == "Revert" and not match["listed"]:
                request = request_in_message(match["title"])
                if request is not None:
                    yield Revert(request=str(request))
        elif branch := match["branch"]:
            # GitHub's revert of request 13, itself one of 12: revert-13-revert-12-cart.
            numbers = re.findall(r"\d+", branch)
            if len(numbers) % 2 == 1:
                yield Revert(request=numbers[0])
        elif takes_back and match["commits"]:
            yield from (Revert(commit=sha) for sha in re.findall(_ANY_SHA, match["commits"]))
        elif takes_back:
            for named in re.finditer(_REQUEST, match["requests"]):
                yield Revert(request=named["request"], project=named["project"])


def _title(message: str) -> str:
    """All up to the first empty line, in one line."""
    lines = (line.strip() for line in message.strip().split("\n"))
    return " ".join(itertools.takewhile(bool, lines))


def _unix(message: str) -> str:
    return message.replace("\r\n", "\n")
