"""Where a change's lead time begins, by the definitions of a profile."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName
from otel_vsm_collector.declared.profiles import EARLIEST_SPAN, Profile
from otel_vsm_collector.derive.rules.changes import MOMENTS

_COLUMNS = {event: column for column, event in MOMENTS.items()}

CYCLE = (EventName.CHANGE_FIRST_COMMIT, EventName.CHANGE_OPENED, EventName.CHANGE_MERGED)
"""What the parts of a cycle begin with: it is counted from the first that is known."""


def starts(profile: Profile) -> tuple[str, ...]:
    """What the lead times of a profile may be counted from."""
    return CYCLE if profile.lead_time == "cycle" else profile.lead_time_start


def with_start(changes: ir.Table, profile: Profile) -> ir.Table:
    """Rows of `change` with started_at and start_method: the first in the profile's list that the change has,
    both null where it has none of them."""
    starts = {name: changes[_column(name)] for name in profile.lead_time_start}
    method = ibis.cases(*((start.notnull(), str(name)) for name, start in starts.items()))
    return changes.mutate(started_at=ibis.coalesce(*starts.values()), start_method=method)


def counted(changes: ir.Table, profile: Profile) -> ir.Table:
    """The rows of `change` that the profile takes for changes."""
    if profile.unit == "change":
        return changes
    return changes.filter(changes.requested, changes.merged_at.notnull())


def _column(name: str) -> str:
    return "first_seen_at" if name == EARLIEST_SPAN else _COLUMNS[EventName(name)]
