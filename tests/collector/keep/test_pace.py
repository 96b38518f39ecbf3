"""When deriving is due."""

import pytest

from otel_vsm_collector.keep.pace import GATHER_S, GATHER_SPANS, REST, Pace


def test_a_reader_who_waits_is_served_at_once() -> None:
    pace = Pace()
    pace.ran(0.0, 100.0)
    assert pace.due_in(100.0, since=100.0, spans=1, asked=True) == 0.0


def test_many_spans_are_derived_at_once() -> None:
    assert Pace().due_in(5.0, since=5.0, spans=GATHER_SPANS, asked=False) == 0.0


def test_few_spans_gather() -> None:
    assert Pace().due_in(5.25, since=5.0, spans=1, asked=False) == pytest.approx(GATHER_S - 0.25)


def test_after_a_long_run_comes_a_long_rest() -> None:
    pace = Pace()
    pace.ran(10.0, 12.0)
    assert pace.due_in(13.0, since=10.0, spans=1, asked=False) == pytest.approx(12.0 + REST * 2.0 - 13.0)
    assert pace.due_in(12.0 + REST * 2.0, since=10.0, spans=1, asked=False) <= 0
