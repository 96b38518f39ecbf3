"""Figures step by step over the window."""

from collections.abc import Sequence
from typing import Any

from otel_vsm import human
from otel_vsm_collector.facts.selection import DAY_NS
from otel_vsm_collector.facts.zones import Step
from otel_vsm_collector.web.api import distribution as api_distribution
from otel_vsm_collector.web.api.distribution import DistributionQuery
from otel_vsm_collector.web.api.figures import Steps
from otel_vsm_collector.web.pages import charts
from otel_vsm_collector.web.pages.frame import View

_MOST_DAYS, _MOST_WEEKS = 14, 26
_LONGEST_DAYS = 30 * 365
"""As many months are no more steps than a series may have."""
_SHOWN = {"half within": "p50", "3 of 4 within": "p75", "9 of 10 within": "p90"}


def query(view: View[Any]) -> Steps:
    """The steps that the window is shown in: a dozen, more or less; of a very long one the last years."""
    steps = view.ask(Steps, step=step(view))
    latest = view.selection.to_ns - _LONGEST_DAYS * DAY_NS
    return steps.model_copy(update={"from_": max(view.selection.from_ns, latest)})


def step(view: View[Any]) -> Step:
    days = view.selection.days
    return "day" if days <= _MOST_DAYS else "week" if days <= 7 * _MOST_WEEKS else "month"


def durations(steps: Sequence[Any], figure: str) -> charts.Lines:
    """The quantiles of a duration, step by step."""
    series = {name: [one[figure][quantile] for one in steps] for name, quantile in _SHOWN.items()}
    return charts.lines(series, [label(one) for one in steps], human.duration)


def label(one: Any) -> str:
    """The day that a step begins on, as its time zone has it."""
    return str(one["window"]["from"])[5:10]


def distribution(view: View[Any], figure: str) -> charts.Bars:
    """How many of the values behind a duration lie in which range."""
    ranges = api_distribution.distribution(view.reader, view.ask(DistributionQuery, figure=figure)).ranges
    numbers = []
    for one in ranges:
        low, high = (None if end is None else human.duration(end) for end in (one.from_s, one.to_s))
        short = f"< {high}" if high else f"≥ {low}"
        said = f"from {low} on" if high is None else f"{low} to {high}" if one.from_s else f"below {high}"
        numbers.append((short, one.rows, f"{said}: {one.rows}"))
    return charts.bars(numbers)
