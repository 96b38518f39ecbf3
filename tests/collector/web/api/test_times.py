"""Times outside and inside."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm_collector.web.api.times import read_time, write_time

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01", date(1970, 1, 1)),
        ("1970-01-02T00:00:00Z", 86400 * SECOND),
        ("1970-01-01t00:00:01z", SECOND),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1970-01-01T00:00:00.5Z", SECOND // 2),
        ("1970-01-01T00:00:00.123456789Z", 123456789),
        ("1970-01-01T00:00:00.1234567891Z", 123456789),
        ("2026-05-01T08:00:00+02:00", 1777615200 * SECOND),
    ],
)
def test_a_time_is_read_to_the_nanosecond_and_a_date_as_one(text: str, time_ns: int | date) -> None:
    assert read_time(text) == time_ns


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026", "2026-13-01", "2026-02-30", "2026-05-01T08:00:00", "2026-05-01T25:00:00Z",
     "2026-05-01T08:00:00+99:00", "1969-12-31", "2262-01-01", "0001-01-01T00:00:00+23:00", "1777615200"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}'".replace("+", r"\+")):
        read_time(text)


def test_a_plus_that_a_url_has_eaten_is_pointed_out() -> None:
    with pytest.raises(ValueError, match="%2B"):
        read_time("2026-05-01T08:00:00 02:00")


@given(st.integers(0, 9_214_646_399 * SECOND))
def test_what_is_written_reads_as_the_same(time_ns: int) -> None:
    assert read_time(write_time(time_ns)) == time_ns


def test_a_time_has_no_more_digits_than_it_needs() -> None:
    assert write_time(0) == "1970-01-01T00:00:00Z"
    assert write_time(1_500_000_000) == "1970-01-01T00:00:01.5Z"
