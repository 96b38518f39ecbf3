"""The one function that accepts: which spans are kept, which are refused, and what the sender is told.

Errors are sorted here into the sender's fault, which sending again would not mend, and everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self

import numpy as np
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm import semconv
from otel_vsm_collector.spans.decode import Decoded, Mask, decode, owners_with_key, sized
from otel_vsm_collector.spans.wire import UndecodableError

_SPAN_PREFIXES = ("vsm.", "cicd.", "vcs.", "artifact.", "deployment.")
_RESOURCE_PREFIXES = ("cicd.", "vsm.")
# The hook in a service puts these on all of its telemetry to say which change runs, so on a resource
# they tell nothing of delivery work.
_CONTEXT = (semconv.VSM_CHANGE_ID, semconv.VSM_TEAM, semconv.VSM_VALUE_STREAM, semconv.VSM_WORK_ITEM_ID)


class Outcome(Enum):
    ACCEPTED = "accepted"
    MALFORMED = "malformed"
    """The sender's fault; sending it again gives the same."""
    BUSY = "busy"
    """Nothing of it was kept; sending it again later may work."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sender is told about one request."""

    outcome: Outcome
    message: str = ""
    rejected: int = 0
    """Spans of an accepted request that were refused, for the reasons that the message gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Spans by what became of them; received = rejected + filtered + kept."""

    received: int = 0
    rejected: int = 0
    filtered: int = 0
    kept: int = 0

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            received=self.received + other.received,
            rejected=self.rejected + other.rejected,
            filtered=self.filtered + other.filtered,
            kept=self.kept + other.kept,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The spans to keep, in the order in which the journal's bytes tell them."""

    decoded: Decoded
    rows: Mask
    """Which of the decoded spans."""

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    verdicts: list[Verdict]
    """One per payload."""
    journal: list[bytes] = field(default_factory=list)
    """OTLP requests that hold exactly the kept spans; empty where nothing is kept."""
    kept: Kept | None = None
    counts: Counts = Counts()


def accept(payloads: Sequence[bytes]) -> Accepted:
    """Judge OTLP trace requests in protobuf, together, since most of the cost is per call."""
    verdicts = [Verdict(Outcome.ACCEPTED)] * len(payloads)
    sound = list(range(len(payloads)))
    try:
        decoded = decode(payloads)
    except UndecodableError:
        sound, faults = _one_by_one(payloads)
        for index, message in faults.items():
            verdicts[index] = Verdict(Outcome.MALFORMED, message)
        decoded = decode([payloads[index] for index in sound])

    rejections = _rejections(decoded)
    valid = ~np.logical_or.reduce(list(rejections.values()))
    rows = valid & of_delivery(decoded)
    journal: list[bytes] = []
    if rows.all():
        journal, sound = [payloads[index] for index in sound if payloads[index]], []
    for position, index in enumerate(sound):
        of_request = decoded.payload == position
        if not valid[of_request].all():
            verdicts[index] = _partial(rejections, of_request)
        kept = rows[of_request]
        if kept.all():
            if len(kept):
                journal.append(payloads[index])
        elif kept.any():
            try:
                journal.append(without(payloads[index], ~kept))
            except DecodeError as error:
                # Malformed where nothing is read from, so that it went unseen so far.
                verdicts[index] = Verdict(
                    Outcome.MALFORMED, f"the body is no OTLP trace request in protobuf: {error}"
                )
                rows &= ~of_request
                valid &= ~of_request
    counts = Counts(
        received=len(decoded),
        rejected=int(np.count_nonzero(~valid)),
        filtered=int(np.count_nonzero(valid & ~rows)),
        kept=int(np.count_nonzero(rows)),
    )
    kept_spans = Kept(decoded=decoded, rows=rows) if counts.kept else None
    return Accepted(verdicts=verdicts, journal=journal, kept=kept_spans, counts=counts)


def of_delivery(decoded: Decoded) -> Mask:
    """Which spans say something of delivery, by themselves or because a CI system is their resource."""
    own = owners_with_key(decoded.span_attributes, decoded.span_keys, len(decoded), prefixes=_SPAN_PREFIXES)
    resources = owners_with_key(
        decoded.resource_attributes,
        decoded.resource_keys,
        decoded.resources,
        prefixes=_RESOURCE_PREFIXES,
        but=_CONTEXT,
    )
    return own | resources[decoded.resource]


def without(payload: bytes, dropped: Mask) -> bytes:
    """The request without the spans whose turn in `dropped` is true; DecodeError if it is malformed."""
    request = ExportTraceServiceRequest.FromString(payload)
    turn = iter(dropped)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            kept = [span for span in scope_spans.spans if not next(turn)]
            del scope_spans.spans[:]
            scope_spans.spans.extend(kept)
    return request.SerializeToString()


def _one_by_one(payloads: Sequence[bytes]) -> tuple[list[int], dict[int, str]]:
    sound, faults = [], {}
    for index, payload in enumerate(payloads):
        try:
            decode([payload])
        except UndecodableError as error:
            faults[index] = str(error)
        else:
            sound.append(index)
    return sound, faults


def _rejections(decoded: Decoded) -> dict[str, Mask]:
    """Which spans cannot be kept, by the first reason that applies."""
    trace = ~sized(decoded.trace_id, 16)
    span = ~sized(decoded.span_id, 8) & ~trace
    # A span that began in 1970 would be the start of its change.
    time = (decoded.start == 0) & (decoded.end == 0) & ~trace & ~span
    return {
        "without a trace id of 16 bytes that are not all zero": trace,
        "without a span id of 8 bytes that are not all zero": span,
        "with neither a start nor an end time": time,
    }


def _partial(rejections: dict[str, Mask], of_request: Mask) -> Verdict:
    counts = {reason: int(np.count_nonzero(mask & of_request)) for reason, mask in rejections.items()}
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
    total = sum(counts.values())
    spans = "span was" if total == 1 else "spans were"
    return Verdict(Outcome.ACCEPTED, f"{total} {spans} rejected: {reasons}", total)
