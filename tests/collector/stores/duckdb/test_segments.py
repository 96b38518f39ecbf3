"""No stretch is missing that holds a value, and what is left out is what holds none."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm_collector.stores.duckdb.segments import Whereabouts

values = st.lists(st.integers(0, 30), max_size=12)
ALL = 2**48 - 1


def hashes(of: list[int]) -> np.ndarray:
    # From both ends of what 48 bits can hold.
    return np.array([value if value % 2 else ALL - value for value in of], dtype=np.uint64)


def told(stretches: list[list[int]]) -> Whereabouts:
    """The first stretch ends at 9, the next at 19, and so on."""
    whereabouts = Whereabouts()
    for number, held in enumerate(stretches):
        whereabouts.add(10 * number + 9, hashes(held))
    return whereabouts


def positions(ranges: list[tuple[int, int]]) -> list[int]:
    return [position for first, last in ranges for position in range(first, last + 1)]


@given(st.lists(values, max_size=20), values)
def test_stretches_that_hold_a_value_are_named_and_no_others(
    stretches: list[list[int]], asked: list[int]
) -> None:
    found = told(stretches).of(hashes(asked))
    holding = [number for number, held in enumerate(stretches) if set(held) & set(asked)]
    assert positions(found) == [10 * number + place for number in holding for place in range(10)]
    assert all(second > first + 1 for (_, first), (second, _) in pairwise(found))


@given(st.lists(values, max_size=20), values, st.integers(0, 220))
def test_what_is_taken_back_is_as_if_it_had_not_been_told(
    stretches: list[list[int]], asked: list[int], position: int
) -> None:
    whereabouts = told(stretches)
    whereabouts.forget(position)
    left = stretches[: position // 10]
    assert whereabouts.end == told(left).end
    assert whereabouts.of(hashes(asked)) == told(left).of(hashes(asked))
    # And told again it is there again.
    for number in range(len(left), len(stretches)):
        whereabouts.add(10 * number + 9, hashes(stretches[number]))
    assert whereabouts.of(hashes(asked)) == told(stretches).of(hashes(asked))
