"""What the journal has and the ledger has not: in memory as far as it fits, from the journal beyond that."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from otel_vsm_collector.keep.telemetry import Telemetry
from otel_vsm_collector.spans.accept import CLASSIFIER, AcceptedSpans, accept_again
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.rows import Numbered, Rows, ledger_rows
from otel_vsm_collector.spans.wire import UndecodableError
from otel_vsm_collector.stores.journal import Batch, Journal

TAKEN_SPANS = 100_000
"""What one `take` gives, give or take a chunk."""
WAITING_SPANS = 300_000
"""How many spans wait in memory, at about 400 bytes each."""
CHUNK_SPANS = 5_000
"""Spans are made rows of in chunks. With fewer at a time each one costs more; with more at a time too, for
they leave the processor's caches before they are read. And rows take a third of what decoded spans take."""
_READ_ROWS = 16
"""Rows of the journal that are read at a time, most of them of at most two megabytes."""
_READ_BYTES = 16 << 20
"""What one `take` reads from the journal, about 200,000 spans: deriving from many costs less for each, and
needs the more memory."""
_READERS = 2
"""Threads that make rows of what they read; most of it is work outside of Python."""

_log = logging.getLogger(__name__)


class _Chunk(NamedTuple):
    first_seq: int
    last_seq: int
    spans: int
    rows: Rows | None
    """None where nothing of them comes into the ledger."""


class Backlog:
    """One thread offers and condenses, another takes."""

    def __init__(
        self, journal: Journal, classifier: Classifier = CLASSIFIER, telemetry: Telemetry | None = None
    ) -> None:
        self._journal, self._classifier = journal, classifier
        self._telemetry = telemetry or Telemetry()
        self._chunks: deque[_Chunk] = deque()
        # What came after the chunks, still as it was decoded; up to the last row of the journal.
        self._fresh: list[Numbered] = []
        self._fresh_spans = 0
        self._lock = threading.Lock()
        self.last_seq = journal.last_seq
        """The last row that the journal has."""
        self.spans = 0
        """How many spans wait in memory."""
        self.damaged: set[int] = set()
        """The rows of the journal that could not be read."""

    def offer(self, seq: int, accepted: AcceptedSpans) -> None:
        """Tells of a new row of the journal; they come in order."""
        payloads, spans = int(accepted.decoded.payload[-1]) + 1, accepted.count
        with self._lock:
            if self.spans >= WAITING_SPANS:
                self._condense()
            elif spans:
                self._fresh.append(Numbered([seq] * payloads, accepted))
                self._fresh_spans += spans
                self.spans += spans
            elif not self._fresh:
                self._pass_over(seq)
            self.last_seq = seq

    def condense(self) -> None:
        """Makes rows of what was offered lately, once that is enough; may take some milliseconds."""
        with self._lock:
            if self._fresh_spans >= CHUNK_SPANS:
                self._condense()

    def has_left(self, first_seq: int) -> bool:
        """Whether the journal's row `first_seq`, which is to be taken next, has to be read from it."""
        with self._lock:
            waiting = self._chunks[0].first_seq if self._chunks else self._fresh_seq()
            return first_seq < waiting

    def take(self, first_seq: int) -> tuple[Iterable[Rows], int]:
        """Rows of the ledger for the journal's rows from `first_seq` on, and the number of the last of those.

        There may be rows of the journal without a span: damaged ones. What is read from the journal is read
        while the rows are asked for.
        """
        taken: list[_Chunk] = []
        with self._lock:
            self._condense()
            spans, next_seq = 0, first_seq
            while self._chunks and self._chunks[0].first_seq == next_seq and spans < TAKEN_SPANS:
                taken.append(self._chunks.popleft())
                spans += taken[-1].spans
                next_seq = taken[-1].last_seq + 1
            self.spans -= spans
            last_seq = self._chunks[0].first_seq - 1 if self._chunks else self.last_seq
        if taken:
            return [chunk.rows for chunk in taken if chunk.rows], next_seq - 1
        last_seq = self._journal.end_of(first_seq, _READ_BYTES, last_seq)
        return self._read(first_seq, last_seq), last_seq

    def _fresh_seq(self) -> int:
        return self._fresh[0].seqs[0] if self._fresh else self.last_seq + 1

    def _condense(self) -> None:
        if self._fresh:
            first_seq = self._fresh[0].seqs[0]
            rows = ledger_rows(self._fresh)
            self._telemetry.examine(self._fresh, rows.span)
            self._chunks.append(_Chunk(first_seq, self.last_seq, self._fresh_spans, rows))
            self._fresh, self._fresh_spans = [], 0

    def _pass_over(self, seq: int) -> None:
        """Lets a row of the journal that the ledger needs nothing of take next to no room here."""
        if self._chunks and self._chunks[-1].last_seq == seq - 1:
            self._chunks[-1] = self._chunks[-1]._replace(last_seq=seq)
        else:
            self._chunks.append(_Chunk(seq, seq, 0, None))

    def _read(self, first_seq: int, last_seq: int) -> Iterator[Rows]:
        with ThreadPoolExecutor(_READERS, "journal-reader") as readers:
            ahead: deque[Future[Rows | None]] = deque()
            for seq in range(first_seq, last_seq + 1, _READ_ROWS):
                ahead.append(readers.submit(self._read_rows, seq, min(last_seq, seq + _READ_ROWS - 1)))
                if len(ahead) > _READERS and (rows := ahead.popleft().result()):
                    yield rows
            while ahead:
                if rows := ahead.popleft().result():
                    yield rows

    def _read_rows(self, first_seq: int, last_seq: int) -> Rows | None:
        rows = self._journal.read(first_seq, last_seq)
        lost = set(range(first_seq, last_seq + 1)) - {row.seq for row in rows}
        batches = self._accepted(rows, lost)
        if lost := lost - self.damaged:
            self.damaged |= lost
            numbers = ", ".join(map(str, sorted(lost)))
            _log.error("rows of the journal are damaged or gone, and left out: %s", numbers)
        return ledger_rows(batches) if batches else None

    def _accepted(self, rows: list[Batch], damaged: set[int]) -> list[Numbered]:
        """The spans of rows of the journal, together where that works and one by one where one is damaged;
        the number of that one goes to `damaged`."""
        try:
            accepted = accept_again([row.body for row in rows], self._classifier)
        except UndecodableError:
            if len(rows) > 1:
                return [batch for row in rows for batch in self._accepted([row], damaged)]
            damaged.add(rows[0].seq)
            return []
        return [Numbered([row.seq for row in rows], accepted)]
