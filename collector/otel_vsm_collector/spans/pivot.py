"""Attributes → columns: for each column of a mapping, what the first of its sources says of each span."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm_collector.spans.decode import UNKNOWN, Attributes, Indices, Spans, numpy_mask
from otel_vsm_collector.spans.mappings.mapping import (
    GROUP,
    Attribute,
    Constant,
    Mapping,
    ParentName,
    Source,
    SpanName,
)

Positions = npt.NDArray[np.int32]
"""For some owners the index of the attribute that counts, −1 where there is none."""
_BOOLEAN, _INTEGER = r"^(true|false)$", r"^\d{1,18}$"
LONGEST_S = 9e9
"""A time is none where its nanoseconds would not fit the integers that times are counted in."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a mapping reads, and where to find them among the known ones."""

    index: dict[str, int]
    of_code: npt.NDArray[np.uint8]
    """Code of a known key → index here; UNKNOWN for keys that the mapping does not read."""


def keys_of(mapping: Mapping, known: Sequence[str]) -> Keys:
    read = dict.fromkeys(source.key for source in mapping.sources if isinstance(source, Attribute))
    index = {key: number for number, key in enumerate(read)}
    of_code = np.full(UNKNOWN + 1, UNKNOWN, dtype=np.uint8)
    for code, key in enumerate(known):
        of_code[code] = index.get(key, UNKNOWN)
    return Keys(index, of_code)


class Pivot:
    """Some of the spans, ready to be asked what a source says of each of them.

    `rows` are the indices of those that are wanted, `all_rows` of those that may be their parents.
    """

    def __init__(self, spans: Spans, keys: Keys, *, rows: Indices, all_rows: Indices) -> None:
        self._spans, self._rows, self._all_rows = spans, rows, all_rows
        self._index = keys.index
        self._on_span = _first_positions(spans.attributes, len(spans), keys)[:, rows]
        self._on_resource = _first_positions(spans.resource_attributes, spans.resources, keys)
        self._resource_of_row = pa.array(spans.resource[rows])

    def column(self, sources: Sequence[Source], kind: pa.DataType) -> pa.Array:
        """What the first source that has a value says; null where none has.

        Text: integers and booleans become it, other kinds are none, and neither is an empty one. Numbers:
        doubles, none negative, of seconds; integers and numbers written as text are read. Of what is to be
        an integer or a boolean, the text is read.
        """
        values = None
        for source in sources:
            more = self._number(source) if kind == pa.float64() else _read(self._text(source), kind)
            values = more if values is None else pc.coalesce(values, more)
            if not values.null_count:
                break
        return pa.nulls(len(self._rows), kind) if values is None else values

    def _text(self, source: Source) -> pa.Array:
        match source:
            case Attribute():
                if source.pattern is None and not source.words:
                    return self._attribute(source, _text)
                return self._attribute(
                    source, lambda attributes, positions: _converted(_text(attributes, positions), source)
                )
            case SpanName():
                return _converted(_filled(self._spans.name.take(pa.array(self._rows))), source)
            case ParentName():
                return _converted(_filled(self._parent_names()), source)
            case Constant():
                return pa.repeat(source.text, len(self._rows))

    def _number(self, source: Source) -> pa.Array:
        assert isinstance(source, Attribute), "a mapping checks it"
        return self._attribute(
            source, lambda attributes, positions: _number(attributes, positions, source.per_second)
        )

    def _attribute(self, source: Attribute, read: Callable[[Attributes, Positions], pa.Array]) -> pa.Array:
        key = self._index[source.key]
        on_span, on_resource = self._on_span[key], self._on_resource[key]
        if source.on == "resource":
            return self._of_resources(read, on_resource)
        of_span = read(self._spans.attributes, on_span)
        if source.on == "span" or not of_span.null_count or (on_resource < 0).all():
            return of_span
        return pc.coalesce(of_span, self._of_resources(read, on_resource))

    def _of_resources(
        self, read: Callable[[Attributes, Positions], pa.Array], positions: Positions
    ) -> pa.Array:
        return read(self._spans.resource_attributes, positions).take(self._resource_of_row)

    def _parent_names(self) -> pa.Array:
        span_ids = self._qualified(self._spans.span_id, self._all_rows)
        parents = self._qualified(self._spans.parent_span_id, self._rows)
        return self._spans.name.take(pa.array(self._all_rows)).take(pc.index_in(parents, value_set=span_ids))

    def _qualified(self, ids: pa.Array, rows: Indices) -> pa.Array:
        """Ids of spans with the trace and the resource that they are looked for in."""
        resources = pa.array(self._spans.resource[rows]).cast(pa.string()).cast(pa.binary())
        return pc.binary_join_element_wise(
            self._spans.trace_id.take(pa.array(rows)), ids.take(pa.array(rows)), resources, b""
        )


def _first_positions(attributes: Attributes, owners: int, keys: Keys) -> npt.NDArray[np.int32]:
    """One row per key that is read, one column per owner."""
    empty = numpy_mask(pc.equal(pc.binary_length(attributes.string), 0).fill_null(False))
    key = keys.of_code.take(attributes.code)
    wanted = np.flatnonzero((key != UNKNOWN) & ~empty).astype(np.int32)
    cells = key[wanted].astype(np.int64) * owners + attributes.owner[wanted]
    positions = np.full(len(keys.index) * owners, -1, dtype=np.int32)
    # Of several writes to one cell the last one stays, so the first attribute is written last.
    positions[cells[::-1]] = wanted[::-1]
    return positions.reshape(len(keys.index), owners)


def _text(attributes: Attributes, positions: Positions) -> pa.Array:
    indices, missing = _indices(positions)
    text = _take(attributes.string, indices, missing)
    if text.null_count > missing:
        integers = attributes.integer.take(indices).cast(pa.string())
        booleans = attributes.boolean.take(indices).cast(pa.string())
        text = pc.coalesce(text, integers, booleans)
    return text


def _converted(text: pa.Array, source: Attribute | SpanName | ParentName) -> pa.Array:
    """What the source's pattern finds in each text, in our words."""
    if source.pattern is not None:
        text = _filled(pc.struct_field(pc.extract_regex(text, source.pattern), GROUP))
    if source.words:
        theirs, ours = _words(tuple(source.words.items()))
        text = pc.coalesce(ours.take(pc.index_in(pc.utf8_lower(text), value_set=theirs)), text)
    return text


def _read(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Text as the kind; null where it says no such thing."""
    if kind == pa.string():
        return text
    pattern = _BOOLEAN if kind == pa.bool_() else _INTEGER
    sound = pc.match_substring_regex(text, pattern, ignore_case=True)
    return pc.if_else(sound, text, None).cast(kind)


def _filled(text: pa.Array) -> pa.Array:
    """Null where it is empty."""
    return pc.if_else(pc.equal(text, ""), None, text)


@cache
def _words(words: tuple[tuple[str, str], ...]) -> tuple[pa.Array, pa.Array]:
    theirs, ours = zip(*words, strict=True)
    return pa.array(theirs, pa.string()), pa.array(ours, pa.string())


def _number(attributes: Attributes, positions: Positions, per_second: float) -> pa.Array:
    indices, missing = _indices(positions)
    number = _take(attributes.double, indices, missing)
    if number.null_count > missing:
        integers = attributes.integer.take(indices).cast(pa.float64(), safe=False)
        written = [_read_number(text) for text in attributes.string.take(indices).to_pylist()]
        number = pc.coalesce(number, integers, pa.array(written, pa.float64()))
    if per_second != 1.0:
        number = pc.divide(number, per_second)
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
