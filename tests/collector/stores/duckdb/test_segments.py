"""No segment is missing that holds a value, and what is left out is what holds none."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm_collector.stores.duckdb.segments import SegmentIndex

values = st.lists(st.integers(0, 30), max_size=12)
ALL = 2**48 - 1


def hashes(of: list[int]) -> np.ndarray:
    # From both ends of what 48 bits can hold.
    return np.array([value if value % 2 else ALL - value for value in of], dtype=np.uint64)


def index_of(segments: list[list[int]]) -> SegmentIndex:
    """The first segment ends at 9, the next at 19, and so on."""
    index = SegmentIndex()
    for number, held in enumerate(segments):
        index.add(10 * number + 9, hashes(held))
    return index


def positions(ranges: list[tuple[int, int]]) -> list[int]:
    return [position for first, last in ranges for position in range(first, last + 1)]


@given(st.lists(values, max_size=20), values)
def test_segments_that_hold_a_value_are_named_and_no_others(
    segments: list[list[int]], asked: list[int]
) -> None:
    ranges = index_of(segments).of(hashes(asked))
    holding = [number for number, held in enumerate(segments) if set(held) & set(asked)]
    assert positions(ranges) == [10 * number + offset for number in holding for offset in range(10)]
    assert all(second > first + 1 for (_, first), (second, _) in pairwise(ranges))


@given(st.lists(values, max_size=20), values, st.integers(0, 220))
def test_what_is_taken_back_is_as_if_it_had_not_been_added(
    segments: list[list[int]], asked: list[int], position: int
) -> None:
    index = index_of(segments)
    index.forget(position)
    left = segments[: position // 10]
    assert index.end == index_of(left).end
    assert index.of(hashes(asked)) == index_of(left).of(hashes(asked))
    # And told again it is there again.
    for number in range(len(left), len(segments)):
        index.add(10 * number + 9, hashes(segments[number]))
    assert index.of(hashes(asked)) == index_of(segments).of(hashes(asked))
