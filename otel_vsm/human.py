"""Figures as people write them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from otel_vsm.figures import Figure, Kind
from otel_vsm.semconv import EventName, Statistic

_UNITS_S = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PERIODS = ((1, "day"), (7, "week"), (30, "month"))
_FIRST_COMMIT = "first commit"
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


def starts(value: Any) -> str:
    """What lead times are counted from; where that is not the first commit for all, how many from which."""
    counts: dict[str, int] = value.get("starts", {}) if isinstance(value, Mapping) else {}
    if not counts.keys() - {EventName.CHANGE_FIRST_COMMIT}:
        return _FIRST_COMMIT
    return " or ".join(f"{_start(event)} ({number})" for event, number in counts.items())


def _start(event: str) -> str:
    words = event.removeprefix("change.").replace("_", " ").replace(".", " ")
    return {"span": "earliest span", "opened": "opening", "merged": "merge"}.get(words, words)


def number(figure: Figure, number: float | None) -> str:
    """The number that stands for a figure, as its kind is written."""
    if number is None:
        return UNKNOWN
    if figure.kind is Kind.COUNT:
        # What the title says needs no saying again: `Hand-offs: 3`.
        in_title = figure.title.lower().endswith(f"{figure.noun}s")
        return f"{number:.0f}" if in_title else count(round(number), figure.noun)
    return {Kind.DURATION: duration, Kind.SHARE: share, Kind.RATE: rate}[figure.kind](number)


def value(figure: Figure, value: Any, statistic: str) -> str:
    """A figure's value, as the API has it, in a few words; of a distribution the statistic."""
    is_nothing = figure.kind is Kind.RATE and figure.whole and not figure.count(value)
    return number(figure, None if is_nothing else figure.number(value, statistic))


def behind(figure: Figure, value: Any, noun: str = "") -> str:
    """How much is behind a value that says so."""
    noun = noun or figure.noun
    number = figure.count(value)
    whole = count(number, noun)
    if figure.kind is Kind.SHARE:
        return f"{value[figure.part]} of {whole}"
    if figure.kind is Kind.RATE and number:
        return f"{whole} on {count(value[f'days_with_{figure.whole}'], 'day')}"
    return whole


def beside(figure: Figure, value: Any, statistic: str = Statistic.P50) -> str:
    """The same, with what its note says."""
    if figure.kind is Kind.DURATION:
        note = figure.note.replace(_FIRST_COMMIT, starts(value))
        return f"{'median' if statistic == Statistic.P50 else statistic} {note}, of {behind(figure, value)}"
    if figure.kind is Kind.SHARE:
        return f"{behind(figure, value)} {figure.note}"
    return behind(figure, value, f"{figure.note} {figure.noun}")
