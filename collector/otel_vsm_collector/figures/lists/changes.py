"""Changes as the API lists them: what happened when, where they arrived, how long each part took."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.deliveries import duration
from otel_vsm_collector.derive.rules.starts import counted, with_start
from otel_vsm_collector.facts.selection import (
    BY_DEFAULT,
    Selection,
    delivered_changes,
    edge,
    fact,
    first_deliveries,
)
from otel_vsm_collector.facts.tables import FactTables

LEGS = {
    "backlog_s": ("created_at", "work_started_at"),
    "preparation_s": ("work_started_at", "first_commit_at"),
    "coding_s": ("first_commit_at", "opened_at"),
    "pickup_s": ("opened_at", "reviewed_at"),
    "review_s": ("reviewed_at", "merged_at"),
    "release_s": ("merged_at", "deploy_started_at"),
    "deploy_s": ("deploy_started_at", "delivered_at"),
    "merge_to_deployed_s": ("merged_at", "delivered_at"),
}
"""Each part of a lead time, with the event or moment that begins it and the one that ends it."""


def changes(selection: Selection, listed: ir.Table | None = None) -> ir.Table:
    """What is known of the changes `listed` (id), where none are given of all in `moments`.

    Columns: see `described`.
    """
    selection = replace(selection, facts=selection.facts.of_changes)
    listed = moments(selection) if listed is None else listed
    ids = listed.select(change_id="id")
    rows = selection.table("change").semi_join(listed, "id")
    delivered = first_deliveries(selection, of=ids)
    return described(ids, rows, delivered.mutate(edge=edge(selection, delivered)), selection.facts)


def moments(selection: Selection) -> ir.Table:
    """(id, at): the changes delivered in the window, and of those not delivered the ones begun in it.

    Only deliveries that pass the selection count; with a service selected, changes that it never delivered
    are left out.
    """
    selection = replace(selection, facts=selection.facts.of_changes)
    delivered = delivered_changes(selection)
    delivered = delivered.select(id="change_id", at=edge(selection, delivered))
    started = counted(selection.apply(selection.table("change")), selection.profile)
    started = with_start(started, selection.profile)
    started = started.select("id", at=ibis.coalesce(started.started_at, started.first_seen_at))
    started = started.filter(selection.within(started["at"]))
    arrived = selection.apply(selection.facts.arrived)
    if selection.service is not None:
        started = started.semi_join(arrived, started.id == arrived.change_id)
    # What has a delivery has its moment from that, unless it was delivered without being merged.
    arrived = arrived.filter(edge(selection, arrived).notnull())
    return delivered.union(started.anti_join(arrived, started.id == arrived.change_id))


def change(name: ir.StringScalar, facts: FactTables = BY_DEFAULT) -> ir.Table:
    """The change of this id or alias, with its delivery to production; no row where there is none."""
    facts = facts.of_changes
    rows = facts.table("change")
    rows = rows.filter((rows.id == name) | rows.aliases.contains(name))
    anywhere = Selection(from_ns=0, to_ns=0, environment=PRODUCTION, facts=facts)
    ids = rows.select(change_id="id")
    delivered = first_deliveries(anywhere, of=ids)
    return described(ids, rows, delivered.mutate(edge=delivered.delivered_at), facts)


def described(ids: ir.Table, changes: ir.Table, delivered: ir.Table, facts: FactTables) -> ir.Table:
    """Rows of `change`, all of those with these ids (change_id), each with its row of `delivery`, if it has
    one, and all else that is known of it.

    Columns: id, aliases, repository, `at` (the `edge` of the delivery, else its start), delivered_at,
    lead_time_s, excluded, the legs, and lists: events (at, event), deployed (environment, and at: the first
    arrival in it) and deployment_ids.
    """
    profile = facts.definitions.profile
    events = fact("change_event").semi_join(ids, "change_id")
    # Lists of pairs: not every engine knows how to order one list by another.
    listed = events.group_by("change_id").agg(
        events=ibis.struct({"at": events["at"], "event": events.event}).collect().sort()
    )
    arrivals = facts.counted(facts.arrived).semi_join(ids, "change_id")
    arrivals = arrivals.group_by("change_id", "environment").agg(arrived_at=arrivals.delivered_at.min())
    arrivals = arrivals.group_by("change_id").agg(
        deployed=ibis.struct({"environment": arrivals.environment, "at": arrivals.arrived_at})
        .collect()
        .sort()
    )
    carried = facts.table("deployment_change").semi_join(ids, "change_id")
    carried = carried.group_by("change_id").agg(deployment_ids=carried.deployment_id.collect().sort())
    reached = delivered.select(
        "change_id", "edge", "deploy_started_at", "delivered_at", "lead_time_s", "excluded"
    )
    rows = with_start(changes, profile).rename(change_id="id")
    for part in (reached, listed, arrivals, carried):
        rows = rows.left_join(part, "change_id").drop("change_id_right")
    return rows.select(
        "aliases",
        "repository",
        "events",
        "deployed",
        "deployment_ids",
        "delivered_at",
        "lead_time_s",
        "excluded",
        **{name: duration(rows[start], rows[end], profile) for name, (start, end) in LEGS.items()},
        id=rows.change_id,
        at=ibis.coalesce(rows.edge, rows.started_at, rows.first_seen_at),
    )
