"""What this program says to the user beside what was asked for: one line on stderr at a time."""

import sys
from contextlib import suppress


def warn(text: str) -> None:
    """One line on stderr; nothing where there is no stderr to write to."""
    line = "".join(character if character.isprintable() else " " for character in text)
    with suppress(OSError, ValueError, AttributeError):
        print(f"otel-vsm: warning: {line}", file=sys.stderr, flush=True)


def count_of_spans(count: int) -> str:
    return f"{count:,} span" if count == 1 else f"{count:,} spans"
