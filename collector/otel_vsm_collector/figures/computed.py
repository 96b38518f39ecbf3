"""How a figure of the catalogue is computed: from rows that are also what explains it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import ibis.expr.types as ir

from otel_vsm.figures import FIGURES, Figure
from otel_vsm.semconv.metrics import Metric
from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.statistic import distribution, ratio, statistic
from otel_vsm_collector.figures.together import together

By = tuple[str, ...]
"""The columns that rows are told apart by."""
Row = dict[str, Any]
Aggregates = Mapping[str, ir.Scalar]
WINDOW = "window"
"""The column with the number of the window that a row is of, where the selection is cut into several."""
OF_VALUES = ("statistic", "median", "mean")
"""The settings of a profile that say what is made of the rows' values, and change none of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed:
    """A figure of the catalogue, with what it is made from. Raises ValueError where its metric has another
    unit."""

    figure: Figure
    value: Callable[[Row, "Parts"], Any]
    """In the shape of the API: from its family's row, which is empty where there is nothing, and others."""
    parts: Callable[[Selection, ir.Table], Aggregates] = lambda selection, rows: {}
    """What of it has to be aggregated over the family's rows."""
    explained: Callable[[Selection], ir.Table] | None = None
    """The rows that count and those that might have, in the shape of `explain.rows.ROWS`."""
    counted: Callable[[Selection], ir.Table] | None = None
    """Those of them that count, where these alone are less work."""
    settings: tuple[str, ...] | Callable[[Profile], tuple[str, ...]] = ()
    """Those of a profile that it depends on."""
    metric: Metric | None = None
    """The gauge that shows it, told apart by what its family is."""

    def __post_init__(self) -> None:
        if self.metric is not None and self.metric.unit != self.figure.unit:
            raise ValueError(f"{self.metric.name} is in {self.metric.unit}, {self.figure.name} is not")

    def rows(self, selection: Selection) -> ir.Table:
        """All that explains it. Raises LookupError where nothing does."""
        if self.explained is None:
            raise LookupError(f"nothing explains {self.figure.name}")
        return self.explained(selection)

    def counted_rows(self, selection: Selection) -> ir.Table:
        """Those of the rows that count."""
        if self.counted is not None:
            return self.counted(selection)
        rows = self.rows(selection)
        return rows.filter(rows.counted)

    def settings_of(self, profile: Profile) -> tuple[str, ...]:
        return self.settings if isinstance(self.settings, tuple) else self.settings(profile)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """Figures about the same rows, which one question gives all parts of."""

    rows: Callable[[Selection, By], ir.Table]
    """Those that count, with the columns that they are told apart by, and where windows are told apart with
    `at`, the moment that has to lie in one."""
    figures: tuple[Computed, ...] = ()
    parts: Callable[[Selection, ir.Table], Aggregates] = lambda selection, rows: {}
    """What several figures need."""
    lists: Mapping[str, Callable[[Selection, ir.Table], ir.Table]] = field(default_factory=dict)
    """Tables that go along as lists of their rows, where nothing is told apart."""
    by: By = ()
    """The columns that its figures can be told apart by."""

    def question(self, selection: Selection, by: By) -> ir.Table:
        """One row of parts; one per window and value of `by`, where there are several."""
        rows = self.rows(selection, by)
        if selection.edges:
            rows, by = rows.mutate(**{WINDOW: selection.part(rows["at"])}), (WINDOW, *by)
        parts = dict(self.parts(selection, rows))
        for computed in self.figures:
            parts |= computed.parts(selection, rows)
        if by:
            return rows.aggregate(by=by, **parts)
        lists = {name: table(selection, rows) for name, table in self.lists.items()}
        return together([rows.aggregate(**parts)] if parts else [], lists)


class Parts:
    """The rows of parts of one selection, each of them asked for when it is first needed."""

    def __init__(self, selection: Selection, read: Callable[[Family], Row]) -> None:
        self.selection = selection
        self._read = read
        self._rows: dict[Family, Row] = {}

    def of(self, family: Family) -> Row:
        if family not in self._rows:
            self._rows[family] = self._read(family)
        return self._rows[family]


class _More(TypedDict, total=False):
    """What else there is to say of a `Computed`."""

    value: Callable[[Row, Parts], Any]
    parts: Callable[[Selection, ir.Table], Aggregates]
    explained: Callable[[Selection], ir.Table]
    counted: Callable[[Selection], ir.Table]
    settings: tuple[str, ...] | Callable[[Profile], tuple[str, ...]]
    metric: Metric


def duration(name: str, seconds: str, **more: Unpack[_More]) -> Computed:
    """The figure of this name, as the distribution of a column of its family's rows."""

    def parts(selection: Selection, rows: ir.Table) -> Aggregates:
        return statistic(rows[seconds], name, median=selection.profile.median)

    made: _More = {"parts": parts, "value": lambda row, _: distribution(row, name)}
    return Computed(figure=FIGURES[name], **made | more)


def share(name: str, part: str, **more: Unpack[_More]) -> Computed:
    """The figure of this name, as the share of its family's rows for which a column is true."""
    figure = FIGURES[name]

    def parts(selection: Selection, rows: ir.Table) -> Aggregates:
        return {f"{name}_part": rows[part].sum(), f"{name}_whole": rows.count()}

    def value(row: Row, _: Parts) -> Row:
        above, below = row.get(f"{name}_part") or 0, row.get(f"{name}_whole") or 0
        return {figure.part: int(above), figure.whole: below, "ratio": ratio(above, below)}

    made: _More = {"parts": parts, "value": value}
    return Computed(figure=figure, **made | more)
