"""Sending what the spool holds."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from otel_vsm.export.exporters import Fate, Outcome
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import Claim, Spool
from otel_vsm.record import BATCH_RECORDS

Send = Callable[[Sequence[Parcel]], Outcome]


@dataclass(slots=True)
class Drained:
    """What became of the spool; true at any moment while it goes on."""

    sent: int = 0
    """Spans that were acknowledged."""
    refused: int = 0
    """Spans that the receiver will never take, and that were dropped for that."""
    refusal: str = ""
    left_because: str = ""
    """Why something was left, if that was the receiver's doing."""
    away: bool = False
    """Whether the receiver could not be reached, or takes nothing from us now."""


def drain(spool: Spool, send: Send, drained: Drained) -> None:
    """Send what no other process is sending, oldest first, until all went or the receiver is away.

    Parcels are sent many at a time. Where the receiver answers that a request is at fault, its parcels are
    sent one by one, so that one of them does not hold up the others. OSError where the spool cannot be read.
    """
    with closing(_batches(spool.claims())) as batches:
        for batch in batches:
            _send(batch, send, drained)
            for claim in batch:
                claim.give_back()
            if drained.away:
                return


def _send(claims: Sequence[Claim], send: Send, drained: Drained) -> None:
    outcome = send([claim.parcel for claim in claims])
    spans = _size(claims)
    if outcome.fate is Fate.ACCEPTED:
        _settle(claims, drained, sent=spans - outcome.rejected, refused=outcome.rejected, why=outcome.said)
    elif outcome.fate is Fate.UNAVAILABLE:
        drained.away, drained.left_because = True, outcome.said
    elif len(claims) > 1:
        for claim in claims:
            if not drained.away:
                _send([claim], send, drained)
    elif outcome.fate is Fate.REFUSED:
        _settle(claims, drained, sent=0, refused=spans, why=outcome.said)
    else:
        drained.left_because = outcome.said


def _settle(claims: Sequence[Claim], drained: Drained, *, sent: int, refused: int, why: str) -> None:
    for claim in claims:
        claim.done()
    drained.sent += sent
    if refused:
        drained.refused += refused
        drained.refusal = why


def _batches(claims: Iterator[Claim]) -> Generator[list[Claim], None, None]:
    batch: list[Claim] = []
    try:
        for claim in claims:
            if batch and _size(batch) + len(claim.parcel.records) > BATCH_RECORDS:
                full, batch = batch, [claim]
                yield full
            else:
                batch.append(claim)
        if batch:
            yield batch
    finally:
        # The one that was begun, and then not asked for because the receiver is away.
        for claim in batch:
            claim.give_back()


def _size(claims: Sequence[Claim]) -> int:
    return sum(len(claim.parcel.records) for claim in claims)
