"""Where two profiles differ about a figure, and by which of their settings.

A row is put down to the settings that by themselves make it count in the one profile as it does in the other;
where none does, several work together.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.registry import EXPLAINED

Row = dict[str, Any]
_STATES = ("rows", "part", "whole", "value")
_TIMES = ("value", "of_s")
_KEY = ("kind", "name")


def differences(
    reader: Reader,
    figure: str,
    ours: Selection,
    theirs: Selection,
    alone: Mapping[str, Selection],
    *,
    limit: int,
    after: tuple[int, str] | None,
) -> list[Row]:
    """The newest `limit` changes, deployments and incidents after one (at, id) that count otherwise in
    `ours` than in `theirs`: `kind`, `name`, `at`, what each makes of it (columns that begin with ours_ and
    theirs_) and `settings`, those that are responsible.

    `alone` says by setting what would be asked by our profile with their value of that setting.
    """
    last: dict[str, int | str] = {} if after is None else {"at": after[0], "id": after[1]}
    facts = tuple(variant.facts for variant in (ours, theirs, *alone.values()))
    rows = reader.answer(_page, ours, figure, facts, limit, **last)
    return [_with_settings(row, tuple(alone)) for row in rows]


def tally(
    reader: Reader,
    figure: str,
    ours: Selection,
    theirs: Selection,
    alone: Mapping[str, Selection],
) -> Row:
    """How many rows count otherwise (rows), and how many each setting is responsible for (by_setting)."""
    facts = tuple(variant.facts for variant in (ours, theirs, *alone.values()))
    (row,) = reader.answer(_tally, ours, figure, facts)
    settings = {name: row[f"flips_{number}"] or 0 for number, name in enumerate(alone)}
    return {
        "rows": row["rows"],
        "by_setting": settings,
        "several_together": row["together"] or 0,
    }


def _page(
    selection: Selection,
    figure: str,
    facts: tuple[Any, ...],
    limit: int,
    at: ir.IntegerScalar | None = None,
    id: ir.StringScalar | None = None,
) -> ir.Table:
    rows = _differing(selection, figure, facts)
    if at is not None and id is not None:
        rows = rows.filter((rows["at"] < at) | ((rows["at"] == at) & (rows.id > id)))
    return rows.order_by([ibis.desc("at"), "id"]).limit(limit)


def _tally(selection: Selection, figure: str, facts: tuple[Any, ...]) -> ir.Table:
    rows = _differing(selection, figure, facts)
    flips = [name for name in rows.columns if name.startswith("flips_")]
    together = rows.same_0
    for name in flips:
        together = together | rows[name]
    return rows.aggregate(
        rows=rows.count(), together=(~together).sum(), **{name: rows[name].sum() for name in flips}
    )


def _differing(selection: Selection, figure: str, facts: tuple[Any, ...]) -> ir.Table:
    """A row per change, deployment or incident that the first two of `facts` count otherwise, with a column
    flips_<n> for each of the others: whether by these it counts as by the second."""
    counted = []
    for number, by in enumerate(facts):
        rows = EXPLAINED[figure].counted_rows(replace(selection, facts=by))
        counted.append(rows.select(*_KEY, "at", "part", "whole", *_TIMES, number=ibis.literal(number)))
    every = ibis.union(*counted)
    states: dict[str, ir.Value] = {}
    for number in range(len(facts)):
        here = every.number == number
        states |= {
            f"rows_{number}": here.sum(),
            f"part_{number}": (here & every.part).any(),
            f"whole_{number}": (here & every.whole).any(),
            **{f"{time}_{number}": every[time].max(where=here) for time in _TIMES},
        }
    by_name = every.group_by(*_KEY).agg(at=every["at"].max(), **states)
    by_name = by_name.mutate(
        **{f"same_{number}": _same(by_name, number, 1) for number in range(len(facts)) if number != 1}
    )
    differing = by_name.filter(~by_name.same_0)
    return differing.select(
        *_KEY,
        "at",
        "same_0",
        id=differing.kind.concat(" ", differing.name),
        **{f"ours_{state}": differing[f"{state}_0"] for state in _STATES},
        **{f"theirs_{state}": differing[f"{state}_1"] for state in _STATES},
        **{f"flips_{number - 2}": differing[f"same_{number}"] for number in range(2, len(facts))},
    )


def _same(rows: ir.Table, one: int, other: int) -> ir.BooleanValue:
    """Whether two make the same of a row."""
    same = ibis.literal(True)
    for state in ("rows", "part", "whole"):
        same = same & (rows[f"{state}_{one}"] == rows[f"{state}_{other}"])
    for time in _TIMES:
        same = same & (rows[f"{time}_{one}"].fill_null(-1.0) == rows[f"{time}_{other}"].fill_null(-1.0))
    return same


def _with_settings(row: Row, settings: tuple[str, ...]) -> Row:
    flipping = [name for number, name in enumerate(settings) if row[f"flips_{number}"]]
    return {name: value for name, value in row.items() if not name.startswith("flips_")} | {
        "settings": flipping
    }
