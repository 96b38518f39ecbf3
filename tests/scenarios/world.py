"""A ledger on some engine that takes in spans and derives from them."""

from collections.abc import Sequence

import pyarrow as pa

from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.plan import Observe
from otel_vsm_collector.derive.refresh.planning import columns_of
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.derive.refresh.steps import refresh_plan
from otel_vsm_collector.derive.tables import FACTS, LEDGER
from otel_vsm_collector.spans import columns
from scenarios.engines import EngineWithFigures
from scenarios.events import Row, Span

BY_DEFAULT = Definitions()
"""Those where nothing is declared."""


class World:
    """A ledger in memory and its facts."""

    def __init__(self, engine: EngineWithFigures, observe: Observe | None = None) -> None:
        self.engine = engine
        self._observe = observe
        self._refreshers: dict[Definitions, Refresher] = {}
        for table, schema in (LEDGER | FACTS).items():
            engine.create_table(table, columns_of(schema, engine.dialect))
        self.clear()

    def clear(self) -> None:
        """Forgets all spans, and by which definitions facts were derived."""
        self._seq = 0
        self._followed = BY_DEFAULT
        for table in (*LEDGER, *FACTS):
            self.engine.delete(table, "true")

    def follow(self, followed: Definitions) -> None:
        """Derives by these definitions from now on."""
        self._followed = followed

    def take(self, batch: Sequence[Span]) -> None:
        """Takes spans in as one batch and refreshes."""
        self._seq += 1
        links = [link for _, linked in batch for link in linked]
        for table, rows in (("span", [row for row, _ in batch]), ("span_link", links)):
            told = pa.Table.from_pylist(
                [row | {"seq": self._seq} for row in rows], schema=columns.schema(table)
            )
            self.engine.load("told", told)
            self.engine.insert(table, "SELECT * FROM told")
        self._refresh(self._seq, self._seq)

    def derive_anew(self) -> None:
        """Computes every fact from the whole ledger at once."""
        for table in FACTS:
            self.engine.delete(table, "true")
        self._refresh(0, self._seq)

    def facts(self) -> dict[str, list[Row]]:
        """Every table of facts, as a comparable value."""
        return {table: sorted(self.all(table), key=repr) for table in FACTS}

    def all(self, table: str) -> list[Row]:
        rows: list[Row] = self.engine.arrow(f"SELECT * FROM {table}").to_pylist()
        return rows

    def rows(self, table: str, key: str = "id") -> dict[str, Row]:
        return {row[key]: row for row in self.all(table)}

    def _refresh(self, first_seq: int, last_seq: int) -> None:
        # Compiling what to do takes longer than doing it.
        if self._followed not in self._refreshers:
            plan = refresh_plan(self._followed, self.engine.dialect)
            self._refreshers[self._followed] = Refresher(self.engine, plan, self._observe)
        self._refreshers[self._followed].refresh(first_seq, last_seq)
