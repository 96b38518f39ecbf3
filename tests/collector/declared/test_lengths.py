"""Lengths of time as people write them."""

import pytest

from otel_vsm_collector.declared.lengths import Length


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15min", 900),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1mo", 2_592_000),
        ("36500d", 3_153_600_000),
    ],
)
def test_a_length_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert Length(text).seconds == seconds
    assert Length(text).ns == seconds * 10**9


def test_a_length_stays_as_it_was_written() -> None:
    assert f"{Length('1w')}" == "1w"


@pytest.mark.parametrize(
    "text", ["", "0d", "-1d", "1.5d", "30", "30Mo", "1y", "٣d", "9999999d", " 1d", "1d\n", 30, None]
)
def test_another_length_is_refused_with_what_is_allowed(text: object) -> None:
    with pytest.raises(ValueError, match="such as 30s, 15min, 12h, 30d, 2w or 1mo"):
        Length(text)


@pytest.mark.parametrize("text", ["1m", "1M", "1 m"])
def test_minutes_are_not_taken_for_months(text: str) -> None:
    with pytest.raises(ValueError, match="may mean minutes or months; write 1min, or 1mo"):
        Length(text)


@pytest.mark.parametrize("text", ["36501d", "999999h", "999999w"])
def test_more_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        Length(text)
