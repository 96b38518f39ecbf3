"""A plan: expressions put in order, compiled once, run often.

Compiling an Ibis expression takes about as long as deriving from a few thousand spans; the expressions of a
refresh never change, so they are compiled when the collector starts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import ibis
import ibis.expr.types as ir
from duckdb import DuckDBPyConnection

from otel_vsm_collector.derive import tables


class Observer(Protocol):
    """Who wants to know of facts when they are first seen (the metrics)."""

    def observe(self, connection: DuckDBPyConnection, fact: str, new_rows: str) -> None:
        """`new_rows` names a table with the columns of the fact's, each row of it seen for the first time."""


class Scope(NamedTuple):
    """Whose facts are computed anew: a scratch table and the columns that name them."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What counts as seeing a fact for the first time."""

    fact: str
    key: tuple[str, ...]
    known: str | None = None
    """The column that has to be true, or not null, for the fact to be one."""


@dataclass(frozen=True, slots=True)
class _Scratch:
    name: str
    query: str
    schema: ibis.Schema
    scope: str | None


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    function: Callable[[DuckDBPyConnection], int]


@dataclass(frozen=True, slots=True)
class _Replace:
    table: str
    query: str
    scope: str
    within: str
    sightings: tuple[Sighting, ...]


@dataclass(slots=True)
class Plan:
    """Steps in the order in which they run. An expression may use whatever was put before it."""

    _steps: list[_Scratch | _Call | _Replace] = field(default_factory=list)

    def scratch(self, name: str, expression: ir.Table, *, scope: str | None = None) -> ir.Table:
        """Computes a table that lives until the next refresh; the answer stands for it in expressions.

        It is empty where the scratch table `scope` is: asking costs more than knowing.
        """
        self._steps.append(_Scratch(name, _query(expression), expression.schema(), scope))
        return ibis.table(expression.schema(), name=name)

    def replace(
        self,
        table: str,
        expression: ir.Table,
        *,
        scope: Scope,
        columns: tuple[str, ...] | None = None,
        sightings: tuple[Sighting, ...] = (),
    ) -> None:
        """Computes the rows of a fact's table anew that the scope names.

        `columns` are the table's for the scope's, where they have other names. Nothing happens where the
        scope is empty.
        """
        schema = tables.FACTS[table]
        within = " AND ".join(
            f'fact."{own}" = scope."{other}"'
            for own, other in zip(columns or scope.columns, scope.columns, strict=True)
        )
        query = _query(expression.select(*schema.names).cast(schema))
        self._steps.append(_Replace(table, query, scope.table, within, sightings))

    def call(self, name: str, function: Callable[[DuckDBPyConnection], int]) -> None:
        """Calls a function with the connection; what it returns counts as the rows of `name`."""
        self._steps.append(_Call(name, function))

    def create(self, connection: DuckDBPyConnection) -> None:
        """Makes the scratch tables."""
        for step in self._steps:
            if isinstance(step, _Scratch):
                connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} ({tables.ddl(step.schema)})")

    def run(self, connection: DuckDBPyConnection, observer: Observer | None) -> dict[str, int]:
        """Runs every step in the connection's current transaction; answers the rows of the scratch tables."""
        rows: dict[str, int] = {}
        for step in self._steps:
            if isinstance(step, _Call):
                rows[step.name] = step.function(connection)
                continue
            nobody = step.scope is not None and not rows[step.scope]
            if isinstance(step, _Replace):
                if not nobody:
                    _replace(connection, step, observer)
            elif nobody:
                connection.execute(f"DELETE FROM {step.name}")
                rows[step.name] = 0
            else:
                rows[step.name] = _fill(connection, step.name, step.query)
        return rows


def _replace(connection: DuckDBPyConnection, step: _Replace, observer: Observer | None) -> None:
    within = f"EXISTS (FROM {step.scope} AS scope WHERE {step.within})"
    new = _fill(connection, "new_rows", step.query)
    old = _fill(connection, "old_rows", f"SELECT fact.* FROM {step.table} AS fact WHERE {within}")
    if old:
        connection.execute(f"DELETE FROM {step.table} AS fact WHERE {within}")
    if new:
        connection.execute(f"INSERT INTO {step.table} FROM new_rows")
    if observer is not None and new:
        for sighting in step.sightings:
            if not old and sighting.known is None:
                observer.observe(connection, sighting.fact, "new_rows")
            elif _fill(connection, "first_seen", _unseen(sighting)):
                observer.observe(connection, sighting.fact, "first_seen")


def _unseen(sighting: Sighting) -> str:
    same = " AND ".join(f'o."{column}" = n."{column}"' for column in sighting.key)
    known = (
        "true"
        if sighting.known is None
        else f"(coalesce({{}}.{sighting.known}::VARCHAR, 'false') <> 'false')"
    )
    return (
        f"SELECT n.* FROM new_rows AS n WHERE {known.format('n')}"
        f" AND NOT EXISTS (FROM old_rows AS o WHERE {same} AND {known.format('o')})"
    )


def _fill(connection: DuckDBPyConnection, name: str, query: str) -> int:
    row = connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchone()
    return int(row[0]) if row else 0


def _query(expression: ir.Table) -> str:
    return str(ibis.to_sql(expression, dialect="duckdb"))
