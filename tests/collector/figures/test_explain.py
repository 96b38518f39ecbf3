"""The rows behind a figure are what it is computed from: computed again from them, it is the same."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from otel_vsm_collector.declared.profiles import BUILT_IN, Profile
from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.counts import counts
from otel_vsm_collector.figures.explain.page import page
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.groups import dora, flow
from otel_vsm_collector.figures.registry import EXPLAINED
from scenarios import product
from scenarios.events import spans
from scenarios.offsets import moment_ns
from scenarios.question import Question
from scenarios.world import World

Row = dict[str, Any]
PROFILES = {"strict": {"incident_severities": ["high"], "window_edge": "merged"}}
SETTINGS = {
    "profiles": PROFILES,
    "stages": {"ui smoke": {"quarantined": True}},
}
EVER = Question(from_ns=moment_ns("-1000d"), to_ns=moment_ns("1000d"))
OTHERS = [name for name in (*BUILT_IN, *PROFILES) if name != "dora"]
ASKED = {
    "everything": EVER,
    "a window": replace(EVER, from_ns=moment_ns("3h"), to_ns=moment_ns("5h")),
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


SHARES = {
    "change_fail_rate": ("failed", None),
    "deployment_rework_rate": ("rework", "deployments"),
    "rework": ("rework_runs", "executions"),
    "pipeline": ("succeeded", "pipelines"),
    "rollback": ("rollbacks", "deployments"),
}
"""How the answer calls what is above and below the line; some profiles call it after what they count."""


def again(figure: str, rows: Sequence[Row], selection: Selection) -> Any:
    """What of a figure's value follows from its rows."""
    profile = selection.profile
    counted = [row for row in rows if row["counted"]]
    if figure == "wip":
        return len(counted)
    if figure == "throughput_per_day":
        return len(counted) / selection.days
    if figure == "flow_efficiency":
        active, flow = (sum(row[name] for row in counted) for name in ("value", "of_s"))
        return pytest.approx(active / flow) if flow else None
    if figure == "approvals":
        return approvals_again(counted, profile)
    if figure == "handoffs":
        return handoffs_again(counted, profile)
    part, whole = (sum(row[name] for row in rows) for name in ("part", "whole"))
    if figure == "deployment_frequency":
        return {"deployments": sum(row["counted"] for row in rows)}
    if figure in SHARES:
        above, below = SHARES[figure]
        named = {above: part} | ({below: whole} if below else {})
        if figure == "change_fail_rate" and profile.fail_rate_per == "deployments_or_one":
            whole = max(whole, 1)
        return named | {"ratio": pytest.approx(part / whole) if whole else None}
    return statistic_again([row["value"] for row in counted], profile)


def approvals_again(rows: Sequence[Row], profile: Profile) -> list[Row]:
    """By gate and kind of actor."""

    def gate_of(row: Row) -> tuple[str, str]:
        return row["approval"]["gate"] or "", row["approval"]["actor_type"] or ""

    found = []
    for key, group in groupby(sorted(rows, key=gate_of), gate_of):
        of_gate = list(group)
        methods = [row["method"] for row in of_gate]
        waits = [
            row["value"]
            for row in of_gate
            if row["method"] != "approval.requested" and row["value"] is not None
        ]
        found.append(
            {
                "gate": key[0] or None,
                "actor_type": key[1] or None,
                "granted": methods.count("approval.granted"),
                "denied": methods.count("approval.denied"),
                "pending": methods.count("approval.requested"),
                "breaches": sum(row["part"] for row in of_gate),
                "wait_time": statistic_again(waits, profile),
            }
        )
    return found


def handoffs_again(rows: Sequence[Row], profile: Profile) -> Row:
    """How many, and between whom."""
    pairs = Counter((row["run"]["from_team"], row["run"]["team"]) for row in rows)
    return {
        "count": len(rows),
        "wait_time": statistic_again([row["value"] for row in rows], profile),
        "pairs": [
            {"from_team": pair[0], "to_team": pair[1], "count": number}
            for pair, number in sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
        ],
    }


