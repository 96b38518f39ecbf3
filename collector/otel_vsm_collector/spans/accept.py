"""The one function that accepts: which spans are kept, which are refused, and what the sender is told.

Errors are sorted here into the sender's fault, which sending again would not mend, and everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self

import numpy as np
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm_collector.spans.classify import UNMAPPED, Classes, Classifier
from otel_vsm_collector.spans.decode import Decoded, Mask, decode, sized
from otel_vsm_collector.spans.sources import Source, SourceCounts, counts_by_source
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.spans.wire import NO_REQUEST, UndecodableError

CLASSIFIER = Classifier()
"""By all the mappings that there are."""
NOTHING_UNMAPPED = Unmapped()


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
    """Spans by what became of them; received = rejected + filtered + unmapped + kept."""

    received: int = 0
    rejected: int = 0
    filtered: int = 0
    unmapped: int = 0
    kept: int = 0

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            received=self.received + other.received,
            rejected=self.rejected + other.rejected,
            filtered=self.filtered + other.filtered,
            unmapped=self.unmapped + other.unmapped,
            kept=self.kept + other.kept,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedSpans:
    """The spans that become rows of the ledger, in the order in which the journal's bytes tell them."""

    decoded: Decoded
    classes: Classes
    """Of each decoded span the mapping that makes a row of it; below zero where there is none."""
    classifier: Classifier
    """By which they were decoded and classified."""

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.classes >= 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    verdicts: list[Verdict]
    """One per payload."""
    journal: list[bytes] = field(default_factory=list)
    """OTLP requests that hold exactly the spans that are kept; empty where none is."""
    unmapped: list[bytes] = field(default_factory=list)
    """OTLP requests that hold exactly the spans that are kept for mappings of later versions."""
    out_of_room: bool = False
    """Whether spans were filtered that would have been kept for later, had there been room."""
    spans: AcceptedSpans | None = None
    """None where there is nothing for the journal."""
    counts: Counts = Counts()
    sources: Mapping[Source, SourceCounts] = field(default_factory=dict)
    """The same by who sent them."""


def accept(
    payloads: Sequence[bytes],
    *,
    classifier: Classifier = CLASSIFIER,
    unmapped: Unmapped = NOTHING_UNMAPPED,
    room: int = 0,
) -> Accepted:
    """Judge OTLP trace requests in protobuf, together, since most of the cost is per call.

    `unmapped` says which spans are kept though no mapping is about them, in `room` bytes at most.
    """
    verdicts, sound, decoded = _decoded(payloads, classifier)
    rejections = _rejections(decoded)
    valid = ~np.logical_or.reduce(list(rejections.values()))
    classes = classifier.classify(decoded)
    mapped = valid & (classes >= 0)
    if mapped.all():
        everything = AcceptedSpans(decoded=decoded, classes=classes, classifier=classifier)
        return Accepted(
            verdicts=verdicts,
            journal=[payloads[index] for index in sound if payloads[index]],
            spans=everything if len(decoded) else None,
            counts=Counts(received=len(decoded), kept=len(decoded)),
            sources=_by_source(decoded, classes, classifier, valid),
        )

    later = unmapped.among(decoded, valid & (classes == UNMAPPED))
    journal, journal_for_later, out_of_room = list[bytes](), list[bytes](), False
    for position, index in enumerate(sound):
        of_request = decoded.payload == position
        if not valid[of_request].all():
            verdicts[index] = _partial(rejections, of_request)
        try:
            request = only(payloads[index], mapped[of_request])
            request_for_later = only(payloads[index], later[of_request])
        except DecodeError as error:
            # Malformed where nothing is read from, so that it went unseen so far.
            verdicts[index] = Verdict(Outcome.MALFORMED, f"{NO_REQUEST}: {error}")
            for mask in (valid, mapped, later):
                mask &= ~of_request
            continue
        if request_for_later and len(request_for_later) > room:
            out_of_room = True
            later &= ~of_request
            request_for_later = b""
        room -= len(request_for_later)
        journal += [request] if request else []
        journal_for_later += [request_for_later] if request_for_later else []
    classes[~mapped] = UNMAPPED
    sources = _by_source(decoded, classes, classifier, valid, later)
    counts = Counts(
        received=len(decoded),
        rejected=int(np.count_nonzero(~valid)),
        filtered=int(np.count_nonzero(valid & ~mapped & ~later)),
        unmapped=int(np.count_nonzero(later)),
        kept=int(np.count_nonzero(mapped)),
    )
    spans = AcceptedSpans(decoded=decoded, classes=classes, classifier=classifier)
    return Accepted(
        verdicts=verdicts,
        journal=journal,
        unmapped=journal_for_later,
        out_of_room=out_of_room,
        spans=spans if counts.kept or counts.unmapped else None,
        counts=counts,
        sources=sources,
    )


def accept_again(requests: Sequence[bytes], classifier: Classifier = CLASSIFIER) -> AcceptedSpans:
    """The spans of requests from the journal that become rows, by the mappings that there are now.

    UndecodableError if a request is malformed, which is damage there.
    """
    decoded = decode(requests, classifier.known_keys)
    return AcceptedSpans(decoded=decoded, classes=classifier.classify(decoded), classifier=classifier)


def only(payload: bytes, wanted: Mask) -> bytes:
    """The request with only the spans whose turn in `wanted` is true; empty where none is.

    DecodeError if something has to be left out of it and it is malformed.
    """
    if wanted.all():
        return payload if len(wanted) else b""
    if not wanted.any():
        return b""
    request = ExportTraceServiceRequest.FromString(payload)
    turn = iter(wanted)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            remaining = [span for span in scope_spans.spans if next(turn)]
            del scope_spans.spans[:]
            scope_spans.spans.extend(remaining)
    return request.SerializeToString()


def _decoded(payloads: Sequence[bytes], classifier: Classifier) -> tuple[list[Verdict], list[int], Decoded]:
    """A verdict on each payload, which of them are sound, and the spans of those."""
    verdicts = [Verdict(Outcome.ACCEPTED)] * len(payloads)
    sound = list(range(len(payloads)))
    try:
        return verdicts, sound, decode(payloads, classifier.known_keys)
    except UndecodableError:
        for index, payload in enumerate(payloads):
            try:
                decode([payload], classifier.known_keys)
            except UndecodableError as error:
                verdicts[index] = Verdict(Outcome.MALFORMED, str(error))
                sound.remove(index)
        return verdicts, sound, decode([payloads[index] for index in sound], classifier.known_keys)


def _by_source(
    decoded: Decoded, classes: Classes, classifier: Classifier, valid: Mask, later: Mask | None = None
) -> Mapping[Source, SourceCounts]:
    return counts_by_source(
        decoded.scope,
        decoded.scope_names,
        classes,
        [mapping.name for mapping in classifier.mappings],
        valid=valid,
        later=np.zeros(len(decoded), dtype=np.bool_) if later is None else later,
    )


def _rejections(decoded: Decoded) -> dict[str, Mask]:
    """Which spans cannot be kept, by the first reason that applies."""
    spans = decoded.spans
    trace = ~sized(spans.trace_id, 16)
    span = ~sized(spans.span_id, 8) & ~trace
    # A span that began in 1970 would be the start of its change.
    time = (spans.start == 0) & (spans.end == 0) & ~trace & ~span
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
