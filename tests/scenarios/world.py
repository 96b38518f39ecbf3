"""A ledger on some engine that takes in spans and derives from them."""

from collections.abc import Sequence

import pyarrow as pa

from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh.refresher import Refresher
from otel_vsm_collector.derive.tables import FACTS, LEDGER
from otel_vsm_collector.spans import columns
from scenarios.definitions import definitions
from scenarios.engines import EngineWithFigures
from scenarios.events import Row, Span


class World:
    """A ledger in memory and its facts."""

    def __init__(self, engine: EngineWithFigures) -> None:
        self.engine = engine
        self._refreshers: dict[Definitions, Refresher] = {}
        self.follow(definitions({}))
        for table, schema in LEDGER.items():
            engine.keep(table, schema)
        self.refresher.create_tables()
        self.clear()

    def follow(self, followed: Definitions) -> None:
        """Derives by these definitions from now on."""
        if followed not in self._refreshers:
            self._refreshers[followed] = Refresher(self.engine, definitions=followed)
        self.refresher = self._refreshers[followed]

    def clear(self) -> None:
        """Forgets all spans, and the definitions that were to be followed."""
        self._seq = 0
        self.follow(definitions({}))
        for table in (*LEDGER, *FACTS):
            self.engine.delete(table, "true")

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
        self.refresher.refresh(self._seq, self._seq)

    def derive_anew(self) -> None:
        """Computes every fact from the whole ledger at once."""
        for table in FACTS:
            self.engine.delete(table, "true")
        self.refresher.refresh(0, self._seq)

    def facts(self) -> dict[str, list[Row]]:
        """Every table of facts, as a comparable value."""
        return {table: sorted(self.all(table), key=repr) for table in FACTS}

    def all(self, table: str) -> list[Row]:
        return self.engine.arrow(f"SELECT * FROM {table}").to_pylist()

    def rows(self, table: str, key: str = "id") -> dict[str, Row]:
        return {row[key]: row for row in self.all(table)}
