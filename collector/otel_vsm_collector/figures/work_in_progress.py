"""Work in progress: changes begun and neither delivered nor abandoned."""

import ibis.expr.types as ir

from otel_vsm_collector.derive.incidents import PRODUCTION
from otel_vsm_collector.figures import selection as select
from otel_vsm_collector.figures.selection import Selection


def work_in_progress(selection: Selection) -> ir.Table:
    """The open changes as of now (id, repository, stage_name, started_at); the window does not matter.

    Delivered means to the selected environment, production where none is selected. `stage_name` is the stage
    that a change is in or was in last, null before the first.
    """
    delivered = select.fact("delivery")
    delivered = delivered.filter(delivered.environment == (selection.environment or PRODUCTION))
    begun = selection.apply(select.fact("change"))
    begun = begun.filter(begun.abandoned_at.isnull())
    waiting = begun.anti_join(delivered, begun.id == delivered.change_id)
    return waiting.select("id", "repository", "started_at", stage_name="current_stage")
