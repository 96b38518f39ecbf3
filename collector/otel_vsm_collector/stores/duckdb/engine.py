"""The engine of the ledger in DuckDB."""

import inspect
import sys
from functools import lru_cache

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from otel_vsm_collector.stores.duckdb import segments
from otel_vsm_collector.stores.duckdb.segments import Hashes, SegmentIndex
from otel_vsm_collector.stores.engine import Columns, Within, ddl, quoted

_LARGE_ROWS = 10_000
"""Fewer are as soon read as it is found out where to look."""
_SEGMENT_SPANS = 100_000
"""So many spans make a segment of the journal; what follows the last segment is read each time."""
_KEYS = frozenset(
    (
        *("trace_id", "change_id", "deployment_id", "incident_id", "work_item_id"),
        *("reported_id", "telling_id", "id", "previous_id", "source_id", "node", "component", "key"),
    )
)
"""By what rows of large tables are looked up."""
_MOST_PARSED = 1000
"""A plan has fewer statements; others name segments of the journal, and do not come again."""


class DuckDB:
    """The engine of the ledger; statements run in the connection's current transaction.

    A table of facts lies in the schema `facts`, where each row also tells up to which row of the journal was
    taken in when it was written, and is read through a view that does not show this. Spans and links came
    with a row of the journal, `seq`. DuckDB skips groups of rows by it: it reads of a large table only what
    `SegmentIndex` names.
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
        segment_spans: int = _SEGMENT_SPANS,
    ) -> None:
        self._connection = connection
        self._large_rows, self._segment_spans = large_rows, segment_spans
        # Parsing a long statement takes as long as running it, and the same ones come again.
        self._parse = lru_cache(_MOST_PARSED)(lambda text: connection.extract_statements(text)[0])
        self._segments: SegmentIndex | None = None
        self._position = 0
        self._facts: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def begin(self, first_seq: int, last_seq: int) -> None:
        if self._segments is None:
            self._segments = self._stored_segments()
        if self._segments.end >= first_seq:
            # Of a refresh that failed, or that is done again.
            self._segments.forget(first_seq)
            self._execute("DELETE FROM facts.segment_key WHERE segment_end >= ?", first_seq)
        self._position, self._ranges = last_seq, {}
        self._measure_tables()

    def end(self) -> None:
        assert self._segments is not None
        since = self._segments.end
        ((spans,),) = self._execute("SELECT count(*) FROM span WHERE seq > ?", since).fetchall()
        if spans < self._segment_spans:
            return
        columns = self._execute(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE schema_name = 'facts' AND column_name IN (SELECT unnest(?))",
            list(_KEYS),
        ).fetchall()
        values = " UNION ".join(
            f'SELECT "{column}" AS value FROM {self._qualified(table)}'
            f" WHERE {self._seq_column(table)} > {since}"
            for table, column in (*columns, ("span", "trace_id"), ("span_link", "trace_id"))
        )
        self.fill("segment", f"SELECT DISTINCT {_hash('value')} AS hash FROM ({values})")
        self._execute("INSERT INTO facts.segment_key SELECT hash, ? FROM segment", self._position)
        self._segments.add(self._position, self._hashes("SELECT hash FROM segment"))

    def create_table(self, name: str, columns: Columns) -> None:
        if "seq" in columns:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({ddl(columns)})")
            return
        for statement in (
            "CREATE SCHEMA IF NOT EXISTS facts",
            "CREATE TABLE IF NOT EXISTS facts.segment_key (hash UBIGINT, segment_end BIGINT)",
            f"CREATE TABLE IF NOT EXISTS facts.{name} ({ddl(columns)}, written BIGINT)",
            f"CREATE VIEW IF NOT EXISTS {name} AS SELECT {quoted(tuple(columns))} FROM facts.{name}",
        ):
            self._connection.execute(statement)
        self._facts.add(name)

    def create_scratch(self, name: str, columns: Columns) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({ddl(columns)})")

    def fill(self, name: str, query: str) -> int:
        row = self._execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchone()
        return int(row[0]) if row else 0

    def pick(self, name: str, columns: str, table: str, within: Within) -> int:
        where = self._narrowed(table, within)
        return self.fill(name, f"SELECT {columns} FROM {self._qualified(table)} WHERE {where}")

    def load(self, name: str, rows: pa.Table) -> int:
        self._connection.register("loaded_rows", rows)
        try:
            return self.fill(name, "FROM loaded_rows")
        finally:
            self._connection.unregister("loaded_rows")

    def arrow(self, query: str) -> pa.Table:
        return self._connection.sql(query).to_arrow_table()

    def insert(self, name: str, query: str) -> None:
        if name in self._facts:
            self._execute(f"INSERT INTO facts.{name} SELECT *, ? FROM ({query})", self._position)
        else:
            self._execute(f"INSERT INTO {name} {query}")

    def drop(self, table: str, within: Within) -> None:
        self.delete(table, self._narrowed(table, within))

    def delete(self, name: str, where: str) -> None:
        self._execute(f"DELETE FROM {self._qualified(name)} WHERE {where}")

    def _execute(self, statement: str, *parameters: object) -> DuckDBPyConnection:
        return self._connection.execute(self._parse(statement), parameters)

    def _measure_tables(self) -> None:
        """At which tables there are, and how many rows they have."""
        existing = (
            "SELECT table_name, schema_name = 'facts', estimated_size"
            " FROM duckdb_tables() WHERE NOT temporary"
        )
        rows = self._execute(existing).fetchall()
        self._facts = {name for name, is_fact, _ in rows if is_fact}
        self._sizes = {name: size for name, _, size in rows}

    def _qualified(self, table: str) -> str:
        return f"facts.{table}" if table in self._facts else table

    def _seq_column(self, table: str) -> str:
        return "written" if table in self._facts else "seq"

    def _narrowed(self, table: str, within: Within) -> str:
        """The condition, and where it pays also one on when rows were written."""
        column = within.named[0]
        if self._sizes.get(table, 0) <= self._large_rows or within.columns[0] not in _KEYS:
            return within.condition
        assert self._segments is not None
        if (within.scratch, column) not in self._ranges:
            wanted = f"SELECT {_hash(column)} AS hash FROM {within.scratch}"
            self._ranges[within.scratch, column] = self._segments.of(self._hashes(wanted))
        position = self._seq_column(table)
        ranges = "".join(
            f"{position} BETWEEN {first} AND {last} OR "
            for first, last in self._ranges[within.scratch, column]
        )
        return f"({ranges}{position} > {self._segments.end}) AND {within.condition}"

    def _hashes(self, query: str) -> Hashes:
        hashes: Hashes = self._connection.execute(query).fetchnumpy()["hash"]
        return np.ma.getdata(hashes)

    def _stored_segments(self) -> SegmentIndex:
        index = SegmentIndex()
        stored = self._connection.execute("FROM facts.segment_key").fetchnumpy()
        ends, hashes = (np.ma.getdata(stored[name]) for name in ("segment_end", "hash"))
        for end in np.unique(ends):
            index.add(int(end), hashes[ends == end])
        return index


def _hash(column: str) -> str:
    """The same in every version of DuckDB, unlike its own `hash`."""
    return f'(md5_number_lower("{column}") >> 16)'
