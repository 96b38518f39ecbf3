"""Who sent what since the collector started, and what became of it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from otel_vsm_collector.spans.lacking import Lacking, lacking
from otel_vsm_collector.spans.rows import Numbered
from otel_vsm_collector.spans.sources import Source, SourceCounts

MAX_SOURCES = 200
"""Scopes are called as their senders like: of more, the others are counted together."""
OTHERS = Source(None, "(others)")


@dataclass(slots=True)
class Sent:
    """Of one source."""

    counts: SourceCounts = field(default_factory=SourceCounts)
    lacking: dict[tuple[str, str], Lacking] = field(default_factory=dict)
    """By the attribute and what it would give. Not of spans that could not wait in memory to be derived."""


class Telemetry:
    """Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[Source, Sent] = {}

    def count(self, counts: Mapping[Source, SourceCounts]) -> None:
        with self._lock:
            for source, one in counts.items():
                self._of(source).counts.add(one)

    def examine(self, batches: Sequence[Numbered], rows: pa.Table) -> None:
        """Accepted spans, and the rows that were made of them."""
        lacks = lacking(batches, rows)
        with self._lock:
            for source, some in lacks.items():
                sent = self._of(source)
                for one in some:
                    key = one.missing, one.gives_no
                    before = sent.lacking.get(key)
                    sent.lacking[key] = one._replace(spans=one.spans + (before.spans if before else 0))

    def sent(self) -> dict[Source, Sent]:
        """All of it, those that sent most first."""
        with self._lock:
            copies = {
                source: replace(sent, counts=replace(sent.counts), lacking=dict(sent.lacking))
                for source, sent in self._sent.items()
            }
        return dict(sorted(copies.items(), key=lambda item: -item[1].counts.received))

    def _of(self, source: Source) -> Sent:
        if source not in self._sent and len(self._sent) >= MAX_SOURCES:
            source = OTHERS
        return self._sent.setdefault(source, Sent())
