"""Pipelines and deployments as automation: how much of it goes through, and how much goes back."""

import ibis.expr.types as ir

from otel_vsm.semconv import FailureMethod, StageType, TaskResult
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.runs import failed, quarantined, runs


def pipelines(selection: Selection) -> ir.Table:
    """(pipelines, succeeded): how many there are, and those of them of which no run went wrong."""
    groups = revisions(selection)
    return groups.aggregate(pipelines=groups.count(), succeeded=groups.count(where=groups.broken.isnull()))


def revisions(selection: Selection) -> ir.Table:
    """(change_id, revision, ended_at, broken): the revisions of changes that had runs which ended in the
    window, the end of the last, and a stage of which one went wrong. Deployments and quarantined stages are
    no part of it."""
    rows = runs(selection)
    rows = rows.filter(
        selection.within(rows.ended_at),
        rows.change_id.notnull(),
        rows.revision.notnull(),
        (rows.stage_type != StageType.DEPLOY).fill_null(True),
        ~quarantined(selection, rows),
    )
    return rows.group_by("change_id", "revision").agg(
        ended_at=rows.ended_at.max(), broken=rows.stage_name.min(where=failed(rows))
    )


def rollbacks(selection: Selection) -> ir.Table:
    """(rollbacks, deployments): the successful deployments that finished in the window, and the rollbacks
    among them."""
    done = selection.apply(selection.table("deployment_report"))
    done = done.filter(selection.within(done.finished_at), done.result == TaskResult.SUCCESS)
    back = selection.table("remedy")
    back = back.filter(back.method == FailureMethod.ROLLBACK).select("id", back=True)
    rows = done.left_join(back, "id")
    return rows.aggregate(rollbacks=rows.back.count(), deployments=rows.count())
