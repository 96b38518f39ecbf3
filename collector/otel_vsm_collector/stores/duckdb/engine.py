"""The engine of the ledger in DuckDB."""

import inspect
import sys
from functools import lru_cache

import ibis
import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from ibis.backends.sql.compilers.duckdb import compiler

from otel_vsm_collector.stores.duckdb import segments
from otel_vsm_collector.stores.duckdb.segments import Hashes, Whereabouts
from otel_vsm_collector.stores.engine import Within, quoted

_LARGE_ROWS = 10_000
"""Fewer are as soon read as it is found out where to look."""
_STRETCH_SPANS = 100_000
"""So many spans make a stretch of the journal; what follows the last stretch is read each time."""
_KEYS = frozenset(
    (
        *("trace_id", "change_id", "deployment_id", "incident_id", "work_item_id"),
        *("id", "previous_id", "source_id", "node", "component", "key"),
    )
)
"""By what rows of large tables are looked up. Raise the ledger's version with every change."""
_MOST_PARSED = 1000
"""A plan has fewer statements; others name stretches of the journal, and do not come again."""


class DuckDB:
    """The engine of the ledger; statements run in the connection's current transaction.

    A table of facts lies in the schema `kept`, where each row also tells up to which row of the journal was
    taken in when it was written, and is read through a view that does not show this. Spans and links came
    with a row of the journal, `seq`. DuckDB skips groups of rows by it: it reads of a large table only what
    `Whereabouts` names.
    """

    dialect = "duckdb"

    @property
    def layout(self) -> str:
        return "".join(inspect.getsource(module) for module in (sys.modules[__name__], segments))

    def __init__(
        self,
        connection: DuckDBPyConnection,
        *,
        large_rows: int = _LARGE_ROWS,
        stretch_spans: int = _STRETCH_SPANS,
    ) -> None:
        self._connection = connection
        self._large_rows, self._stretch_spans = large_rows, stretch_spans
        # Parsing a long statement takes as long as running it, and the same ones come again.
        self._parse = lru_cache(_MOST_PARSED)(lambda text: connection.extract_statements(text)[0])
        self._whereabouts: Whereabouts | None = None
        self._position = 0
        self._kept: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._near: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def begin(self, first_seq: int, last_seq: int) -> None:
        if self._whereabouts is None:
            self._whereabouts = self._remembered()
        if self._whereabouts.end >= first_seq:
            # It is told by a refresh that failed, or that is done again.
            self._whereabouts.forget(first_seq)
            self._execute("DELETE FROM kept.whereabouts WHERE until >= ?", first_seq)
        self._position, self._near = last_seq, {}
        self._look()

    def end(self) -> None:
        assert self._whereabouts is not None
        since = self._whereabouts.end
        ((spans,),) = self._execute("SELECT count(*) FROM span WHERE seq > ?", since).fetchall()
        if spans < self._stretch_spans:
            return
        columns = self._execute(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE schema_name = 'kept' AND column_name IN (SELECT unnest(?))",
            list(_KEYS),
        ).fetchall()
        values = " UNION ".join(
            f'SELECT "{column}" AS value FROM {self._place(table)} WHERE {self._time(table)} > {since}'
            for table, column in (*columns, ("span", "trace_id"), ("span_link", "trace_id"))
        )
        self.fill("stretch", f"SELECT DISTINCT {_hash('value')} AS hash FROM ({values})")
        self._execute("INSERT INTO kept.whereabouts SELECT hash, ? FROM stretch", self._position)
        self._whereabouts.add(self._position, self._hashes("SELECT hash FROM stretch"))

    def keep(self, name: str, schema: ibis.Schema) -> None:
        if "seq" in schema:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({_ddl(schema)})")
            return
        for statement in (
            "CREATE SCHEMA IF NOT EXISTS kept",
            "CREATE TABLE IF NOT EXISTS kept.whereabouts (hash UBIGINT, until BIGINT)",
            f"CREATE TABLE IF NOT EXISTS kept.{name} ({_ddl(schema)}, written BIGINT)",
            f"CREATE VIEW IF NOT EXISTS {name} AS SELECT {quoted(schema.names)} FROM kept.{name}",
        ):
            self._connection.execute(statement)
        self._kept.add(name)

    def create(self, name: str, schema: ibis.Schema) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({_ddl(schema)})")

    def fill(self, name: str, query: str) -> int:
        row = self._execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchone()
        return int(row[0]) if row else 0

    def pick(self, name: str, columns: str, table: str, within: Within) -> int:
        where = self._narrowed(table, within)
        return self.fill(name, f"SELECT {columns} FROM {self._place(table)} WHERE {where}")

    def load(self, name: str, rows: pa.Table) -> int:
        self._connection.register("loaded_rows", rows)
        try:
            return self.fill(name, "FROM loaded_rows")
        finally:
            self._connection.unregister("loaded_rows")

    def arrow(self, query: str) -> pa.Table:
        return self._connection.sql(query).to_arrow_table()

    def insert(self, name: str, query: str) -> None:
        if name in self._kept:
            self._execute(f"INSERT INTO kept.{name} SELECT *, ? FROM ({query})", self._position)
        else:
            self._execute(f"INSERT INTO {name} {query}")

    def drop(self, table: str, within: Within) -> None:
        self.delete(table, self._narrowed(table, within))

    def delete(self, name: str, where: str) -> None:
        self._execute(f"DELETE FROM {self._place(name)} WHERE {where}")

    def _execute(self, statement: str, *parameters: object) -> DuckDBPyConnection:
        return self._connection.execute(self._parse(statement), parameters)

    def _look(self) -> None:
        """At which tables there are, and how many rows they have."""
        found = (
            "SELECT table_name, schema_name = 'kept', estimated_size FROM duckdb_tables() WHERE NOT temporary"
        )
        rows = self._execute(found).fetchall()
        self._kept = {name for name, kept, _ in rows if kept}
        self._sizes = {name: size for name, _, size in rows}

    def _place(self, table: str) -> str:
        return f"kept.{table}" if table in self._kept else table

    def _time(self, table: str) -> str:
        return "written" if table in self._kept else "seq"

    def _narrowed(self, table: str, within: Within) -> str:
        """The condition, and where it pays also one on when rows were written."""
        column = within.named[0]
        if self._sizes.get(table, 0) <= self._large_rows or within.columns[0] not in _KEYS:
            return within.condition
        assert self._whereabouts is not None
        if (within.scratch, column) not in self._near:
            asked = f"SELECT {_hash(column)} AS hash FROM {within.scratch}"
            self._near[within.scratch, column] = self._whereabouts.of(self._hashes(asked))
        time = self._time(table)
        stretches = "".join(
            f"{time} BETWEEN {first} AND {last} OR " for first, last in self._near[within.scratch, column]
        )
        return f"({stretches}{time} > {self._whereabouts.end}) AND {within.condition}"

    def _hashes(self, query: str) -> Hashes:
        found: Hashes = self._connection.execute(query).fetchnumpy()["hash"]
        return np.ma.getdata(found)

    def _remembered(self) -> Whereabouts:
        whereabouts = Whereabouts()
        told = self._connection.execute("FROM kept.whereabouts").fetchnumpy()
        until, hashes = (np.ma.getdata(told[name]) for name in ("until", "hash"))
        for end in np.unique(until):
            whereabouts.add(int(end), hashes[until == end])
        return whereabouts


def _hash(column: str) -> str:
    """The same in every version of DuckDB, unlike its own `hash`."""
    return f'(md5_number_lower("{column}") >> 16)'


def _ddl(schema: ibis.Schema) -> str:
    return ", ".join(f'"{name}" {compiler.type_mapper.to_string(kind)}' for name, kind in schema.items())
