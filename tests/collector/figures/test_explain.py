"""The rows behind a figure are what it is computed from: computed again from them, it is the same."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ibis
import pytest
from world import BEGIN_NS, World

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.views import Book
from otel_vsm_collector.figures.dora import dora
from otel_vsm_collector.figures.explain.figures import EXPLAINED, counts
from otel_vsm_collector.figures.explain.page import page
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.selection import Selection
from otel_vsm_collector.profiles import BUILT_IN, Profile

Row = dict[str, Any]
HOUR, DAY = 3600 * 10**9, 86400 * 10**9
BOOK = Book(
    Declared.model_validate(
        {"profiles": {"strict": {"incident_severities": ["high"], "window_edge": "merged"}}}
    )
)
EVER = Selection(from_ns=BEGIN_NS - 1000 * DAY, to_ns=BEGIN_NS + 1000 * DAY, environment="production")
ASKED = {
    "everything": EVER,
    "a window": replace(EVER, from_ns=BEGIN_NS + 3 * HOUR, to_ns=BEGIN_NS + 5 * HOUR),
    "a service": replace(EVER, service="shop"),
    "any environment": replace(EVER, environment=None),
}


def statistic_again(values: Sequence[float], profile: Profile) -> Row:
    """Count, median and greatest of what counts."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "p50": None, "max": None}
    lower = profile.median == "lower"
    median = statistics.median_low(ordered) if lower else statistics.median(ordered)
    return {"count": len(ordered), "p50": pytest.approx(median), "max": pytest.approx(ordered[-1])}


def again(figure: str, rows: Sequence[Row], profile: Profile) -> Row:
    """What of a figure's value follows from its rows."""
    part, whole = (sum(row[name] for row in rows) for name in ("part", "whole"))
    if figure == "deployment_frequency":
        return {"deployments": sum(row["counted"] for row in rows)}
    if figure in ("change_fail_rate", "deployment_rework_rate"):
        if figure == "change_fail_rate" and profile.fail_rate_per == "deployments_or_one":
            whole = max(whole, 1)
        name = "failed" if figure == "change_fail_rate" else "rework"
        return {name: part, "ratio": pytest.approx(part / whole) if whole else None}
    return statistic_again([row["value"] for row in rows if row["counted"]], profile)


@pytest.mark.parametrize("profile", [*BUILT_IN, "strict"])
def test_a_figure_follows_from_its_rows(profile: str, everything: World) -> None:
    backend = ibis.duckdb.from_connection(everything.engine.connection)  # type: ignore[attr-defined]
    facts = BOOK.facts(profile)
    facts.compute(backend.con)
    seen: set[str] = set()
    for asked, where in ASKED.items():
        selection = replace(where, facts=facts)
        figures = dora(backend, selection)
        for figure in EXPLAINED:
            rows = page(backend, figure, selection, which="all", limit=10_000, after=None)
            expected = again(figure, rows, selection.profile)
            assert {name: figures[figure][name] for name in expected} == expected, (figure, asked)
            assert len({row["id"] for row in rows}) == len(rows), "each row is told apart"
            for row in rows:
                assert row["counted"] or row["reason"], "what is left out says why"
                assert row["reason"] is None or Reason(row["reason"]).sentence
                assert row["value"] is None or math.isfinite(row["value"])
                assert row[row["kind"]]["id"] == row["name"]
            tallied = counts(backend, figure, selection)
            assert sum(row["rows"] for row in tallied) == len(rows)
            seen |= {f"{figure} {row['reason']}" for row in rows}
    assert len(seen) > 15, "the scenarios leave something out for many reasons"


def test_pages_are_parts_of_the_whole(everything: World) -> None:
    backend = ibis.duckdb.from_connection(everything.engine.connection)  # type: ignore[attr-defined]
    whole = page(backend, "change_fail_rate", EVER, which="left_out", limit=10_000, after=None)
    assert len(whole) > 10
    found: list[Row] = []
    while part := page(
        backend,
        "change_fail_rate",
        EVER,
        which="left_out",
        limit=7,
        after=(found[-1]["at"], found[-1]["id"]) if found else None,
    ):
        found += part
    assert found == whole
