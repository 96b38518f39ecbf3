"""A span as the wrappers know it: before the SDK is loaded, and while it waits on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from otel_vsm.identity import SpanId, SpanReference, TraceId

Value = str | bool | int | float

BATCH_RECORDS = 512
"""How many are sent in one request, at about half a kilobyte each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One span; times in nanoseconds since the epoch. A point event ends when it starts."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value]
    links: tuple[SpanReference, ...] = field(default=())
    ancestors: tuple[SpanReference, ...] = field(default=())
    """Links of kind ancestor: what the deployed revision stands on."""
    failed: bool = False
    """Whether the span's status is an error."""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The record that `to_json` gave; KeyError or TypeError where it is none."""
        links, ancestors = (
            tuple(SpanReference(*link) for link in part)
            # What an earlier version left in the spool has no ancestors.
            for part in (data.pop("links"), data.pop("ancestors", ()))
        )
        return cls(**data, links=links, ancestors=ancestors)
