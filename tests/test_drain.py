"""Sending the spool: in large requests, and past what a receiver will not take."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.factories import NewRecord
from otel_vsm.export.drain import DrainResult, Send, drain
from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import Spool
from otel_vsm.identity import SpanId, SpanReference, TraceId
from otel_vsm.record import BATCH_RECORDS

ACCEPTED = ExportResult(Outcome.ACCEPTED)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def keep(spool: Spool, new_record: NewRecord) -> Callable[..., None]:
    def put(*names: str) -> None:
        spool.put(Parcel(resource={}, records=tuple(map(new_record, names)))).release()

    return put


class Receiver:
    """Takes requests as `answer` says, and remembers the names of the spans in each."""

    def __init__(self, answer: Callable[[list[str]], ExportResult]) -> None:
        self.requests: list[list[str]] = []
        self._answer = answer

    def __call__(self, parcels: Sequence[Parcel]) -> ExportResult:
        self.requests.append([record.name for parcel in parcels for record in parcel.records])
        return self._answer(self.requests[-1])


def drained(spool: Spool, send: Send) -> DrainResult:
    result = DrainResult()
    drain(spool, send, result)
    return result


def names_left(spool: Spool) -> list[str]:
    entries = list(spool.locked_entries())
    for entry in entries:
        entry.release()
    return [record.name for entry in entries for record in entry.parcel.records]


def test_many_parcels_go_in_one_request(spool: Spool, keep: Callable[..., None]) -> None:
    for name in "abc":
        keep(name)
    receiver = Receiver(lambda names: ACCEPTED)
    assert drained(spool, receiver) == DrainResult(sent=3)
    assert receiver.requests == [["a", "b", "c"]]
    assert names_left(spool) == []


def test_requests_are_bounded(spool: Spool, keep: Callable[..., None]) -> None:
    keep(*["a"] * (BATCH_RECORDS - 1))
    keep("b")
    keep("c", "d")
    keep(*["e"] * (BATCH_RECORDS + 1))
    receiver = Receiver(lambda names: ACCEPTED)
    drained(spool, receiver)
    assert list(map(len, receiver.requests)) == [BATCH_RECORDS, 2, BATCH_RECORDS + 1]


def test_requests_are_bounded_whatever_links_there_are(spool: Spool, new_record: NewRecord) -> None:
    """200 links are as much as 25 spans."""
    deployment = new_record(ancestors=(SpanReference(TraceId("ab" * 16), SpanId("cd" * 8)),) * 200)
    for _ in range(BATCH_RECORDS // 26 + 1):
        spool.put(Parcel(resource={}, records=(deployment,))).release()
    receiver = Receiver(lambda names: ACCEPTED)
    drained(spool, receiver)
    assert list(map(len, receiver.requests)) == [BATCH_RECORDS // 26, 1]


def test_what_is_at_fault_does_not_hold_up_the_rest(spool: Spool, keep: Callable[..., None]) -> None:
    for name in ("a", "poison", "b"):
        keep(name)
    receiver = Receiver(lambda names: ExportResult(Outcome.REFUSED, "no") if "poison" in names else ACCEPTED)
    result = drained(spool, receiver)
    assert receiver.requests == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]
    assert (result.sent, result.refused, result.refused_reason) == (2, 1, "no")
    assert names_left(spool) == []


def test_where_nobody_is_there_all_is_left(spool: Spool, keep: Callable[..., None]) -> None:
    for _ in range(3):
        keep(*["a"] * BATCH_RECORDS)
    receiver = Receiver(lambda names: ExportResult(Outcome.UNAVAILABLE, "refused"))
    assert drained(spool, receiver) == DrainResult(unavailable=True, left_reason="refused")
    assert len(receiver.requests) == 1
    assert len(names_left(spool)) == 3 * BATCH_RECORDS


def test_a_receiver_that_goes_away_in_between_is_not_asked_again(
    spool: Spool, keep: Callable[..., None]
) -> None:
    for name in ("poison", "a", "b", "c"):
        keep(name)
    outcomes = iter([Outcome.REFUSED, Outcome.REFUSED, Outcome.UNAVAILABLE])
    result = drained(spool, Receiver(lambda names: ExportResult(outcome := next(outcomes), outcome.name)))
    assert (result.refused, result.left_reason) == (1, "UNAVAILABLE")
    assert names_left(spool) == ["a", "b", "c"]


def test_rejected_spans_are_gone_and_counted(spool: Spool, keep: Callable[..., None]) -> None:
    keep("a", "b", "c")
    result = drained(spool, Receiver(lambda names: ExportResult(Outcome.ACCEPTED, "no id", rejected=1)))
    assert (result.sent, result.refused, result.refused_reason) == (2, 1, "no id")
    assert names_left(spool) == []


def test_what_another_process_sends_is_left_to_it(spool: Spool, keep: Callable[..., None]) -> None:
    keep("a")
    (theirs,) = spool.locked_entries()
    keep("b")
    receiver = Receiver(lambda names: ACCEPTED)
    drained(spool, receiver)
    assert receiver.requests == [["b"]]
    theirs.release()
    assert names_left(spool) == ["a"]
