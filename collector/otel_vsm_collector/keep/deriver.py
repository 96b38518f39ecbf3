"""The deriving thread: takes what the journal has, in its order, into the ledger and its facts."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from otel_vsm_collector.keep.backlog import Backlog
from otel_vsm_collector.keep.pace import GATHER_SPANS, Pace
from otel_vsm_collector.spans.accept import AcceptedSpans
from otel_vsm_collector.stores.duckdb.ledger import Ledger, MakeRefreshing
from otel_vsm_collector.stores.journal import Journal

RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Run(NamedTuple):
    """What one run of deriving did."""

    duration_s: float
    repeated: int
    """Spans that were known already."""
    succeeded: bool


class _Following(NamedTuple):
    """Other definitions, that facts are to follow from now on."""

    refreshing: MakeRefreshing
    on_start: Callable[[], None]


class _Reader(NamedTuple):
    """A coroutine that waits for the ledger to reach a row of the journal."""

    seq: int
    loop: asyncio.AbstractEventLoop
    reached: "asyncio.Future[None]"


class Deriver:
    """`on_run` is called in the deriving thread after each run, `on_open_again` when the ledger was opened
    again, as it was some runs before."""

    def __init__(
        self,
        journal: Journal,
        backlog: Backlog,
        ledger: Ledger,
        on_run: Callable[[Run], None],
        on_open_again: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal, self._backlog, self._ledger, self._on_run = journal, backlog, ledger, on_run
        self._on_open_again = on_open_again
        self._pace = Pace()
        self._readers: list[_Reader] = []
        self._wake = threading.Condition()
        self._behind_since = time.monotonic()
        self._closing = self._abandoned = False
        self._following: _Following | None = None
        self.position = ledger.position
        """The last row of the journal that is derived."""
        self.failure: str | None = None
        """What went wrong in the last run; None while all is well."""
        self._thread = threading.Thread(target=self._run, name="deriver", daemon=True)
        self._thread.start()

    def offer(self, seq: int, accepted: AcceptedSpans) -> None:
        """Tells of a new row of the journal, once it is durable; in order, from one thread."""
        with self._wake:
            was_behind = self._is_behind()
            self._backlog.offer(seq, accepted)
            if not was_behind:
                self._behind_since = time.monotonic()
            if not was_behind or self._backlog.spans >= GATHER_SPANS:
                self._wake.notify()

    def follow(self, refreshing: MakeRefreshing, on_start: Callable[[], None]) -> None:
        """Derives everything again, by other definitions; `on_start` is called in the deriving thread,
        when what the old ones gave is gone."""
        with self._wake:
            self._following = _Following(refreshing, on_start)
            self._wake.notify()

    async def caught_up(self, timeout_s: float) -> float:
        """Waits until all that was offered before the call is derived, for at most `timeout_s` seconds.

        The lag in seconds: 0.0 when all of it is derived, else as `lag_s`.
        """
        loop = asyncio.get_running_loop()
        with self._wake:
            if not self._is_behind():
                return 0.0
            reader = _Reader(self._backlog.last_seq, loop, loop.create_future())
            self._readers.append(reader)
            self._wake.notify()
        try:
            await asyncio.wait_for(reader.reached, timeout_s)
        except TimeoutError:
            return self.lag_s()
        finally:
            with self._wake:
                self._readers = [other for other in self._readers if other is not reader]
        return 0.0

    def lag_s(self) -> float:
        """For how many seconds the oldest span that is not derived has been kept; 0.0 where there is none."""
        with self._wake:
            if not self._is_behind():
                return 0.0
            oldest = self.position + 1
        received_at = self._journal.received_at(oldest)
        # A clock that was set back must not make a lag look like none.
        return max(0.001, (time.time_ns() - received_at) / 1e9) if received_at is not None else 0.001

    def close(self, timeout_s: float) -> None:
        """Derives what is left, for at most `timeout_s` seconds; the rest waits for the next start."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout_s)
        self._abandoned = True
        while self._thread.is_alive():
            # An interrupt reaches only a statement that is running, and a run has many.
            self._ledger.interrupt()
            self._thread.join(0.05)

    def _is_behind(self) -> bool:
        return self.position < self._backlog.last_seq

    def _run(self) -> None:
        while self._wait_until_due():
            started_at = time.monotonic()
            repeated, error = 0, None
            try:
                repeated = self._derive()
            except BaseException as caught:  # a panic in Rust is no Exception; signals end in another thread
                error = caught
            ended_at = time.monotonic()
            self._pace.ran(started_at, ended_at)
            # Before readers are told: what it counts is true when they read.
            self._on_run(Run(ended_at - started_at, repeated, error is None))
            if error is None:
                self.failure = None
                self._advance()
            elif self._abandoned or not self._rest(error):
                return

    def _wait_until_due(self) -> bool:
        """True when there is something to derive now, False when the thread has to end."""
        with self._wake:
            while not self._abandoned:
                if self._following or self._ledger.is_given_up:
                    return True
                if not self._is_behind():
                    if self._closing:
                        return False
                    self._wake.wait()
                    continue
                due_in_s = self._pace.due_in(
                    time.monotonic(),
                    since=self._behind_since,
                    spans=self._backlog.spans,
                    asked=bool(self._readers) or self._closing or self._backlog.has_left(self.position + 1),
                )
                if due_in_s <= 0:
                    return True
                self._wake.wait(due_in_s)
            return False

    def _derive(self) -> int:
        """One step, from the ledger's position on; gives how many of its spans were known already."""
        if self._ledger.is_given_up:
            self._ledger.open_again()
            self._on_open_again()
            return 0
        if following := self._following:
            self._ledger.follow(following.refreshing)
            following.on_start()
            with self._wake:
                if self._following is following:
                    self._following = None
            return 0
        first_seq = self.position + 1
        self._ledger.hurry(self._backlog.has_left(first_seq))
        chunks, last_seq = self._backlog.take(first_seq)
        repeated = self._ledger.apply(
            chunks, first_seq, last_seq, self._journal.arrivals(first_seq, last_seq)
        )
        self._ledger.hurry(self._backlog.has_left(last_seq + 1))
        return repeated

    def _rest(self, error: BaseException) -> bool:
        """Waits before the next try; False where there will be none."""
        failure = f"deriving fails: {error}"
        if failure != self.failure:  # it is tried every second
            _log.error("deriving failed and is tried again; nothing is lost meanwhile", exc_info=error)
        self.failure = failure
        with self._wake:
            return not self._wake.wait_for(lambda: self._closing, RETRY_S)

    def _advance(self) -> None:
        with self._wake:
            self.position = last_seq = self._ledger.position
            self._behind_since = time.monotonic()
            for reader in self._readers:
                if reader.seq <= last_seq:
                    _notify(reader)
            self._readers = [reader for reader in self._readers if reader.seq > last_seq]


def _notify(reader: _Reader) -> None:
    try:
        reader.loop.call_soon_threadsafe(_resolve, reader.reached)
    except RuntimeError:
        # Its loop is closed, so it waits no more.
        _log.debug("a reader is gone")


def _resolve(reached: "asyncio.Future[None]") -> None:
    if not reached.done():
        reached.set_result(None)
