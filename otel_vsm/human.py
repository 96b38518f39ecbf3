"""Figures as people write them."""

from itertools import pairwise

_UNITS_S = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PERIODS = ((1, "day"), (7, "week"), (30, "month"))
UNKNOWN = "–"
"""What stands where there is nothing to say."""


def duration(seconds: float | None) -> str:
    """The two largest units, such as `2 d 4 h`, or one from ten of it on: `35 min`."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    for (large_s, large), (small_s, small) in pairwise(_UNITS_S):
        # Rounded before it is split, so that 59.6 min are 1 h and not 60 min.
        rounded = round(seconds / small_s) * small_s
        if rounded >= large_s:
            whole, rest = divmod(rounded, large_s)
            if whole >= 10:
                return f"{round(seconds / large_s)} {large}"
            return f"{whole} {large}" + (f" {rest // small_s} {small}" if rest else "")
    return f"{round(seconds)} s"


def share(ratio: float | None) -> str:
    """A ratio in percent, with a tenth where that says more."""
    if ratio is None:
        return UNKNOWN
    return f"{ratio * 100:.1f}".removesuffix(".0") + " %"


def rate(per_day: float) -> str:
    """How often, by the smallest of day, week and month (30 days) in which it happens at least once."""
    days, unit = next(((days, unit) for days, unit in _PERIODS if per_day * days >= 1), _PERIODS[-1])
    return f"{per_day * days:.1f}".removesuffix(".0") + f" per {unit}"


def count(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", " ")
