"""Days, weeks and months of time zones whose clocks are changed."""

from datetime import date, datetime
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.zones import Step, before, edges, midnight, offsets

SECOND, HOUR = 10**9, 3600 * 10**9
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo",
         "America/Sao_Paulo", "Atlantic/Azores", "Africa/Monrovia"]  # fmt: skip
moments = st.integers(0, 4_000_000_000).map(lambda second: second * SECOND)


def at(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def local(moment_ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment_ns // SECOND, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("step", "zone", "window", "begins"),
    [
        ("day", "UTC", ("2026-02-27T10:00:00", "2026-03-01T10:00:00"), ["02-27", "02-28", "03-01", "03-02"]),
        # Sunday is the last day of a week.
        ("week", "UTC", ("2026-03-01T23:00:00", "2026-03-02T00:00:01"), ["02-23", "03-02", "03-09"]),
        ("week", "Europe/Berlin", ("2026-03-01T23:00:00", "2026-03-01T23:00:01"), ["03-02", "03-09"]),
        ("month", "UTC", ("2024-01-31T00:00:00", "2024-03-01T00:00:00"), ["01-01", "02-01", "03-01"]),
        ("month", "Europe/Berlin", ("2026-01-31T23:00:00", "2026-02-28T22:59:59"), ["02-01", "03-01"]),
        ("month", "UTC", ("2026-12-31T00:00:00", "2027-01-01T00:00:00"), ["12-01", "01-01"]),
    ],
)
def test_steps_touch_the_window_and_are_whole(
    step: Step, zone: str, window: tuple[str, str], begins: list[str]
) -> None:
    found = edges(step, zone, at(window[0]), at(window[1]), limit=400)
    assert [f"{local(edge, zone):%m-%d}" for edge in found] == begins
    assert all(f"{local(edge, zone):%H:%M:%S}" == "00:00:00" for edge in found)


def test_a_day_is_as_long_as_its_clocks_make_it() -> None:
    spring = edges("day", "Europe/Berlin", at("2026-03-28T12:00:00"), at("2026-03-30T12:00:00"), limit=9)
    autumn = edges("day", "Europe/Berlin", at("2026-10-24T12:00:00"), at("2026-10-26T12:00:00"), limit=9)
    assert [(end - start) // HOUR for start, end in pairwise(spring)] == [24, 23, 24]
    assert [(end - start) // HOUR for start, end in pairwise(autumn)] == [24, 25, 24]


def test_a_day_without_midnight_begins_when_the_clocks_skip_it() -> None:
    """In Brazil, until 2018, the hour after midnight was the one that was skipped."""
    begins = midnight(date(2018, 11, 4), "America/Sao_Paulo")
    assert begins == at("2018-11-04T03:00:00")
    assert f"{local(begins, 'America/Sao_Paulo'):%H:%M}" == "01:00"


def test_a_day_with_two_midnights_begins_at_the_first() -> None:
    """On the Azores, the hour after midnight comes twice in October."""
    begins = midnight(date(2026, 10, 25), "Atlantic/Azores")
    assert begins == at("2026-10-25T00:00:00")


def test_no_more_steps_are_made_than_are_asked_for() -> None:
    assert len(edges("day", "UTC", 0, 4_000 * 24 * HOUR, limit=400)) == 402


@given(st.sampled_from(ZONES), st.sampled_from(get_args(Step)), moments, st.integers(1, 100))
def test_steps_lie_end_to_end_around_the_window(zone: str, step: Step, start: int, days: int) -> None:
    end = start + days * 24 * HOUR
    found = edges(step, zone, start, end, limit=400)
    assert found[0] <= start < found[1]
    assert found[-2] < end <= found[-1]
    earlier = before(found[0], step, zone)
    assert edges(step, zone, earlier, found[0], limit=400) == [earlier, found[0]]


@given(st.sampled_from(ZONES), moments, st.integers(1, 400), st.lists(st.floats(0, 1), min_size=1))
def test_the_clocks_are_known_at_every_moment(zone: str, start: int, days: int, places: list[float]) -> None:
    end = start + days * 24 * HOUR
    found = offsets(zone, start, end)
    for place in places:
        moment = start + int(place * (end - start - 1))
        ahead = [ahead for since, ahead in found if since <= moment][-1]
        told = local(moment, zone).utcoffset()
        assert told is not None
        assert ahead == told.total_seconds() * SECOND


@pytest.mark.parametrize("zone", ZONES)
def test_of_any_window_they_are_the_same_until_they_are_changed(zone: str) -> None:
    """They are a part of what a question is compiled for, which takes longer than to answer it."""
    noon = at("2026-02-03T12:00:00")
    assert offsets(zone, noon, noon + HOUR) == offsets(zone, noon + SECOND, noon + SECOND + HOUR)


def test_days_are_counted_as_the_zone_has_them() -> None:
    """Three deployments around the night in which Berlin's clocks go forward are of two days there."""
    import ibis

    start, end = at("2026-03-27T00:00:00"), at("2026-04-01T00:00:00")
    moments_ns = [at("2026-03-28T22:59:59"), at("2026-03-28T23:00:00"), at("2026-03-29T21:59:59"),
                  at("2026-03-29T22:00:00")]  # fmt: skip
    backend = ibis.duckdb.connect()
    rows = ibis.memtable({"at": moments_ns})
    for zone, days in (("Europe/Berlin", 3), ("UTC", 2)):
        selection = Selection(from_ns=start, to_ns=end, offsets=offsets(zone, start, end))
        assert backend.execute(selection.day(rows["at"]).nunique()) == days
