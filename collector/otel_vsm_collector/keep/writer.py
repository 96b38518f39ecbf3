"""Group commit: one thread accepts what is waiting, makes it durable at once, and only then answers."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from otel_vsm_collector.keep.telemetry import Telemetry
from otel_vsm_collector.spans.accept import (
    CLASSIFIER,
    NOTHING_UNMAPPED,
    Accepted,
    AcceptedSpans,
    Counts,
    Outcome,
    Verdict,
    accept,
)
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.stores.journal import Journal, StorageError

GROUP_BYTES = 2 << 20
"""Decoding costs less per span in groups, and more again once they outgrow the processor's caches."""
WAITING_BYTES = 128 << 20
"""What may wait in memory; more is answered as busy."""

RETRY_S = 1.0
"""How often it is tried whether something can be stored again."""

_FULL = (
    "spans of tools that this version has no mapping for take as much of the journal as they may, and more of"
    " them are not kept; allow more with unmapped_mib under telemetry in vsm.yaml, or 0 to keep none"
)

_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    payload: bytes
    answer: "asyncio.Future[Verdict]"
    loop: asyncio.AbstractEventLoop


class Writer:
    """Call `submit` from event loops.

    In the writer's thread, `on_commit` is called before the answers, with what was kept and its number in
    the journal (None where nothing was kept) and the counts; `after_answers` is for work that can wait.
    `say` is told, once, that there is no more room for spans that no mapping is about.
    """

    def __init__(
        self,
        journal: Journal,
        on_commit: Callable[[tuple[int, AcceptedSpans] | None, Counts], None],
        after_answers: Callable[[], None],
        *,
        classifier: Classifier = CLASSIFIER,
        unmapped: Unmapped = NOTHING_UNMAPPED,
        telemetry: Telemetry | None = None,
        say: Callable[[str], None] = _log.warning,
    ) -> None:
        self._journal, self._classifier, self._say = journal, classifier, say
        self._on_commit, self._after_answers = on_commit, after_answers
        self._unmapped = unmapped
        self._telemetry = telemetry or Telemetry()
        self._said_full = False
        self.failure: str | None = None
        """Why nothing can be stored now; None while it can."""
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    async def submit(self, payload: bytes) -> Verdict:
        """The verdict on an OTLP trace request in protobuf, once what is kept of it is durable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()
        with self._wake:
            if self._closing:
                return Verdict(Outcome.BUSY, "the collector is shutting down; send it again later")
            if self._waiting and self._waiting_bytes + len(payload) > WAITING_BYTES:
                return Verdict(
                    Outcome.BUSY,
                    "the collector has more to store than it can keep up with; send it again later",
                )
            self._waiting.append(_Waiting(payload, answer, loop))
            self._waiting_bytes += len(payload)
            self._wake.notify()
        return await answer

    def keep_unmapped(self, unmapped: Unmapped) -> None:
        """From now on, keeps these of the spans that no mapping is about."""
        self._unmapped, self._said_full = unmapped, False

    def close(self) -> None:
        """Answers what is waiting, and takes nothing more."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            verdicts = self._store([waiting.payload for waiting in group])
            _answer(group, verdicts)
            self._after_answers()

    def _next_group(self) -> list[_Waiting]:
        with self._wake:
            while not self._waiting and not self._closing:
                # Who is told that nothing can be stored may send nothing until it can be.
                if not self._wake.wait(None if self.failure is None else RETRY_S):
                    self._try()
            group: list[_Waiting] = []
            size = 0
            while self._waiting and (not group or size + len(self._waiting[0].payload) <= GROUP_BYTES):
                group.append(self._waiting.popleft())
                size += len(group[-1].payload)
            self._waiting_bytes -= size
            return group

    def _store(self, payloads: Sequence[bytes]) -> list[Verdict]:
        try:
            unmapped = self._unmapped
            accepted = accept(
                payloads,
                classifier=self._classifier,
                unmapped=unmapped,
                room=unmapped.max_bytes - self._journal.unmapped_bytes,
            )
        except BaseException:
            # A fault of ours, or a panic in Rust, which is no Exception; signals end in another thread.
            # Others that only happened to wait beside it must not suffer.
            if len(payloads) > 1:
                return [verdict for payload in payloads for verdict in self._store([payload])]
            _log.exception("a request of %d bytes could not be read; please report this", len(payloads[0]))
            return [Verdict(Outcome.BUSY, "the collector failed to read the request; its log says why")]
        return self._commit(accepted)

    def _try(self) -> None:
        try:
            self._journal.try_room()
        except StorageError as error:
            self.failure = f"spans cannot be stored: {error}"
        else:
            self._recovered()

    def _recovered(self) -> None:
        if self.failure is not None:
            self.failure = None
            _log.warning("spans can be stored again")

    def _commit(self, accepted: Accepted) -> list[Verdict]:
        entry = None
        if accepted.spans is not None:
            try:
                entry = self._journal.append(accepted.journal, accepted.unmapped), accepted.spans
                self._recovered()
            except StorageError as error:
                if self.failure is None:
                    _log.error("spans cannot be stored, senders are asked to try again later: %s", error)
                self.failure = f"spans cannot be stored: {error}"
                busy = Verdict(
                    Outcome.BUSY, f"the spans could not be stored ({error}); send them again later"
                )
                return [
                    verdict if verdict.outcome is Outcome.MALFORMED else busy for verdict in accepted.verdicts
                ]
        if accepted.out_of_room and not self._said_full:
            self._said_full = True
            self._say(_FULL)
        self._telemetry.count(accepted.sources)
        self._on_commit(entry, accepted.counts)
        return accepted.verdicts


def _answer(group: Sequence[_Waiting], verdicts: Sequence[Verdict]) -> None:
    """One wake-up per event loop for the whole group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Verdict], Verdict]]] = {}
    for waiting, verdict in zip(group, verdicts, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting.answer, verdict))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, answers)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            _log.debug("%d answers had nobody to go to", len(answers))


def _resolve(answers: "list[tuple[asyncio.Future[Verdict], Verdict]]") -> None:
    for answer, verdict in answers:
        if not answer.done():
            answer.set_result(verdict)
