"""Pipelines and deployments as automation: how much of it goes through, and how much goes back."""

import ibis.expr.types as ir

from otel_vsm.semconv import FailureMethod, StageType, TaskResult
from otel_vsm_collector.figures import selection as select
from otel_vsm_collector.figures.runs import failed, quarantined, runs
from otel_vsm_collector.figures.selection import Selection


def pipelines(selection: Selection) -> ir.Table:
    """(pipelines, succeeded): the revisions of changes that had runs which ended in the window, and those of
    them of which no run went wrong. Deployments and quarantined stages are no part of it."""
    rows = runs(selection)
    rows = rows.filter(
        selection.within(rows.ended_at),
        rows.change_id.notnull(),
        rows.revision.notnull(),
        (rows.stage_type != StageType.DEPLOY).fill_null(True),
        ~quarantined(selection, rows),
    )
    groups = rows.group_by("change_id", "revision").agg(broken=failed(rows).any())
    return groups.aggregate(pipelines=groups.count(), succeeded=groups.count(where=~groups.broken))


def rollbacks(selection: Selection) -> ir.Table:
    """(rollbacks, deployments): the successful deployments that finished in the window, and the rollbacks
    among them."""
    done = select.deployments(selection)
    done = done.filter(done.result == TaskResult.SUCCESS)
    back = selection.table("remedy")
    back = back.filter(back.method == FailureMethod.ROLLBACK).select("id", back=True)
    rows = done.left_join(back, "id")
    return rows.aggregate(rollbacks=rows.back.count(), deployments=rows.count())
