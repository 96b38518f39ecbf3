"""Segments of the journal: in which of them rows were written that hold a value.

What new spans touch was mostly written lately, and is looked up in tables that grow for years. Rows lie in
the order in which they were written, and a database skips what a condition on that order leaves out. So this
remembers, segment by segment, which values its rows hold: by 48 bits of a hash, so that a segment may be
named that does not hold a value, and none that does is missing.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
"""Of 48 bits. Of 32 there would be too few: a hundred thousand values, looked up among ten million, would be
taken for two hundred others, and these are everywhere."""
_NUMBER_BITS = np.uint64(16)
"""65,536 segments are more spans than a ledger in one file can have."""
_NUMBER = np.uint64(2**16 - 1)


class SegmentIndex:
    """Segments follow each other without gaps, and each goes by the last position that is in it."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        # Hash and number of the segment in one integer, in order; layers of falling size, since to put a
        # segment's values into their places among all others would move these each time.
        self._layers: list[npt.NDArray[np.uint64]] = []

    @property
    def end(self) -> int:
        """The last position that is in a segment, −1 before there is one."""
        return self._ends[-1] if self._ends else -1

    def add(self, end: int, hashes: Hashes) -> None:
        """Tells of the segment from the last one's end to this one, and of all values in it."""
        number = np.uint64(len(self._ends))
        self._ends.append(end)
        layer = np.unique(hashes) << _NUMBER_BITS | number
        while self._layers and len(self._layers[-1]) <= 2 * len(layer):
            layer = np.sort(np.concatenate([self._layers.pop(), layer]))
        self._layers.append(layer)

    def forget(self, position: int) -> None:
        """Takes back what was told of a segment that this position or a later one is in."""
        left = sum(end < position for end in self._ends)
        if left < len(self._ends):
            self._ends = self._ends[:left]
            self._layers = [layer[(layer & _NUMBER) < left] for layer in self._layers]

    def of(self, hashes: Hashes) -> list[tuple[int, int]]:
        """The first and last positions of the segments that may hold one of the values, in order; segments
        that touch are one."""
        lowest = np.unique(hashes) << _NUMBER_BITS
        numbers = {
            int(number)
            for layer in self._layers
            for number in np.unique(layer[_within(layer, lowest, lowest | _NUMBER)] & _NUMBER)
        }
        firsts = (number for number in sorted(numbers) if number - 1 not in numbers)
        lasts = (number for number in sorted(numbers) if number + 1 not in numbers)
        starts: Sequence[int] = [-1, *self._ends]
        return [(starts[first] + 1, self._ends[last]) for first, last in zip(firsts, lasts, strict=True)]


def _within(
    layer: npt.NDArray[np.uint64], lowest: npt.NDArray[np.uint64], highest: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """The positions in a layer of all numbers that lie between one of `lowest` and its `highest`."""
    begin, end = np.searchsorted(layer, lowest, "left"), np.searchsorted(layer, highest, "right")
    counts = end - begin
    before = np.cumsum(counts) - counts
    return np.repeat(begin - before, counts) + np.arange(counts.sum())
