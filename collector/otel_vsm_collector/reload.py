"""The definitions that hold now, and what happens when their file is read again."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from otel_vsm_collector.declared.load import reload
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.keep.store import Store
from otel_vsm_collector.metrics.observer import Observer
from otel_vsm_collector.stores.duckdb.engine import DuckDB
from otel_vsm_collector.stores.duckdb.ledger import MakeRefreshing


class Current:
    """`facts` are by what is declared now; what is counted of them goes to the observer."""

    def __init__(self, declared: Declared, observer: Observer, *, say: Callable[[str], None]) -> None:
        self._observer, self._say = observer, say
        self.facts = FactTables(Definitions(declared))

    def refreshing(self, facts: FactTables) -> MakeRefreshing:
        """Makes who derives the stored tables, by their definitions."""

        def make(connection: DuckDBPyConnection) -> Refresher:
            observe = partial(self._observer.observe, connection)
            return Refresher(DuckDB(connection), observe, facts.definitions)

        return make

    def read_again(self, config: Path, store: Store) -> None:
        """Takes what the file declares now, unless something is wrong with it.

        Where facts depend on what has changed, they are all derived again, and counted from a new start.
        """
        before = self.facts.declared
        declared = reload(config, before, say=self._say)
        if declared is before:
            return
        facts = FactTables(Definitions(declared))
        if declared.fingerprint == before.fingerprint:
            self.facts = facts
            self._say(f"{config} was read again")
            return

        def begun() -> None:
            self.facts = facts
            self._observer.restart()

        self._say(f"{config} was read again; all facts are derived again by what it declares")
        store.follow(self.refreshing(facts), declared.fingerprint, begun)
