"""The shape that the rows behind every figure have."""

from enum import StrEnum

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.figures.explain.reasons import Reason

ROWS = ibis.schema(
    {
        "id": "string",  # tells the rows of a figure apart
        "kind": "string",
        "name": "string",  # the id of the change, deployment or incident that it is about
        "deployment_id": "string",  # of a change: which brought it, or might have
        "at": "int64",  # the moment that gives it its place in the window, never null
        "counted": "boolean",  # in a duration or a number; in a share: above or below the line
        "part": "boolean",  # of a share: above the line
        "whole": "boolean",  # of a share: below it
        "value": "float64",
        "method": "string",  # by which it was found to count
        "reason": "string",  # why it does not count, or not above the line
    }
)


class Kind(StrEnum):
    CHANGE = "change"
    DEPLOYMENT = "deployment"
    INCIDENT = "incident"


def values(rows: ir.Table, kind: Kind) -> ir.Table:
    """Rows (name, at, value, method, reason, for changes deployment_id) of a figure that is no share: those
    without a reason count."""
    return _shaped(rows, kind, counted=rows.reason.isnull(), part=False, whole=False)


def shares(rows: ir.Table, kind: Kind) -> ir.Table:
    """Rows (name, at, part, whole, method, reason) of a share."""
    return _shaped(rows, kind, counted=rows.part | rows.whole, part=rows.part, whole=rows.whole)


def _shaped(rows: ir.Table, kind: Kind, *, counted: ir.BooleanValue, part: object, whole: object) -> ir.Table:
    missing = {
        column: ibis.null(ROWS[column])
        for column in ("deployment_id", "value", "method", "reason")
        if column not in rows.columns
    }
    rows = rows.mutate(counted=counted, part=part, whole=whole, kind=ibis.literal(str(kind)), **missing)
    place = ibis.literal(f"{kind} ").concat(rows.name, " ", rows.deployment_id.fill_null(""))
    return rows.mutate(id=place).select(*ROWS.names).cast(ROWS)


def because(*cases: tuple[ir.BooleanValue, Reason], otherwise: Reason | None = None) -> ir.StringValue:
    """The reason of the first case that holds."""
    last = ibis.null("string") if otherwise is None else str(otherwise)
    return ibis.cases(*((case, str(reason)) for case, reason in cases), else_=last)
