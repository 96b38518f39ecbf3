"""Attributes → columns: for each column of a mapping, what the first of its sources says of each span."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm_collector.spans.decode import UNKNOWN, Attributes, Indices, Mask, Spans, numpy_mask
from otel_vsm_collector.spans.mappings.mapping import (
    GROUP,
    Attribute,
    Constant,
    Mapping,
    Source,
    SpanName,
)

Positions = npt.NDArray[np.int32]
"""For some owners the index of the attribute that counts, −1 where there is none."""
_BOOLEAN, _INTEGER = r"^(true|false)$", r"^\d{1,18}$"
LONGEST_S = 5 * 365 * 86_400
"""What takes longer did not take that long: such a time is none."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a mapping reads, and where to find them among the known ones."""

    names: tuple[str, ...]
    of_code: npt.NDArray[np.uint8]
    """Code of a known key → index here; UNKNOWN for keys that the mapping does not read."""


def keys_of(mapping: Mapping, known: Sequence[str]) -> Keys:
    read = dict.fromkeys(source.key for source in mapping.sources if isinstance(source, Attribute))
    index = {key: number for number, key in enumerate(read)}
    of_code = np.full(UNKNOWN + 1, UNKNOWN, dtype=np.uint8)
    for code, key in enumerate(known):
        of_code[code] = index.get(key, UNKNOWN)
    return Keys(tuple(read), of_code)


class Pivot:
    """Some of the spans, by their indices `rows`, ready to be asked what a source says of each of them."""

    def __init__(self, spans: Spans, keys: Keys, rows: Indices) -> None:
        self._spans, self._rows = spans, rows
        on_span = _first_positions(spans.attributes, len(spans), keys)
        every = len(rows) == len(spans)
        self._on_span = {key: positions if every else positions[rows] for key, positions in on_span.items()}
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
            if isinstance(source, Attribute) and not self._occurs(source):
                continue
            counts = self._counts(source)
            if counts is not None:
                if values is not None:
                    counts &= numpy_mask(pc.is_null(values))
                # Most often it counts for none of the rows that are still without a value.
                if not counts.any():
                    continue
            more = self._number(source) if kind == pa.float64() else _read(self._text(source), kind)
            if counts is not None:
                more = pc.if_else(pa.array(counts), more, None)
            values = more if values is None else pc.coalesce(values, more)
            if not values.null_count:
                break
        return pa.nulls(len(self._rows), kind) if values is None else values

    def _occurs(self, source: Attribute) -> bool:
        """Whether any span or resource has it: nearly all that mappings read is on no span of a batch."""
        return (source.on != "resource" and source.key in self._on_span) or (
            source.on != "span" and source.key in self._on_resource
        )

    def _counts(self, source: Source) -> Mask | None:
        """For which rows it counts; None: for all."""
        if not source.where and not source.unless:
            return None
        counts = self._any(source.where) if source.where else np.ones(len(self._rows), dtype=np.bool_)
        return counts & ~self._any(source.unless)

    def _any(self, conditions: Sequence[Source]) -> Mask:
        """Of which rows one of the conditions has a value."""
        some: Mask = np.zeros(len(self._rows), dtype=np.bool_)
        for condition in conditions:
            some |= self.has_value(condition)
        return some

    def has_value(self, source: Source) -> Mask:
        """Of which rows it says something; of an attribute alone, of any kind, that it is there."""
        if not isinstance(source, Attribute) or source != Attribute(source.key, source.on):
            return numpy_mask(pc.is_valid(self.column((source,), pa.string())))
        # What it says need not be read.
        has_value: Mask = np.zeros(len(self._rows), dtype=np.bool_)
        if source.on != "resource" and source.key in self._on_span:
            has_value |= self._on_span[source.key] >= 0
        if source.on != "span" and source.key in self._on_resource:
            has_value |= (self._on_resource[source.key] >= 0)[self._spans.resource[self._rows]]
        return has_value

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
            case Constant():
                return pa.repeat(source.text, len(self._rows))

    def _number(self, source: Source) -> pa.Array:
        assert isinstance(source, Attribute), "a mapping checks it"
        return self._attribute(
            source, lambda attributes, positions: _number(attributes, positions, source.per_second)
        )

    def _attribute(self, source: Attribute, read: Callable[[Attributes, Positions], pa.Array]) -> pa.Array:
        on_span = self._on_span.get(source.key) if source.on != "resource" else None
        on_resource = self._on_resource.get(source.key) if source.on != "span" else None
        if on_span is None:
            assert on_resource is not None, "it occurs"
            return self._of_resources(read, on_resource)
        of_span = read(self._spans.attributes, on_span)
        if on_resource is None or not of_span.null_count:
            return of_span
        return pc.coalesce(of_span, self._of_resources(read, on_resource))

    def _of_resources(
        self, read: Callable[[Attributes, Positions], pa.Array], positions: Positions
    ) -> pa.Array:
        return read(self._spans.resource_attributes, positions).take(self._resource_of_row)


def _first_positions(attributes: Attributes, owners: int, keys: Keys) -> dict[str, Positions]:
    """Of each key that is read and that occurs, one position per owner."""
    empty = numpy_mask(pc.equal(pc.binary_length(attributes.string), 0).fill_null(False))
    key = keys.of_code.take(attributes.code)
    wanted = np.flatnonzero((key != UNKNOWN) & ~empty).astype(np.int32)
    key = key[wanted]
    occurs = np.zeros(UNKNOWN, dtype=np.bool_)
    occurs[key] = True
    found = np.flatnonzero(occurs)
    turn = np.zeros(UNKNOWN, dtype=np.int64)
    turn[found] = np.arange(len(found)) * owners
    cells = turn.take(key) + attributes.owner[wanted]
    positions = np.full(len(found) * owners, -1, dtype=np.int32)
    # Of several writes to one cell the last one stays, so the first attribute is written last.
    positions[cells[::-1]] = wanted[::-1]
    return {keys.names[index]: positions[turn[index] :][:owners] for index in found}


def _text(attributes: Attributes, positions: Positions) -> pa.Array:
    indices, missing = _indices(positions)
    text = _take(attributes.string, indices, missing)
    if text.null_count > missing:
        integers = attributes.integer.take(indices).cast(pa.string())
        booleans = attributes.boolean.take(indices).cast(pa.string())
        text = pc.coalesce(text, integers, booleans)
    return text


def _converted(text: pa.Array, source: Attribute | SpanName) -> pa.Array:
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
