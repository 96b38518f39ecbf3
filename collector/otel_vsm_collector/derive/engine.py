"""Where expressions are computed: the few statements that a plan needs, in one engine's words."""

from typing import Protocol

import ibis
import pyarrow as pa
from duckdb import DuckDBPyConnection, Statement
from ibis.backends.sql.compilers.duckdb import compiler

_GROUP_ROWS = 122_880
"""How many rows DuckDB keeps together and skips together."""
_LARGE_ROWS = 2 * _GROUP_ROWS
"""Where there are fewer, asking twice costs more than it saves."""

_MOST_PARSED = 1000
"""A plan has fewer statements; others name groups of rows, and do not come again."""


class Engine(Protocol):
    """A database with the ledger's tables, the tables of facts and scratch tables beside them.

    Each row of a lasting table has a `rowid` of its own, which `SELECT *` does not give and no row has twice.
    Names and queries are SQL that this project wrote itself, never what somebody sent.
    """

    @property
    def dialect(self) -> str:
        """The SQL that queries have to be in, by the name that Ibis has for it."""

    def begin(self) -> None:
        """Is told that a refresh begins."""

    def keep(self, name: str, schema: ibis.Schema) -> None:
        """Makes a lasting table where it is missing."""

    def create(self, name: str, schema: ibis.Schema) -> None:
        """Makes a scratch table anew, empty."""

    def fill(self, name: str, query: str) -> int:
        """Makes a scratch table anew, of what a query answers; gives the number of its rows."""

    def pick(self, name: str, columns: str, table: str, where: str) -> int:
        """Makes a scratch table anew, of the few rows of a lasting table for which a condition is true."""

    def load(self, name: str, rows: pa.Table) -> int:
        """Makes a scratch table anew, of these rows; gives their number."""

    def arrow(self, query: str) -> pa.Table:
        """What a query answers."""

    def insert(self, name: str, query: str) -> None:
        """Adds what a query answers, with the columns in the table's order."""

    def delete(self, name: str, where: str) -> None:
        """Takes the rows out of a table, lasting or scratch, for which a condition is true."""


class DuckDB:
    """The engine of the ledger; statements run in the connection's current transaction."""

    dialect = "duckdb"

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self._parsed: dict[str, Statement] = {}
        self._sizes: dict[str, int] = {}

    def begin(self) -> None:
        sizes = "SELECT table_name, estimated_size FROM duckdb_tables() WHERE NOT temporary"
        self._sizes = dict(self._connection.execute(sizes).fetchall())

    def keep(self, name: str, schema: ibis.Schema) -> None:
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({_ddl(schema)})")

    def create(self, name: str, schema: ibis.Schema) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({_ddl(schema)})")

    def fill(self, name: str, query: str) -> int:
        row = self._execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchone()
        return int(row[0]) if row else 0

    def pick(self, name: str, columns: str, table: str, where: str) -> int:
        """Of a large table, first in which groups of rows they are, by the columns of the condition alone:
        asked at once, DuckDB reads all columns of all rows to find a few.

        The groups are named by numbers, and not by a query for the rows: joined with a table that this
        transaction has changed by its rowid, DuckDB 2.0.0 takes the strings of other rows.
        """
        if self._sizes.get(table, 0) > _LARGE_ROWS:
            where = f"({self._near(table, where)}) AND {where}"
        return self.fill(name, f"SELECT {columns} FROM {table} WHERE {where}")

    def _near(self, table: str, where: str) -> str:
        """A condition that is true in the groups of rows in which another is true of some, as literals."""
        found = f"SELECT DISTINCT rowid // {_GROUP_ROWS} FROM {table} WHERE {where}"
        numbers = {number for (number,) in self._execute(found).fetchall()}
        firsts = sorted(number for number in numbers if number - 1 not in numbers)
        lasts = sorted(number for number in numbers if number + 1 not in numbers)
        ranges = (
            f"rowid BETWEEN {first * _GROUP_ROWS} AND {last * _GROUP_ROWS + _GROUP_ROWS - 1}"
            for first, last in zip(firsts, lasts, strict=True)
        )
        return " OR ".join(ranges) or "false"

    def load(self, name: str, rows: pa.Table) -> int:
        self._connection.register("loaded_rows", rows)
        try:
            return self.fill(name, "FROM loaded_rows")
        finally:
            self._connection.unregister("loaded_rows")

    def arrow(self, query: str) -> pa.Table:
        return self._connection.sql(query).to_arrow_table()

    def insert(self, name: str, query: str) -> None:
        self._execute(f"INSERT INTO {name} {query}")

    def delete(self, name: str, where: str) -> None:
        self._execute(f"DELETE FROM {name} WHERE {where}")

    def _execute(self, statement: str) -> DuckDBPyConnection:
        """Runs a statement; parsing a long one takes as long as running it, and the same ones come again."""
        if statement not in self._parsed:
            if len(self._parsed) >= _MOST_PARSED:
                self._parsed.clear()
            (self._parsed[statement],) = self._connection.extract_statements(statement)
        return self._connection.execute(self._parsed[statement])


def _ddl(schema: ibis.Schema) -> str:
    return ", ".join(f'"{name}" {compiler.type_mapper.to_string(kind)}' for name, kind in schema.items())
