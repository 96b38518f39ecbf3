"""A plan: expressions put in order, compiled once, run often.

Compiling an Ibis expression takes about as long as deriving from a few thousand spans; the expressions of a
refresh never change, so they are compiled when the collector starts.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from otel_vsm_collector.derive import tables
from otel_vsm_collector.stores.engine import Engine, Within

_EXCLUDED = re.compile(r"(?<=EXCLUDE \()[^()]*(?=\))")
"""Columns that are dropped: Ibis names them in the order of a set, which is another one in each process."""

_COMPILED = 1000

Observe = Callable[[str, str], None]
"""Who wants to know of facts when they are first seen (the metrics) is called with the fact and the name of a
table with its columns, each row of it seen for the first time."""


class Scope(NamedTuple):
    """Whose facts are computed anew: a scratch table and the columns that name them."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirstSeen:
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
class _Pick:
    name: str
    columns: str
    table: str
    within: Within
    schema: ibis.Schema


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    function: Callable[[Engine], int]


@dataclass(frozen=True, slots=True)
class _Replace:
    table: str
    query: str
    within: Within
    first_seen: tuple[FirstSeen, ...]


@dataclass(slots=True)
class Plan:
    """Steps in the order in which they run. An expression may use whatever was put before it."""

    dialect: str
    """Of the engine that it will run on."""
    _steps: list[_Scratch | _Pick | _Call | _Replace] = field(default_factory=list)

    def scratch(self, name: str, expression: ir.Table, *, scope: str | None = None) -> ir.Table:
        """Computes a table that lives until the next refresh; the answer stands for it in expressions.

        It is empty where the scratch table `scope` is: asking costs more than knowing.
        """
        self._steps.append(_Scratch(name, self._query(expression), expression.schema(), scope))
        return ibis.table(expression.schema(), name=name)

    def pick(
        self, name: str, table: str, scope: Scope, columns: tuple[str, ...] | None = None, **wanted: str
    ) -> ir.Table:
        """Takes the rows of a lasting table that a scope names into a scratch table.

        `columns` are the table's for the scope's, where they have other names; `wanted` are the columns to
        take, by the names that they get, all where none is given.
        """
        schema = tables.TABLES[table]
        wanted = wanted or {column: column for column in schema}
        named = ", ".join(f'"{column}" AS "{new}"' for new, column in wanted.items())
        picked = ibis.schema({new: schema[column] for new, column in wanted.items()})
        self._steps.append(_Pick(name, named, table, _within(scope, columns), picked))
        return ibis.table(picked, name=name)

    def table(self, name: str) -> ir.Table:
        """The scratch table that an earlier step makes."""
        (schema,) = {
            step.schema for step in self._steps if isinstance(step, _Scratch | _Pick) and step.name == name
        }
        return ibis.table(schema, name=name)

    def replace(
        self,
        table: str,
        expression: ir.Table,
        *,
        scope: Scope,
        columns: tuple[str, ...] | None = None,
        first_seen: tuple[FirstSeen, ...] = (),
    ) -> None:
        """Computes the rows of a fact's table anew that the scope names; not from that table itself.

        `columns` are the table's for the scope's, where they have other names. Nothing happens where the
        scope is empty.
        """
        schema = tables.FACTS[table]
        query = self._query(expression.select(*schema.names).cast(schema))
        self._steps.append(_Replace(table, query, _within(scope, columns), first_seen))

    def call(
        self, name: str, function: Callable[[Engine], int], schema: ibis.Schema | None = None
    ) -> ir.Table:
        """Calls a function with the engine: it makes the scratch table `name`, and gives the rows in it."""
        self._steps.append(_Call(name, function))
        return ibis.table(schema or ibis.schema({}), name=name)

    def create(self, engine: Engine) -> None:
        """Makes the scratch tables."""
        for step in self._steps:
            if isinstance(step, _Scratch | _Pick):
                engine.create_scratch(step.name, step.schema)

    def run(self, engine: Engine, observe: Observe | None) -> dict[str, int]:
        """Runs every step in the engine's current transaction; answers the rows of the scratch tables."""
        rows: dict[str, int] = {}
        for step in self._steps:
            if isinstance(step, _Call):
                rows[step.name] = step.function(engine)
                continue
            scope = step.scope if isinstance(step, _Scratch) else step.within.scratch
            nobody = scope is not None and not rows[scope]
            if isinstance(step, _Replace):
                if not nobody:
                    _replace(engine, step, observe)
            elif nobody:
                engine.delete(step.name, "true")
                rows[step.name] = 0
            elif isinstance(step, _Pick):
                rows[step.name] = engine.pick(step.name, step.columns, step.table, step.within)
            else:
                rows[step.name] = engine.fill(step.name, step.query)
        return rows

    @property
    def fingerprint(self) -> str:
        """Changes whenever the plan would fill the tables otherwise, or other tables.

        It is the plan as it was compiled, so that no rule, definition or column can change without it, and
        what no query shows: the functions that it calls.
        """
        digest = sha256(repr(sorted(tables.TABLES.items())).encode())
        for step in self._steps:
            text = inspect.getsource(step.function) if isinstance(step, _Call) else repr(step)
            digest.update(_EXCLUDED.sub(_in_order, text).encode())
        return digest.hexdigest()

    def _query(self, expression: ir.Table) -> str:
        return _compiled(expression.op(), self.dialect)


# Plans by other definitions have most of their queries in common: `vsm.yaml` may be read again and again.
@lru_cache(_COMPILED)
def _compiled(operation: ops.Node, dialect: str) -> str:
    return str(ibis.to_sql(operation.to_expr(), dialect=dialect))


def _replace(engine: Engine, step: _Replace, observe: Observe | None) -> None:
    if observe is None or not step.first_seen:
        engine.drop(step.table, step.within)
        engine.insert(step.table, step.query)
        return
    new = engine.fill("new_rows", step.query)
    old = engine.pick("old_rows", _columns_before(step.first_seen), step.table, step.within)
    if old:
        engine.drop(step.table, step.within)
    if new:
        engine.insert(step.table, "SELECT * FROM new_rows")
    if new:
        for what in step.first_seen:
            if not old and what.known is None:
                observe(what.fact, "new_rows")
            elif engine.fill("first_seen", _newly_seen(what)):
                observe(what.fact, "first_seen")


def _in_order(excluded: re.Match[str]) -> str:
    return ", ".join(sorted(excluded[0].split(", ")))


def _within(scope: Scope, columns: tuple[str, ...] | None) -> Within:
    return Within(columns or scope.columns, scope.table, scope.columns)


def _columns_before(first_seen: tuple[FirstSeen, ...]) -> str:
    """The columns of old rows that tell what was seen before."""
    columns = dict.fromkeys(column for what in first_seen for column in (*what.key, what.known) if column)
    return ", ".join(f'"{column}"' for column in columns)


def _newly_seen(what: FirstSeen) -> str:
    same = " AND ".join(f'o."{column}" = n."{column}"' for column in what.key)
    known = (
        "true"
        if what.known is None
        else f"(coalesce(CAST({{}}.{what.known} AS VARCHAR), 'false') <> 'false')"
    )
    return (
        f"SELECT n.* FROM new_rows AS n WHERE {known.format('n')}"
        f" AND NOT EXISTS (SELECT 1 FROM old_rows AS o WHERE {same} AND {known.format('o')})"
    )
