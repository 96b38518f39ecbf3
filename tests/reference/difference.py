"""Where two answers differ."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

ABSENT = "(absent)"


class Difference(NamedTuple):
    """The place in the answer, what the reference says and what the product does."""

    place: tuple[Any, ...]
    reference: Any
    product: Any


def differences(reference: Any, product: Any, place: tuple[Any, ...] = ()) -> Iterator[Difference]:
    """Floats are compared to 1e-9."""
    if isinstance(reference, dict) and isinstance(product, dict):
        for key in reference | product:
            yield from differences(reference.get(key, ABSENT), product.get(key, ABSENT), (*place, key))
    elif isinstance(reference, list | tuple) and isinstance(product, list | tuple):
        if len(reference) != len(product):
            yield Difference(place, reference, product)
        else:
            for number, (one, other) in enumerate(zip(reference, product, strict=True)):
                yield from differences(one, other, (*place, number))
    elif not _same(reference, product):
        yield Difference(place, reference, product)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)
