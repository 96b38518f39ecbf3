"""What is said of a distribution."""

from collections.abc import Iterable
from typing import Any

QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


def statistic(values: Iterable[float | None], median: str = "interpolated") -> dict[str, Any]:
    """Count, mean, quantiles and maximum of the values that are known."""
    known = sorted(value for value in values if value is not None)
    parts: dict[str, float | None] = {name: quantile(known, share) for name, share in QUANTILES.items()}
    if known and median == "lower":
        parts["p50"] = known[(len(known) - 1) // 2]
    return {
        "unit": "s",
        "count": len(known),
        "mean": mean(known),
        **parts,
        "max": known[-1] if known else None,
    }


def quantile(ordered: list[float], share: float) -> float | None:
    """The value that so much of the distribution lies below, between the two nearest where it has to be."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
