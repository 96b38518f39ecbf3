"""Figures beside the limits that are declared for them."""

from collections.abc import Mapping
from typing import Any

from otel_vsm.figures import Figure, Group, of
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.facts.selection import Selection

Row = dict[str, Any]


def limits(group: Group, figures: Mapping[str, Any], selection: Selection) -> list[Row]:
    """The limits that are declared for an answer's figures (figure, value, limit, at_least, breached).

    Durations are in seconds, and the statistic is the one that the profile shows."""
    rows = []
    for figure in of(group):
        if (limit := _declared(figure, selection)) is not None:
            value = figure.number(figures[figure.name], selection.profile.statistic)
            breached = value is not None and (value < limit if figure.at_least else value > limit)
            rows.append(
                {
                    "figure": figure.name,
                    "value": value,
                    "limit": limit,
                    "at_least": figure.at_least,
                    "breached": breached,
                }
            )
    return rows


def _declared(figure: Figure, selection: Selection) -> float | None:
    if figure.limit is None:
        return None
    limit = getattr(selection.declared.limits, figure.limit.key)
    return limit.seconds if isinstance(limit, Length) else limit
