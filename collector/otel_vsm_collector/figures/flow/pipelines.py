"""Pipelines as automation: how much of it goes through."""

import ibis.expr.types as ir

from otel_vsm.semconv import StageType
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Family, share
from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind, because, shares
from otel_vsm_collector.figures.flow.runs import failed, quarantined, runs


def revisions(selection: Selection) -> ir.Table:
    """(change_id, revision, at, broken, succeeded): the revisions of changes that had runs which ended in the
    window, the end of the last, a stage of which one went wrong, and whether none did. Deployments and
    quarantined stages are no part of it."""
    rows = runs(selection)
    rows = rows.filter(
        selection.within(rows.ended_at),
        rows.change_id.notnull(),
        rows.revision.notnull(),
        (rows.stage_type != StageType.DEPLOY).fill_null(True),
        ~quarantined(selection, rows),
    )
    groups = rows.group_by("change_id", "revision").agg(
        at=rows.ended_at.max(), broken=rows.stage_name.min(where=failed(rows))
    )
    return groups.mutate(succeeded=groups.broken.isnull())


def explained(selection: Selection) -> ir.Table:
    """A row per revision of a change that had runs which ended in the window; of one that did not go through,
    the stage is one that went wrong."""
    rows = revisions(selection).rename(name="change_id", stage="broken", part="succeeded")
    return shares(rows.mutate(whole=True, reason=because((~rows.part, Reason.WENT_WRONG))), Kind.CHANGE)


REVISIONS = Family(
    rows=lambda selection, by: revisions(selection),
    figures=(share("pipeline", "succeeded", explained=explained),),
)

FAMILIES = (REVISIONS,)
