"""What is kept, as the transports, the API and the metrics see it."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from otel_vsm_collector.keep.backlog import Backlog
from otel_vsm_collector.keep.deriver import Deriver, Run
from otel_vsm_collector.keep.telemetry import Telemetry
from otel_vsm_collector.keep.writer import Writer
from otel_vsm_collector.spans.accept import CLASSIFIER, NOTHING_UNMAPPED, AcceptedSpans, Counts, Verdict
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.stores.duckdb.ledger import MakeRefreshing, ledger_path, open_ledger
from otel_vsm_collector.stores.folder import DataFolder
from otel_vsm_collector.stores.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The collector's own figures, spans counted since it started."""

    received: int
    rejected: int
    filtered: int
    """Nothing of delivery in them, and not kept for that."""
    unmapped: int
    """In the journal alone, for no mapping is about them yet."""
    kept: int
    repeated: int
    """Kept, and known already."""
    journal_bytes: int
    lag_s: float
    damaged: int
    """Rows of the journal that could not be read, since it started."""
    failure: str | None
    """Why deriving does not get on; None while it does."""


class Listener:
    """Is told what happens, in the store's threads; override what is of interest, and raise nothing."""

    def on_open(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Whenever the ledger is opened, with what it holds then: all that was told of it before is told
        again."""

    def on_received(self, counts: Counts) -> None:
        """After each group of requests, once it is durable."""

    def on_derived(self, run: Run) -> None:
        """After each run of deriving, once its transaction has ended."""


class Store:
    """Journal, ledger and the threads that fill them. Raises UnusableError or ValueError on wrong settings.

    `refreshing` makes who derives the facts, `classifier` applies the mappings, and `unmapped` says which
    spans are kept for mappings to come. `say` is told, in a sentence, what an operator should know.
    """

    def __init__(
        self,
        data: Path,
        refreshing: MakeRefreshing,
        *,
        store: str = "duckdb:",
        classifier: Classifier = CLASSIFIER,
        unmapped: Unmapped = NOTHING_UNMAPPED,
        say: Callable[[str], None],
        listener: Listener | None = None,
    ) -> None:
        path = ledger_path(store, data)
        self._folder = DataFolder(data)
        try:
            self._journal = Journal(data / "journal.sqlite")
            self._ledger = open_ledger(
                path,
                refreshing,
                journal=self._journal.id,
                last_seq=self._journal.last_seq,
                say=say,
                own=path.parent == data,
            )
        except BaseException:
            self._folder.close()
            raise
        self._listener, self._say = listener or Listener(), say
        self._is_whole = False
        self._lock = threading.Lock()
        self._counts = Counts()
        self._repeated = 0
        self._initial_seq = self._journal.last_seq
        self._on_open()
        self.telemetry = Telemetry()
        self._backlog = backlog = Backlog(self._journal, classifier, self.telemetry)
        self._check_whole()
        self._deriver = Deriver(self._journal, backlog, self._ledger, self._on_run, self._on_open)
        self._writer = Writer(
            self._journal,
            self._on_commit,
            backlog.condense,
            classifier=classifier,
            unmapped=unmapped,
            telemetry=self.telemetry,
            say=say,
        )

    async def export(self, payload: bytes) -> Verdict:
        """Takes an OTLP trace request in protobuf; answers once its spans are durable."""
        return await self._writer.submit(payload)

    def follow(self, refreshing: MakeRefreshing, on_start: Callable[[], None]) -> None:
        """Derives everything again, by other definitions; `on_start` is called, in another thread, when
        what the old ones gave is gone."""
        self._initial_seq = self._journal.last_seq
        self._deriver.follow(refreshing, on_start)

    def keep_unmapped(self, unmapped: Unmapped) -> None:
        """From now on, keeps these of the spans that no mapping is about."""
        self._writer.keep_unmapped(unmapped)

    def cursor(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to read facts with, from any thread."""
        return self._ledger.reading()

    async def caught_up(self, timeout_s: float = 5.0) -> float:
        """Waits, at most `timeout_s` seconds, until every span acknowledged before the call is derived.

        The lag in seconds: 0.0 when they all are, else for how long the oldest of the others has been kept.
        """
        return await self._deriver.caught_up(timeout_s)

    def unready(self) -> list[str]:
        """Why figures cannot be relied on now, a reason each; none when they can."""
        reasons = []
        if self._deriver.position < self._initial_seq:
            reasons.append(
                f"{self._initial_seq - self._deriver.position} rows of the journal from before the start"
                " are still to be derived"
            )
        if self._deriver.failure is not None:
            reasons.append(self._deriver.failure)
        if self._writer.failure is not None:
            reasons.append(self._writer.failure)
        return reasons

    @property
    def health(self) -> Health:
        with self._lock:
            counts, repeated = self._counts, self._repeated
        return Health(
            received=counts.received,
            rejected=counts.rejected,
            filtered=counts.filtered,
            unmapped=counts.unmapped,
            kept=counts.kept,
            repeated=repeated,
            journal_bytes=self._journal.size_bytes(),
            lag_s=self._deriver.lag_s(),
            damaged=len(self._backlog.damaged),
            failure=self._deriver.failure,
        )

    def drain(self, timeout_s: float = 5.0) -> None:
        """Takes nothing more and answers what was taken; derives for at most `timeout_s` seconds yet."""
        self._writer.close()
        self._deriver.close(timeout_s)

    def close(self) -> None:
        """Closes the files, once it is drained."""
        self._ledger.checkpoint()
        self._ledger.close()
        self._journal.close()
        self._folder.close()

    def _on_commit(self, entry: tuple[int, AcceptedSpans] | None, counts: Counts) -> None:
        if entry is not None:
            self._deriver.offer(*entry)
        with self._lock:
            self._counts = self._counts + counts
        self._listener.on_received(counts)

    def _on_open(self) -> None:
        with self._ledger.cursor() as connection:
            self._listener.on_open(connection)

    def _check_whole(self) -> None:
        """Once the ledger has all that there was at the start, the one before is needed no more; but where
        some of it could not be read, that one may know it."""
        if self._is_whole or self._ledger.position < self._initial_seq:
            return
        self._is_whole = True
        if not self._backlog.damaged:
            self._ledger.forget_before()
        else:
            self._say(
                f"{len(self._backlog.damaged)} rows of the journal cannot be read, so figures lack their"
                " spans; the log names them. A ledger of before, where there is one, is kept beside it"
            )

    def _on_run(self, run: Run) -> None:
        if run.succeeded:
            self._check_whole()
        with self._lock:
            self._repeated += run.repeated
        self._listener.on_derived(run)
