"""An answer comes after the commit, and says the truth about it."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from handmade.otlp import Otlp
from otel_vsm_collector.keep import writer as writer_module
from otel_vsm_collector.keep.writer import Writer
from otel_vsm_collector.spans.accept import Accepted, AcceptedSpans, Counts, Outcome, Verdict, accept
from otel_vsm_collector.stores.journal import Journal, StorageError

ALL_WELL = Verdict(Outcome.ACCEPTED)


class Rig:
    """A writer over a journal that can be held up, and can fail."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path / "journal.sqlite")
        self.entries: list[tuple[int, AcceptedSpans] | None] = []
        self.counts = Counts()
        self.fault: str | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self.held_up = threading.Event()
        self._try, self.journal.try_room = self.journal.try_room, self._tried  # type: ignore[method-assign]
        self._append, self.journal.append = self.journal.append, self._held_up  # type: ignore[method-assign]
        self.writer = Writer(self.journal, self._on_commit, lambda: None)

    def _held_up(self, requests: Sequence[bytes], unmapped: Sequence[bytes] = ()) -> int:
        self.held_up.set()
        self.go_on.wait()
        if self.fault is not None:
            raise StorageError(self.fault)
        return self._append(requests, unmapped)

    def _tried(self) -> None:
        if self.fault is not None:
            raise StorageError(self.fault)
        self._try()

    def _on_commit(self, entry: tuple[int, AcceptedSpans] | None, counts: Counts) -> None:
        self.entries.append(entry)
        self.counts += counts

    async def held(self, payload: bytes) -> "asyncio.Task[Verdict]":
        """Hands in a payload and comes back when the writer is at work on it, held up."""
        self.go_on.clear()
        self.held_up.clear()
        task = asyncio.create_task(self.writer.submit(payload))
        await asyncio.to_thread(self.held_up.wait)
        return task

    @property
    def rows(self) -> list[bytes]:
        return [row.body for row in self.journal.read(1, self.journal.last_seq)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.go_on.set()
    rig.writer.close()


def test_the_answer_comes_after_the_commit(rig: Rig, otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span())

    async def run() -> None:
        task = await rig.held(payload)
        assert not task.done()
        assert (rig.rows, rig.entries) == ([], [])
        rig.go_on.set()
        assert await task == ALL_WELL
        assert rig.rows == [payload]
        assert len(rig.entries) == 1

    asyncio.run(run())


def test_what_waits_is_committed_together_and_answered_each(rig: Rig, otlp: Otlp) -> None:
    payloads = [otlp.payload(otlp.span()) for _ in range(10)]
    faulty = otlp.payload(otlp.span(trace_id=b""))

    async def run() -> list[Verdict]:
        first = await rig.held(payloads[0])
        others = [
            asyncio.create_task(rig.writer.submit(payload))
            for payload in (*payloads[1:], faulty, b"\xff\xff")
        ]
        await asyncio.sleep(0)
        rig.go_on.set()
        return await asyncio.gather(first, *others)

    verdicts = asyncio.run(run())
    assert verdicts[:10] == [ALL_WELL] * 10
    assert verdicts[10].rejected == 1
    assert verdicts[11].outcome is Outcome.MALFORMED
    assert rig.rows == [payloads[0], b"".join(payloads[1:])]
    assert rig.counts == Counts(received=11, rejected=1, kept=10)


def test_a1_10_a_disk_that_is_full_is_told_as_busy_and_keeps_nothing(rig: Rig, otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span())

    async def run() -> None:
        rig.fault = "database or disk is full"
        verdict = await rig.writer.submit(payload)
        assert verdict.outcome is Outcome.BUSY
        assert "database or disk is full" in verdict.message
        assert (rig.rows, rig.entries, rig.counts) == ([], [], Counts())
        rig.fault = None
        assert await rig.writer.submit(payload) == ALL_WELL

    asyncio.run(run())
    assert rig.rows == [payload]


def test_that_nothing_can_be_stored_is_known_until_it_can_be_without_a_sender(
    rig: Rig, otlp: Otlp, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.05)

    async def run() -> None:
        rig.fault = "database or disk is full"
        for _ in range(5):
            await rig.writer.submit(otlp.payload(otlp.span()))
        assert rig.writer.failure == "spans cannot be stored: database or disk is full"
        rig.fault = None
        while rig.writer.failure is not None:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), 20))
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "spans cannot be stored",
        "spans can be stored again",
    ]


