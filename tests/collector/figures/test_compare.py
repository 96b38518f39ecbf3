"""Where two profiles differ, row by row, and which setting is responsible."""

from dataclasses import replace
from typing import Any

import ibis
import pytest

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.facts.by_profile import Book
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.compare import differences, tally
from otel_vsm_collector.figures.explain.figures import Figure
from otel_vsm_collector.figures.explain.page import page
from scenarios.offsets import BEGIN_NS
from scenarios.world import World

DAY = 86400 * 10**9
BOOK = Book(Declared())
Row = dict[str, Any]


@pytest.fixture
def backend(everything: World) -> Any:
    return ibis.duckdb.from_connection(everything.engine.connection)  # type: ignore[attr-defined]


def asked(backend: Any, profile: str | None = None, **settings: Any) -> Selection:
    """Everything, by a profile with other settings."""
    facts = BOOK.facts_by(BOOK.declared.profile_named(profile).model_copy(update=settings))
    facts.compute(backend.con)
    window = {"from_ns": BEGIN_NS - 1000 * DAY, "to_ns": BEGIN_NS + 1000 * DAY}
    return Selection(**window, environment="production", facts=facts)


def alone(backend: Any, ours: Selection, theirs: Selection, *settings: str) -> dict[str, Selection]:
    return {name: replace(asked(backend, None, **{name: getattr(theirs.profile, name)})) for name in settings}


def counted(backend: Any, figure: Figure, selection: Selection) -> dict[str, tuple[Any, ...]]:
    rows = page(backend, figure, selection, which="counted", limit=10_000, after=None)
    return {f"{row['kind']} {row['name']}": (row["part"], row["whole"], row["value"]) for row in rows}


def test_every_row_that_counts_otherwise_is_found_and_put_down_to_a_setting(backend: Any) -> None:
    ours, theirs = (
        asked(backend),
        asked(backend, None, incident_window_s=3600.0, failure_methods=("rollback",)),
    )
    by_setting = alone(backend, ours, theirs, "incident_window_s", "failure_methods")
    figure: Figure = "change_fail_rate"
    found = differences(backend, figure, ours, theirs, by_setting, limit=10_000, after=None)
    by_ours, by_theirs = (counted(backend, figure, one) for one in (ours, theirs))
    expected = {name for name in {*by_ours, *by_theirs} if by_ours.get(name) != by_theirs.get(name)}
    assert {row["id"] for row in found} == expected
    assert expected
    for row in found:
        flips = [
            name
            for name, selection in by_setting.items()
            if counted(backend, figure, selection).get(row["id"]) == by_theirs.get(row["id"])
        ]
        assert row["settings"] == flips
    tallied = tally(backend, figure, ours, theirs, by_setting)
    assert tallied["rows"] == len(found)
    assert tallied["by_setting"] == {
        name: sum(name in row["settings"] for row in found) for name in by_setting
    }
    assert tallied["several_together"] == sum(not row["settings"] for row in found)


def test_a_lead_time_with_another_value_is_a_difference(backend: Any) -> None:
    ours, theirs = asked(backend), asked(backend, None, lead_time_start=("change.merged",))
    found = differences(
        backend, "change_lead_time", ours, theirs, alone(backend, ours, theirs, "lead_time_start"),
        limit=10_000, after=None,
    )  # fmt: skip
    values = [(row["ours_value"], row["theirs_value"]) for row in found]
    assert any(one is not None and other is not None and one > other for one, other in values)
    assert any(other is None for _, other in values), "not merged: no lead time"
    assert all(row["settings"] == ["lead_time_start"] for row in found)


def test_a_profile_differs_from_itself_in_nothing(backend: Any) -> None:
    ours = asked(backend, "devlake")
    assert differences(backend, "change_lead_time", ours, ours, {}, limit=9, after=None) == []
    assert tally(backend, "change_lead_time", ours, ours, {})["rows"] == 0
