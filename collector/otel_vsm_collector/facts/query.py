"""Answers to questions that are asked again and again, each compiled once.

Compiling an Ibis expression takes longer than computing it. What differs from one time to the next, the
window and the filters' values, is a parameter of the query; what shapes the query is a part of its key.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend as DuckDB

from otel_vsm_collector.facts.by_profile import make
from otel_vsm_collector.facts.selection import Selection

_NUMBER = 8_213_649_127_340_000_000
"""Stands for a number that is filled in later: no time, and no number of any expression, is like it."""
_TEXTS = ("service", "repository", "team", "value_stream", "severity")
_KEPT = 1000

Question = Callable[..., ir.Table]
"""Called with a selection and what else shapes the query."""


def answer(
    backend: ibis.BaseBackend, what: Question, selection: Selection, *shape: Any, **values: int | str
) -> list[dict[str, Any]]:
    """The rows of `what(selection, *shape, **values)`; `values` may differ from one time to the next."""
    if not isinstance(backend, DuckDB):
        return list(backend.to_pyarrow(what(selection, *shape, **values)).to_pylist())
    symbolic, found = _symbolic(selection)
    marks = tuple(
        (name, _mark(name) if isinstance(value, str) else _NUMBER + len(found) + place)
        for place, (name, value) in enumerate(values.items())
    )
    query = _compiled(what, symbolic, shape, marks)
    found |= {f"{name}_": value for name, value in values.items()}
    make(backend.con, query)
    used = {name: value for name, value in found.items() if f"${name}" in query}
    answered = backend.con.execute(query, used)
    names = [column[0] for column in answered.description]
    return [dict(zip(names, row, strict=True)) for row in answered.fetchall()]


def _symbolic(selection: Selection) -> tuple[Selection, dict[str, Any]]:
    """The selection with placeholders for its values, and the values by the names of their parameters."""
    numbers = (selection.from_ns, selection.to_ns, *selection.edges)
    names = [f"number_{place}_" for place in range(len(numbers))]
    marks = [_NUMBER + place for place in range(len(numbers))]
    texts = {name: value for name in _TEXTS if (value := getattr(selection, name)) is not None}
    placeholders: dict[str, Any] = {name: _mark(name) for name in texts}
    symbolic = replace(selection, from_ns=marks[0], to_ns=marks[1], edges=tuple(marks[2:]), **placeholders)
    return symbolic, dict(zip(names, numbers, strict=True)) | {f"{name}_": v for name, v in texts.items()}


@lru_cache(maxsize=_KEPT)
def _compiled(
    what: Question, symbolic: Selection, shape: tuple[Any, ...], marks: tuple[tuple[str, int | str], ...]
) -> str:
    query = str(ibis.to_sql(what(symbolic, *shape, **dict(marks)), dialect="duckdb"))
    for place in range(2 + len(symbolic.edges)):
        query = query.replace(str(_NUMBER + place), f"$number_{place}_")
    for name in _TEXTS:
        query = query.replace(f"'{_mark(name)}'", f"${name}_")
    for name, mark in marks:
        query = query.replace(f"'{mark}'" if isinstance(mark, str) else str(mark), f"${name}_")
    return query


def _mark(name: str) -> str:
    return f"<the {name} that is asked for>"
