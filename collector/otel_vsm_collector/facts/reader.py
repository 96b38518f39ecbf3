"""Questions to the facts: expressions that are asked again and again, each compiled once.

Compiling an Ibis expression takes longer than computing it, so what was compiled before is looked up
(`compiled.py`). What differs from one time to the next, the window and the filters' values, is a parameter of
the query; what shapes the query is a part of its key.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import ibis
import ibis.expr.types as ir
import sqlglot.expressions as sge
from duckdb import DuckDBPyConnection
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

from otel_vsm_collector.facts.question_key import question_key
from otel_vsm_collector.facts.selection import Selection, parameter
from otel_vsm_collector.facts.tables import FactTables

_COMPILED = 1000

Row = dict[str, Any]
Question = Callable[..., ir.Table]
"""Called with a selection, what else shapes the query, and scalars that stand for further values."""


class Reader(Protocol):
    """A view of the facts at one moment."""

    facts: FactTables
    """The tables by the default profile; those of others follow from them."""

    def answer(self, question: Question, selection: Selection, *shape: Any, **values: int | str) -> list[Row]:
        """The rows of `question(selection, *shape, **values)`; `values` may differ from one time to the
        next."""


class DuckDBReader:
    """Reads through a connection, whose transaction makes all answers agree.

    `go_on` is called before each question, and raises where nobody waits for the answer any more.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        facts: FactTables,
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        self.facts = facts
        self._go_on = go_on
        self._connection = connection
        self._made: set[str] = set()

    def answer(self, question: Question, selection: Selection, *shape: Any, **values: int | str) -> list[Row]:
        self._go_on()
        kinds = tuple((name, type(value)) for name, value in values.items())
        compiled = _compiled(question, selection.shape, shape, kinds)
        self._make(compiled.query, selection.facts)
        given = selection.values | values
        self._go_on()
        answered = self._connection.execute(
            compiled.query, {name: given[name] for name in compiled.parameters}
        )
        names = [column[0] for column in answered.description]
        return [dict(zip(names, row, strict=True)) for row in answered.fetchall()]

    def _make(self, query: str, facts: FactTables) -> None:
        """Makes the temporary tables that a query names."""
        for name in facts.named_in(query):
            if name not in self._made:
                rows = facts.temporaries[name]
                self._make(rows, facts)
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")
                self._made.add(name)


class BackendReader:
    """Reads through any backend of Ibis, compiling each question anew."""

    def __init__(self, backend: ibis.BaseBackend, facts: FactTables) -> None:
        self.facts = facts
        self._backend = backend

    def answer(self, question: Question, selection: Selection, *shape: Any, **values: int | str) -> list[Row]:
        scalars = {name: ibis.literal(value) for name, value in values.items()}
        return list(self._backend.to_pyarrow(question(selection, *shape, **scalars)).to_pylist())


class _Compiled(NamedTuple):
    query: str
    parameters: tuple[str, ...]


class _Compiler(DuckDBCompiler):  # type: ignore[misc]  # it has no types
    __slots__ = ()

    def visit_Parameter(self, op: Any, *, key: str, dtype: Any) -> sge.Expression:
        return sge.Parameter(this=sge.Var(this=key))


@lru_cache(_COMPILED)
def _compiled(
    question: Question,
    shape: Selection,
    further: tuple[Any, ...],
    kinds: tuple[tuple[str, type[int] | type[str]], ...],
) -> _Compiled:
    facts = shape.facts
    of_shape = [getattr(shape, field.name) for field in fields(shape) if field.name != "facts"]
    key = None if facts.compiled is None else question_key(question, *of_shape, further, kinds)
    if facts.compiled is not None and key is not None and (known := facts.compiled.get(key)):
        return _Compiled(*known)
    asked = question(shape, *further, **{name: parameter(name, kind) for name, kind in kinds})
    query = _Compiler().to_sqlglot(asked.unbind())
    parameters = sorted({parameter.name for parameter in query.find_all(sge.Parameter)})
    compiled = _Compiled(query.sql(dialect=_Compiler.dialect), tuple(parameters))
    # Temporary tables are others in another process.
    if facts.compiled is not None and key is not None and not facts.named_in(compiled.query):
        facts.compiled.add(key, *compiled)
    return compiled
