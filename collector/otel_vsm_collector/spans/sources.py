"""What became of spans, by who sent them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm_collector.spans.decode import Mask, per_distinct

NAME_LENGTH = 200
"""Of what senders call their scopes and spans."""


class Source(NamedTuple):
    emitter: str | None
    """The name of the mapping; None where none is about the spans."""
    scope: str
    """Of instrumentation; empty where there is none."""


@dataclass(slots=True)
class SourceCounts:
    """received = rejected + filtered + unmapped + kept."""

    received: int = 0
    rejected: int = 0
    filtered: int = 0
    unmapped: int = 0
    kept: int = 0

    def add(self, other: Self) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def counts_by_source(
    scopes: npt.NDArray[np.int32],
    scope_names: pa.Array,
    classes: npt.NDArray[np.int8],
    emitters: Sequence[str],
    *,
    valid: Mask,
    later: Mask,
) -> Mapping[Source, SourceCounts]:
    """Of spans with their scope and class: rejected where not `valid`, unmapped where kept for `later`."""
    if not len(classes):
        return {}
    counts: dict[Source, SourceCounts] = {}
    of_span, names = scopes_of_spans(scopes, scope_names)
    emitter = np.where(valid & (classes >= 0), classes, -1).astype(np.int64)
    # One number for each: scope, emitter, and what became of it.
    fate = np.where(~valid, 0, np.where(emitter >= 0, 1, np.where(later, 2, 3)))
    numbers = np.bincount((of_span * 64 + emitter + 1) * 4 + fate)
    for code in np.flatnonzero(numbers).tolist():
        number = int(numbers[code])
        rest, what = divmod(code, 4)
        scope, which = divmod(rest, 64)
        source = Source(emitters[which - 1] if which else None, names[scope])
        one = counts.setdefault(source, SourceCounts())
        one.received += number
        key = ("rejected", "kept", "unmapped", "filtered")[what]
        setattr(one, key, getattr(one, key) + number)
    return counts


def scopes_of_spans(
    scopes: npt.NDArray[np.int32], scope_names: pa.Array
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Of each span the number of its scope's name, and the names."""
    distinct = pc.unique(scope_names)
    number = {name: index for index, name in enumerate(distinct.to_pylist())}
    of_scope = per_distinct(scope_names, number.__getitem__, np.int64)
    names = [(name or b"").decode(errors="replace")[:NAME_LENGTH] for name in distinct.to_pylist()]
    return of_scope[scopes], names
