"""Patterns of names: `*` stands for any characters, also none, `?` for one, and case does not matter.

A pattern becomes a regular expression that Python, DuckDB and ClickHouse read alike, so that a name is
matched the same in all of them. Brackets mean themselves: jobs of a matrix are called `test [3.12]`.
"""

import re
from collections.abc import Iterable
from functools import cache

_WILD = {"*": ".*", "?": "."}


def regex_of(patterns: Iterable[str]) -> str:
    """The regular expression of the names that one of the patterns matches; of none, if there is none."""
    alternatives = "|".join(
        "".join(_WILD.get(character) or re.escape(character) for character in pattern) for pattern in patterns
    )
    # A character that is none is how RE2, which cannot look ahead, says never.
    return f"(?is)^(?:{alternatives})$" if alternatives else r"[^\s\S]"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches the whole name."""
    return _compiled(tuple(patterns)).search(name) is not None


def is_literal(pattern: str) -> bool:
    """Whether it matches one name only."""
    return not _WILD.keys() & set(pattern)


@cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(regex_of(patterns))
