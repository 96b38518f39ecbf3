"""What is said of a distribution."""

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


def statistic(values: ir.NumericColumn, name: str) -> dict[str, ir.Scalar]:
    """The parts of the statistic called `name`, to be computed in one aggregation; nulls count nowhere.

    Quantiles are of all values, interpolated between the two nearest.
    """
    return {
        f"{name}_count": values.count(),
        f"{name}_mean": values.mean(),
        **{f"{name}_{part}": values.quantile(ibis.literal(share)) for part, share in QUANTILES.items()},
        f"{name}_max": values.max(),
    }


def spelled(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The statistic `name` out of an aggregated row; a count of 0 and nulls where nothing was counted."""
    rest = ("mean", *QUANTILES, "max")
    count = row.get(f"{name}_count") or 0
    return {"unit": "s", "count": count} | {part: row.get(f"{name}_{part}") for part in rest}
