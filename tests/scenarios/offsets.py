"""Times as offsets from the beginning of a scenario."""

import re

BEGIN_NS = 1_767_225_600 * 10**9
"""2026-01-01T00:00:00Z."""
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def offset_ns(text: str | int) -> int:
    """The nanoseconds of an offset such as `2d6h` or `-30m`. Raises ValueError where it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", str(text))
    if not parts or "".join(a + b for a, b in parts) != str(text).removeprefix("-"):
        raise ValueError(f"{text!r} is no offset; write days, hours, minutes and seconds, as in 2d6h")
    size = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return int(size * 10**9) * (-1 if str(text).startswith("-") else 1)


def moment_ns(text: str | int) -> int:
    """Nanoseconds since the epoch of an offset."""
    return BEGIN_NS + offset_ns(text)
