"""Which facts a figure is about: a window of time and filters."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`from_ns` ≤ time < `to_ns`, nanoseconds since the epoch; a filter that is None lets all through."""

    from_ns: int
    to_ns: int
    service: str | None = None
    environment: str | None = None
    repository: str | None = None
    team: str | None = None
    value_stream: str | None = None

    @property
    def days(self) -> float:
        return (self.to_ns - self.from_ns) / (86_400 * 10**9)

    def within(self, moment: ir.IntegerColumn) -> ir.BooleanValue:
        """Whether a time lies in the window; null where there is none."""
        return (moment >= self.from_ns) & (moment < self.to_ns)

    def apply(self, rows: ir.Table) -> ir.Table:
        """The rows that pass the filters; a filter that the table has no column for lets them pass."""
        for column in ("service", "environment", "repository"):
            wanted = getattr(self, column)
            if wanted is not None and column in rows.columns:
                rows = rows.filter(rows[column] == wanted)
        for column, wanted in (("team", self.team), ("value_stream", self.value_stream)):
            if wanted is None:
                continue
            if f"{column}s" in rows.columns:
                rows = rows.filter(rows[f"{column}s"].contains(wanted))
            elif column in rows.columns:
                rows = rows.filter(rows[column] == wanted)
        return rows


def fact(name: str) -> ir.Table:
    """The table of facts of this name."""
    return tables.table(name)


def deployments(selection: Selection) -> ir.Table:
    """The deployments that finished in the window, successful or not."""
    rows = selection.apply(fact("deployment"))
    return rows.filter(selection.within(rows.finished_at))


def first_deliveries(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The first delivery of each change that passes the filters, of any time.

    Where neither the selection nor `by` tells services or environments apart, the first by any service, to
    any environment counts.
    """
    rows = selection.apply(fact("delivery"))
    group = [rows.change_id, *(rows[column] for column in by)]
    first = ibis.window(group_by=group, order_by=[rows.delivered_at, rows.deployment_id])
    rows = rows.mutate(place=ibis.row_number().over(first))
    return rows.filter(rows.place == 0).drop("place")


def deliveries(selection: Selection, by: tuple[str, ...] = ()) -> ir.Table:
    """The changes that were first delivered in the window; `by` as in `first_deliveries`."""
    rows = first_deliveries(selection, by)
    return rows.filter(selection.within(rows.delivered_at))


def incidents(selection: Selection) -> ir.Table:
    """The incidents that pass the filters, of any time."""
    return selection.apply(fact("incident"))
