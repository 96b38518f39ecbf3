"""What is allowed instead, and what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def allowed(given: object, choices: Iterable[str]) -> str:
    """`allowed are a, b and c`, and the closest of them where one is close."""
    *others, last = choices
    said = f"allowed are {', '.join(others)} and {last}" if others else f"allowed is {last}"
    close = get_close_matches(given, [*others, last], 1) if isinstance(given, str) else ()
    return f"{said}; did you mean {close[0]}?" if close else said
