"""What deriving asks of a database: the few statements of a plan, in one engine's words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

Columns = Mapping[str, str]
"""Of a table: their types, in the words of the engine's dialect."""


class Within(NamedTuple):
    """Rows that hold in some columns what the rows of a scratch table hold in others."""

    columns: tuple[str, ...]
    scratch: str
    named: tuple[str, ...]

    @property
    def condition(self) -> str:
        """The same in SQL."""
        within = f"({quoted(self.columns)}) IN (SELECT {quoted(self.named)} FROM {self.scratch})"
        if len(self.columns) == 1:
            return within
        # One column is soon compared; what is left is little.
        first = f"{quoted(self.columns[:1])} IN (SELECT {quoted(self.named[:1])} FROM {self.scratch})"
        return f"{first} AND {within}"


class Engine(Protocol):
    """A database with the ledger's tables, the tables of facts and scratch tables beside them.

    Each row of a lasting table has a `rowid` of its own, which `SELECT *` does not give and no row has twice.
    Names and queries are SQL that this project wrote itself, never what somebody sent.
    """

    @property
    def dialect(self) -> str:
        """The SQL that queries have to be in, by the name that Ibis has for it."""

    @property
    def layout(self) -> str:
        """What changes whenever tables that were filled before could not be read any more."""

    def begin(self, first_seq: int, last_seq: int) -> None:
        """Is told that a refresh begins, which takes in these rows of the journal."""

    def end(self) -> None:
        """Is told that it ended well."""

    def create_table(self, name: str, columns: Columns) -> None:
        """Makes a lasting table where it is missing."""

    def create_scratch(self, name: str, columns: Columns) -> None:
        """Makes a scratch table anew, empty."""

    def fill(self, name: str, query: str) -> int:
        """Makes a scratch table anew, of what a query answers; gives the number of its rows."""

    def pick(self, name: str, columns: str, table: str, within: Within) -> int:
        """Makes a scratch table anew, of the few rows of a lasting table that are within."""

    def load(self, name: str, rows: pa.Table) -> int:
        """Makes a scratch table anew, of these rows; gives their number."""

    def arrow(self, query: str) -> pa.Table:
        """What a query answers."""

    def insert(self, name: str, query: str) -> None:
        """Adds what a query answers, with the columns in the table's order."""

    def drop(self, table: str, within: Within) -> None:
        """Takes the few rows out of a lasting table that are within."""

    def delete(self, name: str, where: str) -> None:
        """Takes the rows out of a table, lasting or scratch, for which a condition is true."""


def ddl(columns: Columns) -> str:
    """The columns in a statement that makes a table."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def quoted(columns: Sequence[str]) -> str:
    """The columns' names in a statement, which begin with a letter and hold no quotation mark."""
    return ", ".join(f'"{column}"' for column in columns)
