"""Which mapping each span is understood by: the decision on what is delivery work."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from otel_vsm.semconv import attributes as names
from otel_vsm_collector.spans.decode import UNKNOWN, Attributes, Decoded, per_distinct
from otel_vsm_collector.spans.mappings import MAPPINGS
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping
from otel_vsm_collector.spans.pivot import Pivot, keys_of

Classes = npt.NDArray[np.int8]
"""Of each span the index of its mapping, or one of these two, which are below zero."""
UNMAPPED = -1
"""No mapping is about it."""
DROPPED = -2
"""A mapping is about it, and says that it is no delivery work."""

_Bits = npt.NDArray[np.uint32]
"""Of spans, resources or scopes the mappings that are about them, the first as bit 0."""
_MAX_MAPPINGS = 32
_NAMES = tuple(value for name, value in vars(names).items() if name.isupper())


class Classifier:
    """Mappings in their order, ready to be applied. Raises ValueError where there are too many."""

    def __init__(self, mappings: Sequence[Mapping] = MAPPINGS) -> None:
        self.mappings = tuple(mappings)
        read = (
            source.key for mapping in mappings for source in mapping.sources if isinstance(source, Attribute)
        )
        known = tuple(dict.fromkeys((*read, *_NAMES)))
        if len(known) >= UNKNOWN or len(self.mappings) > _MAX_MAPPINGS:
            raise ValueError(
                f"{len(self.mappings)} mappings that know {len(known)} keys are too many;"
                f" at most {_MAX_MAPPINGS} and {UNKNOWN - 1} can be told apart"
            )
        self.known_keys = pa.array(known, pa.string())
        self.keys = tuple(keys_of(mapping, known) for mapping in self.mappings)
        """Of each mapping, the keys that it reads."""
        self._of_span = _Prefixes(
            [(mapping.span_prefixes, mapping.context) for mapping in self.mappings], known
        )
        self._of_resource = _Prefixes(
            [
                (mapping.resource_prefixes, (*mapping.context, *mapping.resource_context))
                for mapping in self.mappings
            ],
            known,
        )
        self._scopes = [frozenset(scope.encode() for scope in mapping.scopes) for mapping in self.mappings]

    def classify(self, decoded: Decoded) -> Classes:
        """Of several mappings that are about a span the first holds."""
        spans = decoded.spans
        nothing: _Bits = np.zeros(spans.resources, dtype=np.uint32)
        bits = self._of_resource.bits(spans.resource_attributes, decoded.resource_keys, nothing)[
            spans.resource
        ]
        if any(self._scopes):
            bits |= self._of_scopes(decoded.scope_names)[decoded.scope]
        bits = self._of_span.bits(spans.attributes, decoded.attribute_keys, bits)
        # The bits below the lowest one that is set are as many as its number.
        lowest = np.bitwise_count((bits & -bits) - np.uint32(1)).astype(np.int8)
        classes: Classes = np.where(bits == 0, np.int8(UNMAPPED), lowest)
        for index, mapping in enumerate(self.mappings):
            if mapping.dropped:
                self._drop(index, decoded, classes)
        return classes

    def _of_scopes(self, scope_names: pa.Array) -> _Bits:
        bits: _Bits = per_distinct(scope_names, self._of_scope, np.uint32)
        return bits

    def _of_scope(self, name: bytes) -> int:
        return sum(1 << index for index, some in enumerate(self._scopes) if name in some)

    def _drop(self, index: int, decoded: Decoded, classes: Classes) -> None:
        rows = np.flatnonzero(classes == index).astype(np.int32)
        if len(rows):
            pivot = Pivot(decoded.spans, self.keys[index], rows)
            for source in self.mappings[index].dropped:
                classes[rows[pivot.has_value(source)]] = DROPPED


class _Prefixes:
    """The prefixes of several mappings, with the keys for which they do not hold."""

    def __init__(
        self, prefixes: Sequence[tuple[tuple[str, ...], tuple[str, ...]]], known: Sequence[str]
    ) -> None:
        self._prefixes = prefixes
        self._of_code: _Bits = np.zeros(UNKNOWN + 1, dtype=np.uint32)
        self._of_code[: len(known)] = [self._of_key(key) for key in known]
        first = next((index for index, (some, _) in enumerate(prefixes) if some), None)
        # Where one of the mappings up to the first with prefixes holds already, no further key makes an
        # earlier one hold.
        self._final = np.uint32(0xFFFFFFFF if first is None else (2 << first) - 1)
        self._any = first is not None

    def bits(self, attributes: Attributes, keys: pa.Array, bits: _Bits) -> _Bits:
        """The `bits` of owners, with those of the mappings added that have a prefix of one of their keys."""
        owner, code = attributes.owner, attributes.code
        if not self._any or not len(owner):
            return bits
        bits = bits.copy()
        starts = np.concatenate(([0], np.flatnonzero(owner[1:] != owner[:-1]) + 1))
        bits[owner[starts]] |= np.bitwise_or.reduceat(self._of_code.take(code), starts)
        # For nearly every span of delivery that is the end of it; only the keys of the others are read.
        unread = np.flatnonzero(code == UNKNOWN)
        unread = unread[bits[owner[unread]] & self._final == 0]
        if len(unread):
            of_key = per_distinct(keys.take(pa.array(unread)), self._of_key, np.uint32)
            np.bitwise_or.at(bits, owner[unread], of_key)
        return bits

    def _of_key(self, key: str) -> int:
        return sum(
            1 << index
            for index, (some, but) in enumerate(self._prefixes)
            if key.startswith(some) and key not in but
        )
