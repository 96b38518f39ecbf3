"""The definitions that hold now, and what happens when their file is read again."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from otel_vsm_collector.declared.load import reload
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import regex_of
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.facts.by_profile import Book
from otel_vsm_collector.keep.store import Store
from otel_vsm_collector.metrics.observer import Observer
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.stores.duckdb.engine import DuckDB
from otel_vsm_collector.stores.duckdb.ledger import MakeRefreshing


def unmapped_of(declared: Declared) -> Unmapped:
    """Which spans are kept for mappings of later versions, as it is declared."""
    telemetry = declared.telemetry
    return Unmapped(
        scopes=re.compile(regex_of(telemetry.unmapped_scopes)),
        attributes=re.compile(regex_of(telemetry.unmapped_attributes)),
        max_bytes=telemetry.unmapped_mib << 20,
    )


class Current:
    """`book` holds what is declared now; what is counted by it goes to the observer."""

    def __init__(self, declared: Declared, observer: Observer, *, say: Callable[[str], None]) -> None:
        self._observer, self._say = observer, say
        self.book = Book(declared)

    def refreshing(self, book: Book) -> MakeRefreshing:
        """Makes who derives facts by the definitions in a book."""

        def make(connection: DuckDBPyConnection) -> Refresher:
            observe = partial(self._observer.observe, connection)
            return Refresher(DuckDB(connection), observe, book.definitions)

        return make

    def read_again(self, config: Path, store: Store) -> None:
        """Takes what the file declares now, unless something is wrong with it.

        Where facts depend on what has changed, they are all derived again, and counted from a new start.
        """
        declared = reload(config, self.book.declared, say=self._say)
        if declared is self.book.declared:
            return
        store.keep_unmapped(unmapped_of(declared))
        book = Book(declared)
        if declared.fingerprint == self.book.declared.fingerprint:
            self.book = book
            self._say(f"{config} was read again")
            return

        def begun() -> None:
            self.book = book
            self._observer.restart()

        self._say(f"{config} was read again; all facts are derived again by what it declares")
        store.follow(self.refreshing(book), declared.fingerprint, begun)
