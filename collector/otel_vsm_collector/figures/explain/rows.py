"""The shape that the rows behind every figure have, and what makes a row count or not."""

from enum import StrEnum
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.figures.explain.reasons import Reason

ROWS = ibis.schema(
    {
        "id": "string",  # tells the rows of a figure apart
        "kind": "string",
        "name": "string",  # the id of what it is about
        "deployment_id": "string",  # of a change: which brought it, or might have
        "pipeline_run": "string",  # of a change: the run of a pipeline that it is about
        "at": "int64",  # the moment that gives it its place in the window, never null
        "counted": "boolean",  # in a duration or a number; in a share: above or below the line
        "part": "boolean",  # of a share: above the line
        "whole": "boolean",  # of a share: below it
        "value": "float64",
        "of_s": "float64",  # what the value is a part of, where the figure is the ratio of their sums
        "stage": "string",  # that it is a run of, or is in
        "method": "string",  # by which it was found to count
        "reason": "string",  # why it does not count, or not above the line
    }
)


_OPTIONAL = ("deployment_id", "pipeline_run", "value", "of_s", "stage", "method", "reason")


class Kind(StrEnum):
    CHANGE = "change"
    DEPLOYMENT = "deployment"
    INCIDENT = "incident"
    RUN = "run"
    EXECUTION = "execution"
    APPROVAL = "approval"


Case = tuple[ir.BooleanValue, Reason]


class Candidates(NamedTuple):
    """Rows that a figure might count. One for which a case holds does not count, for the first such reason.

    What a figure is computed from and what explains it both follow from here.
    """

    rows: ir.Table
    cases: tuple[Case, ...]

    def counted(self) -> ir.Table:
        """The rows that count."""
        return self.rows.filter(*(~case.fill_null(False) for case, _ in self.cases))

    def explained(self) -> ir.Table:
        """All of them, with the `reason` why one does not count."""
        return self.rows.mutate(reason=because(*self.cases))


def values(rows: ir.Table, kind: Kind) -> ir.Table:
    """Rows (name, at and what else there is to say) of a figure that is no share: those without a reason
    count."""
    counted = rows.reason.isnull() if "reason" in rows.columns else True
    return _shaped(rows, kind, counted=counted, part=False, whole=False)


def shares(rows: ir.Table, kind: Kind) -> ir.Table:
    """Rows (name, at, part, whole and what else there is to say) of a share."""
    return _shaped(rows, kind, counted=rows.part | rows.whole, part=rows.part, whole=rows.whole)


def _shaped(rows: ir.Table, kind: Kind, *, counted: object, part: object, whole: object) -> ir.Table:
    rows = rows.mutate(counted=counted, part=part, whole=whole, kind=ibis.literal(str(kind)))
    missing = {column: ibis.null(ROWS[column]) for column in _OPTIONAL if column not in rows.columns}
    rows = rows.mutate(**missing)
    which = ibis.coalesce(rows.deployment_id, rows.pipeline_run, "")
    return rows.mutate(id=rows.kind.concat(" ", rows.name, " ", which)).select(*ROWS.names).cast(ROWS)


def because(*cases: Case, otherwise: Reason | None = None) -> ir.StringValue:
    """The reason of the first case that holds."""
    last = ibis.null("string") if otherwise is None else str(otherwise)
    return ibis.cases(*((case, str(reason)) for case, reason in cases), else_=last)