def told(found: Any, expected: Any) -> Any:
    """Of what was found the parts that are expected."""
    if isinstance(expected, dict):
        return {name: told(found[name], part) for name, part in expected.items()}
    if isinstance(expected, list) and len(found) == len(expected):
        return [told(one, part) for one, part in zip(found, expected, strict=True)]
    return found


@pytest.fixture(scope="module")
def reader(everything: World) -> Reader:
    return product.reader(product.facts(SETTINGS), everything)


@pytest.mark.parametrize(
    "profile", ["dora", *(pytest.param(name, marks=pytest.mark.combinations) for name in OTHERS)]
)
def test_a_figure_follows_from_its_rows(profile: str, reader: Reader) -> None:
    facts = reader.facts.named(profile)
    seen: set[str] = set()
    for asked, question in ASKED.items():
        selection = product.selection(question, facts)
        figures = dora(reader, selection) | flow(reader, selection)
        for figure in EXPLAINED:
            rows = page(reader, figure, selection, which="all", limit=10_000, after=None)
            expected = again(figure, rows, selection)
            assert told(figures[figure], expected) == expected, (figure, asked)
            assert len({row["id"] for row in rows}) == len(rows), "each row is told apart"
            for row in rows:
                assert row["counted"] or row["reason"], "what is left out says why"
                assert row["reason"] is None or Reason(row["reason"]).sentence
                assert row["value"] is None or math.isfinite(row["value"])
                assert row[row["kind"]]["id"] == row["name"]
            tallied = counts(reader, figure, selection)
            assert sum(row["rows"] for row in tallied) == len(rows)
            seen |= {f"{figure} {row['reason']}" for row in rows}
    assert len(seen) > 15, "the scenarios leave something out for many reasons"


@pytest.mark.parametrize("profile", ["devlake", "strict"])
def test_a_figure_of_flow_follows_no_setting_that_it_does_not_name(profile: str, reader: Reader) -> None:
    default, other = (reader.facts.declared.profile_named(name) for name in (None, profile))
    for figure in EXPLAINED:
        if EXPLAINED[figure].figure.group != "flow":
            continue
        named = {name: getattr(other, name) for name in EXPLAINED[figure].settings_of(other)}
        alike = default.model_copy(update=named)
        found = []
        for one in (other, alike):
            selection = product.selection(EVER, reader.facts.by(one))
            found.append(page(reader, figure, selection, which="counted", limit=10_000, after=None))
        rows = [[(row["id"], row["part"], row["value"], row["of_s"]) for row in side] for side in found]
        assert rows[0] == rows[1], figure


def test_pages_are_parts_of_the_whole(reader: Reader) -> None:
    selection = product.selection(EVER, reader.facts)
    whole = page(reader, "change_fail_rate", selection, which="left_out", limit=10_000, after=None)
    assert len(whole) > 10
    found: list[Row] = []
    while part := page(
        reader,
        "change_fail_rate",
        selection,
        which="left_out",
        limit=7,
        after=(found[-1]["at"], found[-1]["id"]) if found else None,
    ):
        found += part
    assert found == whole


def test_what_a_first_deployment_stood_on_says_why_it_is_in_no_lead_time(duckdb_world: World) -> None:
    duckdb_world.clear()
    merged = [{"at": "1h", "change": number, "event": "change.merged"} for number in (1, 2, 3)]
    duckdb_world.take(
        spans(
            [
                *merged,
                {"at": "2h", "change": 3, "deploy": "D1", "ancestors": [2, 1]},
                {"at": "3h", "change": 2, "deploy": "D2", "ancestors": [1]},
            ]
        )
    )
    reader = product.reader(product.facts({}), duckdb_world)
    selection = product.selection(EVER, reader.facts)
    rows = page(reader, "change_lead_time", selection, which="left_out", limit=10, after=None)
    shown = {(row["change"]["id"][-2:], row["deployment"]["id"]): row["reason"] for row in rows}
    assert shown == {
        ("#1", "D1"): "first_deployment",
        ("#2", "D1"): "first_deployment",
        ("#2", "D2"): "not_first_delivery",
    }