def test_the_senders_fault_stays_the_senders_while_the_disk_is_full(rig: Rig, otlp: Otlp) -> None:
    async def run() -> list[Verdict]:
        first = await rig.held(otlp.payload(otlp.span()))
        rig.fault = "database or disk is full"
        others = [asyncio.create_task(rig.writer.submit(p)) for p in (b"\xff\xff", otlp.payload(otlp.span()))]
        await asyncio.sleep(0)
        rig.go_on.set()
        return await asyncio.gather(first, *others)

    outcomes = [verdict.outcome for verdict in asyncio.run(run())]
    assert outcomes == [Outcome.BUSY, Outcome.MALFORMED, Outcome.BUSY]


def test_more_than_may_wait_is_told_as_busy(rig: Rig, otlp: Otlp, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = otlp.payload(otlp.span())
    monkeypatch.setattr(writer_module, "WAITING_BYTES", 2 * len(payload))

    async def run() -> list[Verdict]:
        first = await rig.held(payload)
        others = [asyncio.create_task(rig.writer.submit(payload)) for _ in range(3)]
        await asyncio.sleep(0)
        rig.go_on.set()
        return await asyncio.gather(first, *others)

    outcomes = [verdict.outcome for verdict in asyncio.run(run())]
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.BUSY]


def test_a_request_larger_than_what_may_wait_is_taken_when_none_waits(
    rig: Rig, otlp: Otlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "WAITING_BYTES", 1)
    assert asyncio.run(rig.writer.submit(otlp.payload(otlp.span()))) == ALL_WELL


def test_a_fault_of_ours_with_one_request_leaves_the_others(
    rig: Rig, otlp: Otlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = otlp.payload(otlp.span())

    def poisoned(payloads: Sequence[bytes], **settings: Any) -> Accepted:
        if poison in payloads:
            raise AssertionError("a fault of ours")
        return accept(payloads, **settings)

    monkeypatch.setattr(writer_module, "accept", poisoned)

    async def run() -> list[Verdict]:
        first = await rig.held(otlp.payload(otlp.span()))
        others = [asyncio.create_task(rig.writer.submit(p)) for p in (poison, otlp.payload(otlp.span()))]
        await asyncio.sleep(0)
        rig.go_on.set()
        return await asyncio.gather(first, *others)

    outcomes = [verdict.outcome for verdict in asyncio.run(run())]
    assert outcomes == [Outcome.ACCEPTED, Outcome.BUSY, Outcome.ACCEPTED]


def test_a1_16_what_was_taken_is_answered_at_the_end_and_nothing_is_taken_after(rig: Rig, otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span())

    async def run() -> None:
        first = await rig.held(payload)
        waiting = asyncio.create_task(rig.writer.submit(payload))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(rig.writer.close))
        rig.go_on.set()
        assert [await first, await waiting] == [ALL_WELL, ALL_WELL]
        await closing
        assert (await rig.writer.submit(payload)).outcome is Outcome.BUSY

    asyncio.run(run())
    assert len(rig.rows) == 2


def test_spans_without_delivery_need_no_commit(rig: Rig, otlp: Otlp) -> None:
    assert asyncio.run(rig.writer.submit(otlp.payload(otlp.span({})))) == ALL_WELL
    assert (rig.rows, rig.entries) == ([], [None])
    assert rig.counts == Counts(received=1, filtered=1)
