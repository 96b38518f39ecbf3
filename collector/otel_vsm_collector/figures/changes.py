"""Changes as the API lists them: what happened when, where they arrived, how long each part took."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName
from otel_vsm_collector.derive.incidents import PRODUCTION
from otel_vsm_collector.derive.stages import NANOSECONDS
from otel_vsm_collector.figures.selection import Selection, fact, first_deliveries

_BEGAN, _DELIVERED = "deploy_started_at", "delivered_at"
LEGS = {
    "backlog_s": (EventName.WORK_ITEM_CREATED, EventName.WORK_ITEM_STARTED),
    "preparation_s": (EventName.WORK_ITEM_STARTED, EventName.CHANGE_FIRST_COMMIT),
    "coding_s": (EventName.CHANGE_FIRST_COMMIT, EventName.CHANGE_OPENED),
    "pickup_s": (EventName.CHANGE_OPENED, EventName.CHANGE_REVIEWED),
    "review_s": (EventName.CHANGE_REVIEWED, EventName.CHANGE_MERGED),
    "release_s": (EventName.CHANGE_MERGED, _BEGAN),
    "deploy_s": (_BEGAN, _DELIVERED),
    "merge_to_deployed_s": (EventName.CHANGE_MERGED, _DELIVERED),
}
"""Each part of a lead time, with the event or moment that begins it and the one that ends it."""


def changes(selection: Selection) -> ir.Table:
    """The changes delivered in the window, and of those not delivered the ones begun in it.

    Only deliveries that pass the selection count; with a service selected, changes that it never delivered
    are left out. Columns: see `described`.
    """
    listed = described(selection.apply(fact("change")), first_deliveries(selection))
    if selection.service is not None:
        listed = listed.filter(listed.delivered_at.notnull())
    return listed.filter(selection.within(listed["at"]))


def change(name: str) -> ir.Table:
    """The change of this id or alias, with its delivery to production; no row where there is none."""
    begun = fact("change")
    begun = begun.filter((begun.id == name) | begun.aliases.contains(name))
    anywhere = Selection(from_ns=0, to_ns=0, environment=PRODUCTION)
    return described(begun, first_deliveries(anywhere))


def described(begun: ir.Table, delivered: ir.Table) -> ir.Table:
    """Rows of `change`, each with its row of `delivery`, if it has one, and all else that is known of it.

    Columns: id, aliases, repository, `at` (delivered, else begun), delivered_at, lead_time_s, excluded, the
    legs, and lists: event_names and event_times, environments and arrivals (the first in each) and
    deployment_ids.
    """
    events = fact("change_event")
    events = events.semi_join(begun, events.change_id == begun.id)
    wanted = {event for leg in LEGS.values() for event in leg if isinstance(event, EventName)}
    told = events.group_by("change_id").agg(
        event_names=events.event.collect(order_by=[events["at"], events.event]),
        event_times=events["at"].collect(order_by=[events["at"], events.event]),
        **{event.name: events["at"].max(where=events.event == event) for event in sorted(wanted)},
    )
    arrivals = fact("delivery")
    arrivals = arrivals.group_by("change_id", "environment").agg(arrived_at=arrivals.delivered_at.min())
    arrivals = arrivals.group_by("change_id").agg(
        environments=arrivals.environment.collect(order_by=arrivals.environment),
        arrivals=arrivals.arrived_at.collect(order_by=arrivals.environment),
    )
    carried = fact("deployment_change")
    carried = carried.group_by("change_id").agg(
        deployment_ids=carried.deployment_id.collect(order_by=carried.deployment_id)
    )
    reached = delivered.select("change_id", _BEGAN, _DELIVERED, "lead_time_s", "excluded")
    rows = begun.select("id", "aliases", "repository", "started_at", change_id="id")
    for part in (reached, told, arrivals, carried):
        rows = rows.left_join(part, "change_id").drop("change_id_right")

    def moment(name: str) -> ir.IntegerColumn:
        return rows[name.name if isinstance(name, EventName) else name]

    legs = {name: _between(moment(start), moment(end)) for name, (start, end) in LEGS.items()}
    return rows.select(
        "id",
        "aliases",
        "repository",
        "event_names",
        "event_times",
        "environments",
        "arrivals",
        "deployment_ids",
        "delivered_at",
        "lead_time_s",
        "excluded",
        **legs,
        at=ibis.coalesce(rows.delivered_at, rows.started_at),
    )


def _between(start: ir.IntegerColumn, end: ir.IntegerColumn) -> ir.FloatingColumn:
    """Seconds; null where one of the two is not known or they are the wrong way round."""
    return ifelse(end >= start, (end - start) / NANOSECONDS, ibis.null("float64"))
