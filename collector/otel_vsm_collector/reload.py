"""The definitions that hold now, and what happens when their file is read again."""

import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from otel_vsm_collector.compiled import Compiled
from otel_vsm_collector.declared.load import reload
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.patterns import regex_of
from otel_vsm_collector.derive.refresh.plan import Plan
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.keep.store import Store
from otel_vsm_collector.metrics.observer import Observer
from otel_vsm_collector.spans.unmapped import Unmapped
from otel_vsm_collector.stores.duckdb.engine import DuckDB
from otel_vsm_collector.stores.duckdb.ledger import MakeRefreshing

if TYPE_CHECKING:
    from otel_vsm_collector.facts.tables import FactTables


def unmapped_of(declared: Declared) -> Unmapped:
    """Which spans are kept for mappings of later versions, as it is declared."""
    telemetry = declared.telemetry
    return Unmapped(
        scopes=re.compile(regex_of(telemetry.unmapped_scopes)),
        attributes=re.compile(regex_of(telemetry.unmapped_attributes)),
        max_bytes=telemetry.unmapped_mib << 20,
    )


class Current:
    """`declared` is what holds now, `facts` are by it, and `plan` derives them; what is counted of them goes
    to the observer."""

    def __init__(
        self, declared: Declared, compiled: Compiled, observer: Observer, *, say: Callable[[str], None]
    ) -> None:
        self._compiled, self._observer, self._say = compiled, observer, say
        self._reading = threading.Lock()
        self.declared, self.plan = declared, compiled.plan(declared)
        self._facts: FactTables | None = None
        self._asking = threading.Lock()

    @property
    def facts(self) -> "FactTables":
        """The same object as long as the same is declared."""
        # It takes long to import, and nobody may ask.
        from otel_vsm_collector.derive.definitions import Definitions
        from otel_vsm_collector.facts.tables import FactTables

        with self._asking:
            if self._facts is None or self._facts.declared is not self.declared:
                compiled = self._compiled.questions(self.declared)
                self._facts = FactTables(Definitions(self.declared), compiled=compiled)
            return self._facts

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
            declared = reload(config, self.declared, say=self._say)
            if declared is not self.declared:
                store.keep_unmapped(unmapped_of(declared))
                self._take(declared, config, store)

    def _take(self, declared: Declared, config: Path, store: Store) -> None:
        plan = self._compiled.plan(declared)
        if plan.fingerprint == self.plan.fingerprint:
            self.declared = declared
            self._say(f"{config} was read again")
            return

        def start() -> None:
            self.declared, self.plan = declared, plan
            self._observer.restart()

        self._say(f"{config} was read again; all facts are derived again by what it declares")
        store.follow(self.refreshing(plan), start)
