"""Text for a terminal: aligned tables, paragraphs, names that cannot do harm."""

import textwrap
from collections.abc import Iterator, Sequence

WIDTH = 100
_BETWEEN = "  "
_SHORTEST = 12

Row = tuple[str, ...]


def table(heads: Row, rows: Sequence[Row], right: Sequence[int] = ()) -> Iterator[str]:
    """Aligned text; the columns in `right` are numbers, which stand under each other's end."""
    whole = [tuple(map(printable, row)) for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for row in whole:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield _BETWEEN.join(cells).rstrip()


def fitting(heads: Row, rows: Sequence[Row]) -> Iterator[str]:
    """The same, where the first column holds ids, shortened so that all of it fits."""
    rest = zip(*(row[1:] for row in (heads, *rows)), strict=True)
    left = WIDTH - sum(max(map(len, column)) + len(_BETWEEN) for column in rest)
    return table(heads, [(shortened(row[0], max(left, _SHORTEST)), *row[1:]) for row in rows])


def paragraph(text: str) -> Iterator[str]:
    """Text in lines that fit."""
    yield from textwrap.wrap(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def printable(text: str) -> str:
    """Without what would move a terminal's cursor: names come from whoever may send telemetry."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shortened(name: str, length: int) -> str:
    """A name in so many characters: a commit as git shortens it, of the rest the end, which tells more."""
    head, at, commit = name.rpartition("@")
    if at and len(commit) in (40, 64):
        name = f"{head}@{commit[:8]}"
    return name if len(name) <= length else "…" + name[1 - length :]
