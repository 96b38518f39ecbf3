"""Facts for what reads them: figures, metrics, the web side."""

import functools
from datetime import datetime
from typing import Any

import duckdb
import ibis

from otel_vsm_collector.derive import tables
from otel_vsm_collector.keep.store import Health
from otel_vsm_collector.keep.telemetry import Telemetry

HOUR = 3600 * 10**9


def at(text: str) -> int:
    """Nanoseconds of a time in RFC 3339."""
    return round(datetime.fromisoformat(text).timestamp()) * 10**9


@functools.cache
def _ddl() -> str:
    backend = ibis.duckdb.connect()
    for name, schema in tables.TABLES.items():
        backend.create_table(name, schema=schema)
    made = backend.con.execute("SELECT sql FROM duckdb_tables() WHERE NOT internal").fetchall()
    return "".join(sql for (sql,) in made) + "CREATE TABLE ledger_state AS SELECT 0 AS position, 1 AS version"


class FactStore:
    """Tables of facts in memory, served like the collector's; what a row leaves out has a default."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.lag_s = 0.0
        self.connection.execute(_ddl())

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()

    @property
    def telemetry(self) -> Telemetry:
        return Telemetry()

    @property
    def health(self) -> Health:
        return Health(
            received=13,
            rejected=1,
            filtered=2,
            unmapped=4,
            kept=6,
            repeated=3,
            journal_bytes=0,
            lag_s=0.0,
            damaged=0,
            failure=None,
        )

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
