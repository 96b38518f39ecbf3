"""Rollbacks: how much of what was deployed goes back."""

import ibis.expr.types as ir

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import FailureMethod, TaskResult
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Computed, Family, Parts, Row
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Candidates, Kind, shares
from otel_vsm_collector.figures.statistic import ratio


def finished(selection: Selection) -> Candidates:
    """The deployments that finished in the window, of which those count that succeeded, and whether each is a
    rollback (back)."""
    # Whether they failed, which takes longest to say by another profile, is not asked.
    rows = selection.apply(selection.table("deployment_report"))
    rows = rows.filter(selection.within(rows.finished_at))
    remedies = selection.table("remedy")
    remedies = remedies.filter(remedies.method == FailureMethod.ROLLBACK).select("id", mends=True)
    rows = rows.left_join(remedies, "id").drop("id_right")
    done = rows.result == TaskResult.SUCCESS
    rows = rows.mutate(at=rows.finished_at, done=done, back=done & rows.mends.notnull())
    return Candidates(rows, ((~rows.done, Reason.UNSUCCESSFUL),))


def explained(selection: Selection) -> ir.Table:
    """A row per deployment that finished in the window."""
    rows = finished(selection).explained().rename(name="id", part="back", whole="done")
    return shares(rows, Kind.DEPLOYMENT)


def _value(row: Row, parts: Parts) -> Row:
    return {
        "rollbacks": row["rollbacks"],
        "deployments": row["deployments"],
        "ratio": ratio(row["rollbacks"], row["deployments"]),
        "per_day": row["rollbacks"] / parts.selection.days,
    }


FINISHED = Family(
    rows=lambda selection, by: finished(selection).counted(),
    figures=(
        Computed(
            figure=FIGURES["rollback"],
            parts=lambda _, rows: {"rollbacks": rows.count(where=rows.back), "deployments": rows.count()},
            value=_value,
            explained=explained,
        ),
    ),
)

FAMILIES = (FINISHED,)
