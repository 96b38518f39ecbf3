"""What is allowed instead, and what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from otel_vsm.text import one_line

MOST_NAMES = 5
"""So many are named where none is close."""


def instead(given: str, names: Iterable[str]) -> str:
    """`did you mean shop or shops?`, or where no name is close, some of those that there are; nothing where
    there are none."""
    every = sorted(names)
    if close := get_close_matches(given, every, 3):
        return f"did you mean {' or '.join(map(one_line, close))}?"
    more = f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
    return f"known are {', '.join(map(one_line, every[:MOST_NAMES]))}{more}" if every else ""


def allowed(given: object, choices: Iterable[str]) -> str:
    """`allowed are a, b and c`, and the closest of them where one is close."""
    *others, last = choices
    said = f"allowed are {', '.join(others)} and {last}" if others else f"allowed is {last}"
    close = get_close_matches(given, [*others, last], 1) if isinstance(given, str) else ()
    return f"{said}; did you mean {close[0]}?" if close else said
