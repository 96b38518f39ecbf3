"""The definitions that hold now, and what happens when their file is read again."""

import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from otel_vsm_collector.declared.load import reload
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import regex_of
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.plan import Plan
from otel_vsm_collector.derive.refresh.refresher import Refresher, refresh_plan
from otel_vsm_collector.facts.tables import FactTables
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
    """`facts` are by what is declared now, and `plan` derives them; what is counted of them goes to the
    observer."""

    def __init__(self, declared: Declared, observer: Observer, *, say: Callable[[str], None]) -> None:
        self._observer, self._say = observer, say
        self._reading = threading.Lock()
        self.facts = FactTables(Definitions(declared))
        self.plan = refresh_plan(self.facts.definitions)

    def refreshing(self, plan: Plan) -> MakeRefreshing:
        """Makes who derives the stored tables by a plan."""

        def make(connection: DuckDBPyConnection) -> Refresher:
            return Refresher(DuckDB(connection), plan, partial(self._observer.observe, connection))

        return make

    def read_again(self, config: Path, store: Store) -> None:
        """Takes what the file declares now, unless something is wrong with it; from any thread.

        Where facts depend on what has changed, they are all derived again, and counted from a new start.
        """
        with self._reading:
            before = self.facts.declared
            declared = reload(config, before, say=self._say)
            if declared is not before:
                store.keep_unmapped(unmapped_of(declared))
                self._take(FactTables(Definitions(declared)), config, store)

    def _take(self, facts: FactTables, config: Path, store: Store) -> None:
        plan = refresh_plan(facts.definitions)
        if plan.fingerprint == self.plan.fingerprint:
            self.facts = facts
            self._say(f"{config} was read again")
            return

        def start() -> None:
            self.facts, self.plan = facts, plan
            self._observer.restart()

        self._say(f"{config} was read again; all facts are derived again by what it declares")
        store.follow(self.refreshing(plan), start)
