"""Planning: expressions put in order, and compiled to the SQL of an engine's dialect."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from typing import NamedTuple

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.refresh.emptiness import both, needs
from otel_vsm_collector.derive.refresh.plan import Call, FirstSeen, Needs, Pick, Plan, Replace, Scratch, Step
from otel_vsm_collector.stores.engine import Columns, Engine, Within

_EXCLUDED = re.compile(r"(?<=EXCLUDE \()[^()]*(?=\))")
"""Columns that are dropped: Ibis names them in the order of a set, which is another one in each process."""

_COMPILED = 1000


class Scope(NamedTuple):
    """Whose facts are computed anew: a scratch table and the columns that name them."""

    table: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Planning:
    """Steps in the order in which they run. An expression may use whatever was put before it."""

    dialect: str
    """Of the engine that the plan will run on."""
    _steps: list[Step] = field(default_factory=list)
    _schemas: dict[str, ibis.Schema] = field(default_factory=dict)
    _functions: list[Callable[[Engine], int]] = field(default_factory=list)

    def scratch(self, name: str, expression: ir.Table, *, scope: str | None = None) -> ir.Table:
        """Computes a table that lives until the next refresh; the answer stands for it in expressions.

        It is empty where the scratch table `scope` is: asking costs more than knowing.
        """
        needed = self._needs(expression)
        if scope is not None:
            needed = both(needed, ((scope,),))
        self._schemas[name] = schema = expression.schema()
        self._steps.append(Scratch(name, self._query(expression), columns_of(schema, self.dialect), needed))
        return self.table(name)

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
        self._schemas[name] = picked = ibis.schema({new: schema[column] for new, column in wanted.items()})
        self._steps.append(
            Pick(name, named, table, _within(scope, columns), columns_of(picked, self.dialect))
        )
        return self.table(name)

    def table(self, name: str) -> ir.Table:
        """The scratch table that an earlier step makes."""
        return ibis.table(self._schemas[name], name=name)

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
        within, needed = _within(scope, columns), self._needs(expression)
        self._steps.append(Replace(table, query, within, first_seen, needed))

    def call(
        self, name: str, function: Callable[[Engine], int], schema: ibis.Schema | None = None
    ) -> ir.Table:
        """Calls a function of a module with the engine: it makes the scratch table `name`, and gives the rows
        in it."""
        self._steps.append(Call(name, f"{function.__module__}:{function.__qualname__}"))
        self._functions.append(function)
        self._schemas[name] = schema or ibis.schema({})
        return self.table(name)

    def follow(self, put: Callable[["Planning"], None]) -> None:
        """Lets a function put its steps.

        They depend on nothing but those before: for other definitions they are not put together anew.
        """
        followed = _followed(put, self.dialect, tuple(self._schemas.items()))
        self._steps += followed._steps
        self._schemas |= followed._schemas
        self._functions += followed._functions

    def plan(self) -> Plan:
        """What was put in order."""
        facts = {name: columns_of(schema, self.dialect) for name, schema in tables.FACTS.items()}
        return Plan(facts, tuple(self._steps), self._fingerprint())

    def _fingerprint(self) -> str:
        """It is the plan as it was compiled, so that no rule, definition or column can change without it, and
        what no query shows: the functions that it calls."""
        digest = sha256(repr(sorted(tables.TABLES.items())).encode())
        for text in (*map(repr, self._steps), *map(inspect.getsource, self._functions)):
            digest.update(_EXCLUDED.sub(_in_order, text).encode())
        return digest.hexdigest()

    def _needs(self, expression: ir.Table) -> Needs:
        return needs(expression.op(), self._schemas)

    def _query(self, expression: ir.Table) -> str:
        return _compiled(expression.op(), self.dialect)


def columns_of(schema: ibis.Schema, dialect: str) -> Columns:
    """A table's columns, with their types in the words of a dialect."""
    compiler = import_module(f"ibis.backends.sql.compilers.{dialect}").compiler
    return {name: compiler.type_mapper.to_string(kind) for name, kind in schema.items()}


# Plans by other definitions have most of their queries in common: `vsm.yaml` may be read again and again.
@lru_cache(_COMPILED)
def _compiled(operation: ops.Node, dialect: str) -> str:
    return str(ibis.to_sql(operation.to_expr(), dialect=dialect))


@lru_cache(_COMPILED)
def _followed(
    put: Callable[[Planning], None], dialect: str, schemas: tuple[tuple[str, ibis.Schema], ...]
) -> Planning:
    planning = Planning(dialect, _schemas=dict(schemas))
    put(planning)
    return planning


def _within(scope: Scope, columns: tuple[str, ...] | None) -> Within:
    return Within(columns or scope.columns, scope.table, scope.columns)


def _in_order(excluded: re.Match[str]) -> str:
    return ", ".join(sorted(excluded[0].split(", ")))
