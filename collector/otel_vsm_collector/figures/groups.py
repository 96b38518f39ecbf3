"""The figures of each group: of one selection, of several windows, and by service or repository."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.facts.reader import Reader
from otel_vsm_collector.facts.selection import Selection, Text
from otel_vsm_collector.figures.computed import WINDOW, By, Family, Parts, Row
from otel_vsm_collector.figures.flow.bottleneck import bottleneck
from otel_vsm_collector.figures.flow.passage import passage
from otel_vsm_collector.figures.flow.stages import OVERLAPPING, rates, stages
from otel_vsm_collector.figures.flow.times import PROCESS, TIMES, WAIT
from otel_vsm_collector.figures.flow.work_in_progress import UNDER_WAY, work_in_progress
from otel_vsm_collector.figures.measurement import gaps
from otel_vsm_collector.figures.registry import FAMILIES, values


def parts_of(reader: Reader, selection: Selection) -> Parts:
    """What figures are made of, each family asked for where one of its figures is."""

    def read(family: Family) -> Row:
        (row,) = reader.answer(family.question, selection, ())
        return row

    return Parts(selection, read)


def parts_by(
    reader: Reader, selection: Selection, by: By, most: int
) -> tuple[dict[tuple[Any, ...], Parts], bool]:
    """The same by the values of columns, for those that have anything in the window, of all families that can
    be told apart by them: of the first `most` values, in their order, and whether these are all."""
    if not by:
        return {(): parts_of(reader, selection)}, True
    rows: dict[tuple[Any, ...], dict[Family, Row]] = {}
    for family in FAMILIES:
        for row in reader.answer(_first, selection, family, by, most + 1) if family.by == by else ():
            rows.setdefault(tuple(row[column] for column in by), {})[family] = row
    # Those after the last that every family was asked for might lack what the others have of them.
    keys = sorted(rows, key=lambda key: tuple((part is None, part) for part in key))[:most]
    return {key: Parts(selection, _row_of(rows[key])) for key in keys}, len(keys) == len(rows)


def _first(selection: Selection, family: Family, by: By, most: int) -> ir.Table:
    return (
        family.question(selection, by)
        .order_by([ibis.asc(name, nulls_first=False) for name in by])
        .limit(most)
    )


def dora(reader: Reader, selection: Selection) -> Row:
    """The DORA figures in the shape of the API's answer, but for window and profile.

    - lead time: of the changes delivered in the window
    - frequency, change fail rate, rework rate, recovery: of the successful deployments that finished in it
    - time to restore, time to detect: of the incidents resolved, detected in it
    """
    return values("dora", parts_of(reader, selection))


def dora_over(reader: Reader, selection: Selection, edges: Sequence[int]) -> list[Row]:
    """The same of each of the windows that lie between two of the `edges`, ascending times."""
    whole = replace(selection, from_ns=edges[0], to_ns=edges[-1], edges=tuple(edges[1:-1]))

    @cache
    def rows(family: Family) -> dict[int, Row]:
        return {row.get(WINDOW, 0): row for row in reader.answer(family.question, whole, ())}

    def parts(number: int, start: int, end: int) -> Parts:
        window = replace(selection, from_ns=start, to_ns=end)
        return Parts(window, lambda family: rows(family).get(number, {}))

    return [values("dora", parts(number, *window)) for number, window in enumerate(pairwise(edges))]


def dora_by(reader: Reader, selection: Selection, column: Text, names: Sequence[str]) -> list[Row]:
    """The same of each of these services, teams or repositories, as of a selection of that one alone."""
    if column != "service":
        return [dora(reader, selection.of(column, name)) for name in names]
    # One question for all of them: every family of the group tells services apart.
    rows: dict[str, dict[Family, Row]] = {}
    for family in FAMILIES:
        for row in reader.answer(family.question, selection, (column,)) if column in family.by else ():
            rows.setdefault(row[column], {})[family] = row
    return [values("dora", Parts(selection, _row_of(rows.get(name, {})))) for name in names]


def flow(reader: Reader, selection: Selection) -> Row:
    """The figures of flow in the shape of the API's answer, but for window and profile, with what is under
    way and what holds changes up most."""
    return flow_of(parts_of(reader, selection))


def flow_of(parts: Parts) -> Row:
    """The same from the parts of a selection."""
    selection = parts.selection
    figures = values("flow", parts)
    under_way = work_in_progress(parts.of(UNDER_WAY))
    contributed = parts.of(TIMES)["contributed"] or []
    there = {row["stage"]: row["changes"] for row in under_way["by_stage"]}
    rows = {row["stage_name"]: row for row in parts.of(OVERLAPPING)["stages"] or ()}
    names = (row["stage_name"] for row in contributed)
    by_stage = {name: rates(rows.get(name, {}), selection) | {"wip": there.get(name, 0)} for name in names}
    return figures | {
        "work_in_progress": under_way,
        "bottleneck": bottleneck(contributed, by_stage, figures["flow_time"]["p50"]),
    }


def stream_map(reader: Reader, selection: Selection) -> Row:
    """The stages in the order in which changes pass them, in the shape of the API's answer, but for window
    and profile: what each takes, and what it and the wait before it take of the changes delivered in the
    window."""
    parts = parts_of(reader, selection)
    figures = flow_of(parts)
    rows = {row["name"]: row for row in stages(reader, selection)}
    contributed = {row["stage_name"]: row for row in parts.of(TIMES)["contributed"] or ()}

    def drawn(stage: Row) -> Row:
        part = contributed.get(stage["name"], {})
        took = {f"{name}_of_changes_s": part.get(name) for name in (PROCESS, WAIT)}
        return stage | took | {"figures": rows.pop(stage["name"])}

    names = ("flow_time", "active_time", "flow_efficiency", "throughput_per_day", "wip", "handoffs")
    return {
        "steps": [[drawn(stage) for stage in step] for step in passage(reader, selection)],
        "waiting_only": list(rows.values()),
        "rolled_complete_accurate": figures["rolled_complete_accurate"],
        "bottleneck": figures["bottleneck"],
        **{name: figures[name] for name in names},
    }


def measurement(reader: Reader, selection: Selection) -> Row:
    """How far the figures can be believed, in the shape of the API's answer, but for window, profile and what
    the collector counts itself."""
    return gaps.gaps(reader, selection) | values("measurement", parts_of(reader, selection))


def _row_of(rows: Mapping[Family, Row]) -> Callable[[Family], Row]:
    return lambda family: rows.get(family, {})
