"""Where two profiles differ, row by row, and which setting is responsible."""

from typing import Any

import pytest

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.explain.compare import differences, tally
from otel_vsm_collector.figures.explain.page import page
from scenarios import product
from scenarios.offsets import moment_ns
from scenarios.question import Question
from scenarios.world import World

EVER = Question(from_ns=moment_ns("-1000d"), to_ns=moment_ns("1000d"))
Row = dict[str, Any]


@pytest.fixture(scope="module")
def reader(everything: World) -> Reader:
    return product.reader(product.facts({}), everything)


def asked(reader: Reader, profile: str | None = None, **settings: Any) -> Selection:
    """Everything, by a profile with other settings."""
    other = reader.facts.declared.profile_named(profile).model_copy(update=settings)
    return product.selection(EVER, reader.facts.by(other))


def alone(reader: Reader, theirs: Selection, *settings: str) -> dict[str, Selection]:
    return {name: asked(reader, None, **{name: getattr(theirs.profile, name)}) for name in settings}


def counted(reader: Reader, figure: str, selection: Selection) -> dict[str, tuple[Any, ...]]:
    rows = page(reader, figure, selection, which="counted", limit=10_000, after=None)
    return {f"{row['kind']} {row['name']}": (row["part"], row["whole"], row["value"]) for row in rows}


def test_every_row_that_counts_otherwise_is_found_and_put_down_to_a_setting(reader: Reader) -> None:
    ours, theirs = (
        asked(reader),
        asked(reader, None, incident_window_s=3600.0, failure_methods=("rollback",)),
    )
    by_setting = alone(reader, theirs, "incident_window_s", "failure_methods")
    figure: str = "change_fail_rate"
    found = differences(reader, figure, ours, theirs, by_setting, limit=10_000, after=None)
    by_ours, by_theirs = (counted(reader, figure, one) for one in (ours, theirs))
    expected = {name for name in {*by_ours, *by_theirs} if by_ours.get(name) != by_theirs.get(name)}
    assert {row["id"] for row in found} == expected
    assert expected
    for row in found:
        flips = [
            name
            for name, selection in by_setting.items()
            if counted(reader, figure, selection).get(row["id"]) == by_theirs.get(row["id"])
        ]
        assert row["settings"] == flips
    tallied = tally(reader, figure, ours, theirs, by_setting)
    assert tallied["rows"] == len(found)
    assert tallied["by_setting"] == {
        name: sum(name in row["settings"] for row in found) for name in by_setting
    }
    assert tallied["several_together"] == sum(not row["settings"] for row in found)


def test_a_lead_time_with_another_value_is_a_difference(reader: Reader) -> None:
    ours, theirs = asked(reader), asked(reader, None, lead_time_start=("change.merged",))
    found = differences(
        reader, "change_lead_time", ours, theirs, alone(reader, theirs, "lead_time_start"),
        limit=10_000, after=None,
    )  # fmt: skip
    values = [(row["ours_value"], row["theirs_value"]) for row in found]
    assert any(one is not None and other is not None and one > other for one, other in values)
    assert any(other is None for _, other in values), "not merged: no lead time"
    assert all(row["settings"] == ["lead_time_start"] for row in found)


def test_a_profile_differs_from_itself_in_nothing(reader: Reader) -> None:
    ours = asked(reader, "devlake")
    assert differences(reader, "change_lead_time", ours, ours, {}, limit=9, after=None) == []
    assert tally(reader, "change_lead_time", ours, ours, {})["rows"] == 0
