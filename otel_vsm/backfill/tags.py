"""Tags: which of them were deployed, and in which order."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from itertools import groupby

# What follows the word tells it from another that begins like it, and from a hash: 1.0-macos, 1.0-a1b2c3d.
_PRE_RELEASE = re.compile(
    r"(?:.*[@/])?v?\d+(?:[._-]\d+)*[._+-]*"
    r"(?:a|alpha|b|beta|c|rc|pre|preview|dev|snapshot|m|milestone|canary|next|nightly)"
    r"\d*(?![0-9a-z])",
    re.IGNORECASE,
)
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag on a commit. `at_s` is the tagger's date, or the committer's where nobody signed the tag."""

    name: str
    commit: str
    """The commit that it is on."""
    revision: str
    """What was deployed: that commit, or of some paths only the last one before it that touches them."""
    at_s: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tags were deployed: those that fit a glob and none of the globs that begin with `!`.

    Without a glob that begins otherwise, all but those of pre-releases.
    """

    globs: Sequence[str] = ()

    def __contains__(self, name: str) -> bool:
        return self._is_allowed(name) and not (self._is_default and is_pre_release(name)) and self._fits(name)

    def leaves_out(self, name: str) -> bool:
        """Whether a tag would count if it were not a pre-release's."""
        return self._is_allowed(name) and self._is_default and is_pre_release(name)

    @property
    def _is_default(self) -> bool:
        return all(glob.startswith("!") for glob in self.globs)

    def _fits(self, name: str) -> bool:
        return self._is_default or any(
            fnmatchcase(name, glob) for glob in self.globs if not glob.startswith("!")
        )

    def _is_allowed(self, name: str) -> bool:
        return not any(glob.startswith("!") and fnmatchcase(name, glob[1:]) for glob in self.globs)


def is_pre_release(name: str) -> bool:
    """Whether a tag is called after a pre-release: `v2.0.0-rc.1`, `shop@1.0b2`, `lib/v3-SNAPSHOT`."""
    return bool(_PRE_RELEASE.match(name))


def in_order(tags: Iterable[Tag], parents: Mapping[str, Sequence[str]]) -> tuple[Tag, ...]:
    """By time; at one time what stands on another comes after it, and else the name decides.

    `parents` are those of every commit that can be reached from the tags.
    """
    ancestry = _Ancestry(parents)
    ordered: list[Tag] = []
    by_time = sorted(tags, key=lambda tag: (tag.at_s, tag.name))
    for _, group in groupby(by_time, key=lambda tag: tag.at_s):
        together = list(group)
        if len({tag.commit for tag in together}) > 1:
            together = list(_by_ancestry(together, ancestry))
        ordered += together
    return tuple(ordered)


class _Ancestry:
    """Which commits stand on which, sorted out when it is first asked for."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._parents = parents

    def below(self, commits: Iterable[str]) -> dict[str, frozenset[str]]:
        """For each of the commits the nearest others that can be reached from it."""
        found: dict[str, frozenset[str]] = dict.fromkeys(commits, frozenset())
        places = [self._places[commit] for commit in found]
        nearest: dict[str, frozenset[str]] = {}
        for commit in self._oldest_first[min(places) : max(places) + 1]:
            below = _NONE.union(*(nearest.get(parent, _NONE) for parent in self._parents[commit]))
            if commit in found:
                found[commit], below = below, frozenset((commit,))
            nearest[commit] = below
        return found

    @cached_property
    def _oldest_first(self) -> list[str]:
        return list(TopologicalSorter(self._parents).static_order())

    @cached_property
    def _places(self) -> dict[str, int]:
        return {commit: place for place, commit in enumerate(self._oldest_first)}


def _by_ancestry(tags: Sequence[Tag], ancestry: _Ancestry) -> Iterator[Tag]:
    on: dict[str, list[Tag]] = {tag.commit: [] for tag in tags}
    for tag in tags:
        on[tag.commit].append(tag)
    sorter = TopologicalSorter(ancestry.below(on))
    sorter.prepare()
    ready: list[tuple[str, Tag]] = []
    while sorter.is_active():
        for commit in sorter.get_ready():
            for tag in on[commit]:
                heappush(ready, (tag.name, tag))
        _, tag = heappop(ready)
        yield tag
        on[tag.commit].remove(tag)
        if not on[tag.commit]:
            sorter.done(tag.commit)
