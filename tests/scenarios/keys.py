"""Keys that nobody knows are errors: what they say would count for nothing, and nobody would see it."""

from collections.abc import Collection, Iterable

from otel_vsm_collector.declared.closest import allowed


class UnknownKeyError(ValueError):
    """A sentence that names the key, what is allowed, and what was probably meant."""


def refuse_unknown(given: Iterable[object], known: Collection[str], where: str) -> None:
    """Raises UnknownKeyError for the first of the given keys that is not among the known ones."""
    for key in given:
        if key not in known:
            raise UnknownKeyError(f"{where} has no {key!r}; {allowed(key, sorted(known))}")
