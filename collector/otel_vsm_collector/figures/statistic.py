"""What is said of a distribution."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.derive.rules.stages import NANOSECONDS

QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


_EXACT = "decimal(38, 12)"


def elapsed_s(start: ir.IntegerColumn, end: ir.IntegerColumn) -> ir.FloatingColumn:
    """Seconds from one moment to another; null where one is not known, and where the clocks disagree."""
    return ifelse(end >= start, (end - start) / NANOSECONDS, ibis.null("float64"))


def total(values: ir.NumericColumn) -> ir.FloatingScalar:
    """Their sum, the same in whatever order they come: that of floating point numbers differs in its last
    digits."""
    return values.cast(_EXACT).sum().cast("float64")


def statistic(
    values: ir.NumericColumn, name: str, *, median: Literal["interpolated", "lower"] = "interpolated"
) -> dict[str, ir.Scalar]:
    """The parts of the statistic called `name`, to be computed in one aggregation; nulls count nowhere.

    Quantiles are of all values, interpolated between the two nearest; a lower median is the smaller of the
    two in the middle.
    """
    parts = {
        f"{name}_count": values.count(),
        f"{name}_mean": total(values) / values.count().nullif(0),
        # All at once: the values are put in order only one time.
        f"{name}_quantiles": values.quantile(list(QUANTILES.values())),
        f"{name}_max": values.max(),
    }
    if median == "lower":
        ordered = values.collect(where=values.notnull()).sort()
        parts[f"{name}_p50"] = ordered[(values.count() - 1) // 2]
    return parts


def with_service_shares(rows: ir.Table, values: str, by: Sequence[ir.Value]) -> ir.Table:
    """The rows with `share_s`: what each of the `values` has of the mean of its service, among the rows that
    `by` does not tell apart."""
    alike = rows[values].count().over(ibis.window(group_by=[*by, _service(rows)]))
    return rows.mutate(share_s=rows[values] / alike)


def mean_of_services(rows: ir.Table, values: str) -> ir.FloatingScalar:
    """The mean of the services' means of rows `with_service_shares`."""
    return total(rows.share_s) / _service(rows).nunique(where=rows[values].notnull()).nullif(0)


def _service(rows: ir.Table) -> ir.StringValue:
    # Those of no service are together.
    return rows.service.fill_null("")


def distribution(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The statistic `name` out of an aggregated row, in the API's shape; a count of 0 and nulls where nothing
    was counted."""
    count = row.get(f"{name}_count") or 0
    quantiles = row[f"{name}_quantiles"] if count else [None] * len(QUANTILES)
    parts = {
        "mean": row.get(f"{name}_mean"),
        **dict(zip(QUANTILES, quantiles, strict=True)),
        "max": row.get(f"{name}_max"),
    }
    if count and f"{name}_p50" in row:
        parts["p50"] = row[f"{name}_p50"]
    return {"unit": "s", "count": count} | parts


def ratio(part: float | None, whole: float | None) -> float | None:
    """A share of what there is; None of nothing."""
    return (part or 0) / whole if whole else None
