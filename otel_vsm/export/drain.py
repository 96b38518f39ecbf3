"""Sending what the spool holds."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import LockedEntry, Spool
from otel_vsm.record import BATCH_RECORDS

Send = Callable[[Sequence[Parcel]], ExportResult]


@dataclass(slots=True)
class DrainResult:
    """What became of the spool; true at any moment while it goes on."""

    sent: int = 0
    """Spans that were acknowledged."""
    refused: int = 0
    """Spans that the receiver will never take, and that were dropped for that."""
    refused_reason: str = ""
    left_reason: str = ""
    """Why the receiver could not be reached, or takes nothing."""
    unavailable: bool = False
    """Whether the receiver could not be reached, or takes nothing from us now."""


def drain(spool: Spool, send: Send, total: DrainResult) -> None:
    """Send what no other process is sending, oldest first, until all went or the receiver is away.

    Parcels are sent many at a time. Where the receiver answers that a request is at fault, its parcels are
    sent one by one, so that one of them does not hold up the others. OSError where the spool cannot be read.
    """
    with closing(_batches(spool.locked_entries())) as batches:
        for batch in batches:
            _send(batch, send, total)
            for entry in batch:
                entry.release()
            if total.unavailable:
                return


def _send(entries: Sequence[LockedEntry], send: Send, total: DrainResult) -> None:
    result = send([entry.parcel for entry in entries])
    spans = _size(entries)
    if result.outcome is Outcome.ACCEPTED:
        sent, refused = spans - result.rejected, result.rejected
        _remove(entries, total, sent=sent, refused=refused, reason=result.message)
    elif result.outcome is Outcome.UNAVAILABLE:
        total.unavailable, total.left_reason = True, result.message
    elif len(entries) > 1:
        for entry in entries:
            if not total.unavailable:
                _send([entry], send, total)
    else:
        _remove(entries, total, sent=0, refused=spans, reason=result.message)


def _remove(
    entries: Sequence[LockedEntry], total: DrainResult, *, sent: int, refused: int, reason: str
) -> None:
    for entry in entries:
        entry.remove()
    total.sent += sent
    if refused:
        total.refused += refused
        total.refused_reason = reason


def _batches(entries: Iterator[LockedEntry]) -> Generator[list[LockedEntry], None, None]:
    batch: list[LockedEntry] = []
    try:
        for entry in entries:
            if batch and sum(map(_weight, (*batch, entry))) > BATCH_RECORDS:
                full, batch = batch, [entry]
                yield full
            else:
                batch.append(entry)
        if batch:
            yield batch
    finally:
        # The batch that was begun, and then not asked for because the receiver is away.
        for entry in batch:
            entry.release()


def _weight(entry: LockedEntry) -> int:
    """Its size in records as they mostly are: a link takes about an eighth of one."""
    records = entry.parcel.records
    return len(records) + sum(len(record.links) + len(record.ancestors) for record in records) // 8


def _size(entries: Sequence[LockedEntry]) -> int:
    return sum(len(entry.parcel.records) for entry in entries)
