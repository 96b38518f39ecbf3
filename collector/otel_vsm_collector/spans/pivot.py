"""Attributes → columns: for each wanted key, its value on the span or else on the span's resource."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm_collector.spans.decode import COLUMN_KEYS, Attributes, Indices, numpy_mask

Positions = npt.NDArray[np.int32]
"""For some owners the index of the attribute that counts, −1 where there is none."""
LONGEST_S = 9e9
"""A time is none where its nanoseconds would not fit the integers that times are counted in."""


class Pivot:
    """The attributes of some spans and of their resources, ready to be asked for by key.

    `rows` are the indices of the spans that are wanted, `resource_of_row` the resource of each of them.
    """

    def __init__(
        self,
        span: Attributes,
        spans: int,
        resource: Attributes,
        resources: int,
        *,
        rows: Indices,
        resource_of_row: Indices,
    ) -> None:
        self._span, self._resource = span, resource
        self._on_span = _first_positions(span, spans)[:, rows]
        self._on_resource = _first_positions(resource, resources)
        self._resource_of_row = pa.array(resource_of_row)

    def text(self, key: str) -> pa.Array:
        """Strings; integers and booleans as text; null for other kinds and where there is none."""
        return self._column(key, _text)

    def number(self, key: str) -> pa.Array:
        """Doubles, none negative; integers and numbers written as text are read; null for all else."""
        return self._column(key, _number)

    def _column(self, key: str, read: Callable[[Attributes, Positions], pa.Array]) -> pa.Array:
        code = COLUMN_KEYS.index(key)
        on_resource = self._on_resource[code]
        of_span = read(self._span, self._on_span[code])
        if not of_span.null_count or (on_resource < 0).all():
            return of_span
        return pc.coalesce(of_span, read(self._resource, on_resource).take(self._resource_of_row))


def joined(parts: Sequence[Attributes], first_owners: Sequence[int]) -> Attributes:
    """The attributes of several batches as one; the owners of each batch count on from its first."""
    return Attributes(
        owner=counted_on([part.owner for part in parts], first_owners),
        code=np.concatenate([part.code for part in parts]),
        string=pa.concat_arrays([part.string for part in parts]),
        integer=pa.concat_arrays([part.integer for part in parts]),
        boolean=pa.concat_arrays([part.boolean for part in parts]),
        double=pa.concat_arrays([part.double for part in parts]),
    )


def counted_on(indices: Sequence[Indices], firsts: Sequence[int]) -> Indices:
    """Indices into several arrays → indices into these put together, where each begins at its first."""
    return np.concatenate([part + np.int32(first) for part, first in zip(indices, firsts, strict=True)])


def _first_positions(attributes: Attributes, owners: int) -> npt.NDArray[np.int32]:
    """One row per wanted key, one column per owner."""
    empty = numpy_mask(pc.equal(pc.binary_length(attributes.string), 0).fill_null(False))
    wanted = np.flatnonzero((attributes.code < len(COLUMN_KEYS)) & ~empty).astype(np.int32)
    places = attributes.code[wanted].astype(np.int64) * owners + attributes.owner[wanted]
    positions = np.full(len(COLUMN_KEYS) * owners, -1, dtype=np.int32)
    # Of several writes to one place the last one stays, so the first attribute is written last.
    positions[places[::-1]] = wanted[::-1]
    return positions.reshape(len(COLUMN_KEYS), owners)


def _text(attributes: Attributes, positions: Positions) -> pa.Array:
    indices, missing = _indices(positions)
    text = _take(attributes.string, indices, missing)
    if text.null_count > missing:
        integers = attributes.integer.take(indices).cast(pa.string())
        booleans = attributes.boolean.take(indices).cast(pa.string())
        text = pc.coalesce(text, integers, booleans)
    return text


def _number(attributes: Attributes, positions: Positions) -> pa.Array:
    indices, missing = _indices(positions)
    number = _take(attributes.double, indices, missing)
    if number.null_count > missing:
        integers = attributes.integer.take(indices).cast(pa.float64(), safe=False)
        written = [_read_number(text) for text in attributes.string.take(indices).to_pylist()]
        number = pc.coalesce(number, integers, pa.array(written, pa.float64()))
    sound = pc.and_(pc.greater_equal(number, 0.0), pc.less_equal(number, LONGEST_S))
    return pc.if_else(sound, number, None)


def _take(values: pa.Array, indices: pa.Array, missing: int) -> pa.Array:
    return pa.nulls(len(indices), values.type) if missing == len(indices) else values.take(indices)


def _indices(positions: Positions) -> tuple[pa.Array, int]:
    """Positions for `take`, null where there is none, and how many those are."""
    absent = positions < 0
    missing = int(np.count_nonzero(absent))
    return pa.array(positions, mask=absent if missing else None), missing


def _read_number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
