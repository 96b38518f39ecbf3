"""What a mapping says, as data: which spans it is about, and what of them becomes which column.

Where a column has several sources, the first that has a value counts. That is text or, in columns of
seconds, a number; what the emitter sent as another kind is converted where that can be done without loss.
"""

import re
from collections import abc
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from otel_vsm_collector.spans.columns import MAPPED

GROUP = "value"
"""The name of the group in a pattern that matches the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
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
class ParentName(_Text):
    """The name of the span's parent, where that came with the same resource and is kept too."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every span."""

    text: str


Source = Attribute | SpanName | ParentName | Constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How one emitter's spans become ours. Raises ValueError where it contradicts itself.

    It is about a span that has one of its scopes, or an attribute on itself or on its resource whose key
    begins with one of its prefixes.
    """

    name: str
    scopes: tuple[str, ...] = ()
    """Names of instrumentation scopes."""
    span_prefixes: tuple[str, ...] = ()
    resource_prefixes: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """Keys that begin with one of `resource_prefixes`, and yet say nothing of what a resource's spans are."""
    columns: abc.Mapping[str, tuple[Source, ...]]
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
        for source in self.dropped:
            self._check(source, "condition of what is dropped", number=False)
            if isinstance(source, ParentName):
                # Whether a span is kept would depend on whether another one is.
                raise ValueError(f"the mapping {self.name} drops spans by the name of their parent")

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that it reads."""
        return tuple(source for some in (*self.columns.values(), self.dropped) for source in some)

    def _check(self, source: Source, where: str, *, number: bool) -> None:
        text = isinstance(source, _Text) and bool(source.pattern or source.words)
        if number and (text or not isinstance(source, Attribute)):
            raise ValueError(f"the mapping {self.name} has a {where} that is no number: {source}")
        if not number and isinstance(source, Attribute) and source.per_second != 1.0:
            raise ValueError(f"the mapping {self.name} has a {where} that is no text: {source}")
        pattern = source.pattern if isinstance(source, _Text) else None
        if pattern is not None and GROUP not in re.compile(pattern).groupindex:
            raise ValueError(f"the mapping {self.name} has a pattern without (?P<{GROUP}>…): {source}")
