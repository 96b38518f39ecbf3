"""What a mapping says, as data: which spans it is about, and what of them becomes which column.

Where a column has several sources, the first that has a value counts. That is text or, in columns of
seconds, a number; what the emitter sent as another kind is converted where that can be done without loss.
"""

import re
from collections import abc
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from otel_vsm.semconv import EventName
from otel_vsm_collector.spans.columns import MAPPED

GROUP = "value"
"""The name of the group in a pattern that matches the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conditional:
    where: tuple["Source", ...] = ()
    """It counts only for a span of which one of these has a value; of any span where there is none."""
    unless: tuple["Source", ...] = ()
    """It does not count for a span of which one of these has a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text(_Conditional):
    pattern: str | None = None
    """A regular expression as RE2 has them, to be found anywhere; the value is what its group `value`
    matches. None: the value is the whole text."""
    words: abc.Mapping[str, str] = field(default_factory=dict)
    """The emitter's words, in lower case → ours. Other words stay as they are."""


@dataclass(frozen=True, slots=True)
class Attribute(_Text):
    """What an attribute says: the span's, else its resource's, or one of the two alone."""

    key: str
    on: Literal["either", "span", "resource"] = "either"
    per_second: float = field(default=1.0, kw_only=True)
    """Of a number: how many of its units a second has."""


@dataclass(frozen=True, slots=True)
class SpanName(_Text):
    """The span's name."""


@dataclass(frozen=True, slots=True)
class Constant(_Conditional):
    """The same for every span."""

    text: str


Source = Attribute | SpanName | Constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How one emitter's spans become ours. Raises ValueError where it contradicts itself.

    It is about a span that has one of its scopes, or an attribute on itself or on its resource whose key
    begins with one of its prefixes.
    """

    name: str
    url: str = field(default="", repr=False)
    """Where the emitter's own documentation is."""
    missing: str = field(default="", repr=False)
    """What it does not say, or not well, and how to add it, for its users. Neither this nor `url` changes
    what spans become."""
    scopes: tuple[str, ...] = ()
    """Names of instrumentation scopes."""
    span_prefixes: tuple[str, ...] = ()
    resource_prefixes: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """Keys that begin with one of the prefixes, and yet say nothing of what a span is: only where it was,
    or what it was a part of."""
    resource_context: tuple[str, ...] = ()
    """The same of a resource alone."""
    columns: abc.Mapping[str, tuple[Source, ...]]
    moments: abc.Mapping[EventName, tuple[Source, ...]] = field(default_factory=dict)
    """When something happened to the span's change: a time of RFC 3339, or as GitLab writes it."""
    dropped: tuple[Source, ...] = ()
    """A span of which one of these has a value is no delivery work, and not kept."""

    def __post_init__(self) -> None:
        if not (self.scopes or self.span_prefixes or self.resource_prefixes):
            raise ValueError(f"the mapping {self.name} is about no span; give it scopes or prefixes")
        types = {column.name: column.type for column in MAPPED}
        for column, sources in self.columns.items():
            if column not in types:
                raise ValueError(f"the mapping {self.name} fills {column}; columns are {', '.join(types)}")
            for source in sources:
                self._check(source, f"source of {column}", number=types[column] == pa.float64())
        for event, sources in self.moments.items():
            for source in sources:
                self._check(source, f"source of {event}", number=False)
        for source in self.dropped:
            self._check(source, "condition of what is dropped", number=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that it reads, also for conditions."""
        some = (*self.columns.values(), *self.moments.values(), self.dropped)
        return _with_conditions(source for sources in some for source in sources)

    def _check(self, source: Source, where: str, *, number: bool) -> None:
        text = isinstance(source, _Text) and bool(source.pattern or source.words)
        if number and (text or not isinstance(source, Attribute)):
            raise ValueError(f"the mapping {self.name} has a {where} that is no number: {source}")
        if not number and isinstance(source, Attribute) and source.per_second != 1.0:
            raise ValueError(f"the mapping {self.name} has a {where} that is no text: {source}")
        for condition in (*source.where, *source.unless):
            self._check(condition, f"condition of a {where}", number=False)
        pattern = source.pattern if isinstance(source, _Text) else None
        if pattern is not None and GROUP not in re.compile(pattern).groupindex:
            raise ValueError(f"the mapping {self.name} has a pattern without (?P<{GROUP}>…): {source}")


def _with_conditions(sources: abc.Iterable[Source]) -> tuple[Source, ...]:
    return tuple(
        one for source in sources for one in (source, *_with_conditions((*source.where, *source.unless)))
    )
