"""Facts made by hand, for what reads them: figures' readers, metrics and the web side."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb
import ibis
import pytest

from otel_vsm_collector.derive import tables

HOUR = 3600 * 10**9


def at(text: str) -> int:
    """Nanoseconds of a time in RFC 3339."""
    return round(datetime.fromisoformat(text).timestamp()) * 10**9


class FactStore:
    """Tables of facts in memory, served like the collector's; what a row leaves out has a default."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.lag_s = 0.0
        backend = ibis.duckdb.from_connection(self.connection)
        for name, schema in tables.TABLES.items():
            backend.create_table(name, schema=schema)
        self.connection.execute("CREATE TABLE ledger_state AS SELECT 0 AS position, 1 AS version")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()

    async def caught_up(self, timeout_s: float = 5.0) -> float:
        return self.lag_s

    def insert(self, table: str, **values: Any) -> None:
        """A row; lists that are left out are empty, everything else is null."""
        schema = tables.TABLES[table]
        assert set(values) <= set(schema.names), set(values) - set(schema.names)
        row = [values.get(name, [] if kind.is_array() else None) for name, kind in schema.items()]
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        self.connection.execute("UPDATE ledger_state SET position = position + 1")


@pytest.fixture
def facts() -> Iterator[FactStore]:
    store = FactStore()
    yield store
    store.connection.close()
