"""What the journal has and the ledger has not: in memory as far as it fits, from the journal beyond that."""

import logging
import threading
from collections import deque
from typing import NamedTuple

import numpy as np

from otel_vsm_collector.keep.journal import Batch, Journal
from otel_vsm_collector.keep.tables import Numbered
from otel_vsm_collector.receive.accept import Kept
from otel_vsm_collector.receive.decode import decode
from otel_vsm_collector.receive.wire import UndecodableError

TAKEN_SPANS = 100_000
"""What one `take` gives, give or take a row of the journal."""
WAITING_SPANS = 2 * TAKEN_SPANS
"""How many decoded spans wait in memory, at about 1 kB each."""
_READ_ROWS = 16
"""Rows of the journal that are read at a time, most of them of at most two megabytes."""

_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    received_at: int
    batch: Numbered

    @property
    def seq(self) -> int:
        return self.batch.seqs[0]


class Backlog:
    """One thread offers, another takes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self.last_seq = journal.last_seq
        """The last row that the journal has."""
        self.spans = 0
        """How many spans wait in memory."""

    def offer(self, seq: int, received_at: int, kept: Kept) -> None:
        """Tells of a new row of the journal; they come in order."""
        payloads = int(kept.decoded.payload[-1]) + 1
        with self._lock:
            self.last_seq = seq
            if self.spans < WAITING_SPANS:
                self._waiting.append(_Waiting(received_at, Numbered([seq] * payloads, kept)))
                self.spans += kept.count

    def take(self, first_seq: int) -> tuple[list[Numbered], int]:
        """The spans of the journal's rows from `first_seq` on, and the number of the last of those rows.

        There may be rows without a span: damaged ones.
        """
        batches: list[Numbered] = []
        with self._lock:
            next_seq, taken = first_seq, 0
            while self._waiting and self._waiting[0].seq == next_seq and taken < TAKEN_SPANS:
                batch = self._waiting.popleft().batch
                batches.append(batch)
                taken += batch.kept.count
                next_seq += 1
            self.spans -= taken
            last_seq = self._waiting[0].seq - 1 if self._waiting else self.last_seq
        if batches:
            return batches, next_seq - 1
        return self._read(first_seq, last_seq)

    def received_at(self, seq: int) -> int | None:
        """When a row of the journal was kept, in nanoseconds since the epoch."""
        with self._lock:
            if self._waiting and self._waiting[0].seq == seq:
                return self._waiting[0].received_at
        return self._journal.received_at(seq)

    def _read(self, first_seq: int, last_seq: int) -> tuple[list[Numbered], int]:
        batches: list[Numbered] = []
        next_seq, spans = first_seq, 0
        while next_seq <= last_seq and spans < TAKEN_SPANS:
            until = min(last_seq, next_seq + _READ_ROWS - 1)
            read = _decoded(self._journal.read(next_seq, until))
            spans += sum(batch.kept.count for batch in read)
            batches += read
            next_seq = until + 1
        return batches, next_seq - 1


def _decoded(rows: list[Batch]) -> list[Numbered]:
    """The spans of rows of the journal, together where that works and one by one where one is damaged."""
    try:
        decoded = decode([row.body for row in rows])
    except UndecodableError as error:
        if len(rows) > 1:
            return [batch for row in rows for batch in _decoded([row])]
        _log.error("row %d of the journal is damaged and left out: %s", rows[0].seq, error)
        return []
    # What was not to be kept never came into the journal.
    everything = np.ones(len(decoded), dtype=np.bool_)
    return [Numbered([row.seq for row in rows], Kept(decoded=decoded, rows=everything))]
