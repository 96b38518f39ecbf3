"""Changes: whose the spans are, what happened to a change and when, by what it can be found."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.semconv import EventName, StageType
from otel_vsm_collector.derive.rules import artifacts
from otel_vsm_collector.derive.rules.aliases import is_foreign

LINKS, ANCESTRY, REVISION, ARTIFACT, OWN = "links", "ancestry", "revision", "artifact", "own"
"""What a deployment can find a change by: a trace that it links to, one that it stands on, a revision, an
artifact, or that it was told of as a part of the change itself."""

MOMENTS = {
    "created_at": EventName.WORK_ITEM_CREATED,
    "work_started_at": EventName.WORK_ITEM_STARTED,
    "first_commit_at": EventName.CHANGE_FIRST_COMMIT,
    "opened_at": EventName.CHANGE_OPENED,
    "ready_at": EventName.CHANGE_READY,
    "reviewed_at": EventName.CHANGE_REVIEWED,
    "approved_at": EventName.CHANGE_APPROVED,
    "merged_at": EventName.CHANGE_MERGED,
    "abandoned_at": EventName.CHANGE_ABANDONED,
}
"""The columns of `change` that say when something first happened to it."""
_IDLE = (EventName.WORK_ITEM_CREATED, EventName.WORK_ITEM_BLOCKED, EventName.WORK_ITEM_UNBLOCKED)


def is_incident_event(spans: ir.Table) -> ir.BooleanValue:
    """Whether a span tells of an incident, which is no work on a change."""
    return spans.event_name.startswith("incident.").fill_null(False)


def trace_owners(aliases: ir.Table, identities: ir.Table) -> ir.Table:
    """The table `trace_owner` from rows of `alias`: the first by name of the changes told of in a trace."""
    named = aliases.select("trace_id", "identity").distinct()
    whose = named.join(identities.select("identity", "change_id"), "identity")
    return whose.group_by("trace_id").agg(change_id=whose.change_id.min())


def spans_of_changes(spans: ir.Table, owners: ir.Table, names: ir.Table) -> ir.Table:
    """The spans of changes, with `change_id` the change: those that name one, and those that only are in its
    trace. `names` are the changes' rows of `identity`."""
    columns = spans.columns
    whose = names.select(named_id="identity", owner_id="change_id")
    named = spans.join(whose, spans.change_id == whose.named_id)
    traces = owners.semi_join(whose, owners.change_id == whose.owner_id)
    traces = traces.select(owned_trace_id="trace_id", owner_id="change_id")
    unnamed = spans.filter(spans.change_id.isnull(), ~is_incident_event(spans))
    unnamed = unnamed.join(traces, unnamed.trace_id == traces.owned_trace_id)
    return ibis.union(*(rows.mutate(change_id=rows.owner_id).select(*columns) for rows in (named, unnamed)))


def traces_of_nobody(spans: ir.Table, owners: ir.Table) -> ir.Table:
    """The traces (trace_id) that no change is known for, from their spans."""
    unnamed = spans.filter(spans.change_id.isnull(), ~is_incident_event(spans))
    return unnamed.anti_join(owners, "trace_id").select("trace_id").distinct()


def item_events(spans: ir.Table) -> ir.Table:
    """The table `item_event` from the spans of whole traces."""
    events = spans.filter(spans.event_name.startswith("work_item."), spans.work_item_id.notnull())
    return events.select("trace_id", "span_id", "work_item_id", event="event_name", at="started_at")


def change_items(spans: ir.Table) -> ir.Table:
    """The table `change_item` from the spans of whole changes."""
    return spans.filter(spans.work_item_id.notnull()).select("change_id", "work_item_id").distinct()


def change_events(spans: ir.Table, items: ir.Table, item_events: ir.Table) -> ir.Table:
    """The table `change_event` from the spans and work items of whole changes, and the table `item_event`.

    A work item's events belong to every change that names the item, whichever trace they are in.
    """
    own = spans.filter(spans.event_name.notnull()).select(
        "change_id", event=spans.event_name, at=spans.started_at
    )
    shared = items.join(item_events, "work_item_id").select("change_id", "event", "at")
    events = own.union(shared)
    return events.group_by("change_id", "event").agg(at=events["at"].min())


def change_keys(spans: ir.Table, names: ir.Table, owners: ir.Table) -> ir.Table:
    """The table `change_key` from the spans, names and owned traces of whole changes.

    A deployment's own revision and artifact are claims, not keys: a rollback runs in the trace of one
    change and deploys the revision of another. So a change that only deployments and running services name
    is found by no revision, and the one that made the artifact comes before it.
    """
    worked_on = spans.filter(~is_foreign(spans)).select("change_id").distinct()
    revisions = names.filter(names.identity.re_search("@[^@#/]+$")).semi_join(worked_on, "change_id")
    packages = spans.filter(spans.stage_type == StageType.PACKAGE)

    def keys(rows: ir.Table, method: str, key: ir.StringValue) -> ir.Table:
        found = rows.select("change_id", method=ibis.literal(method), key=key)
        return found.filter(found.key.notnull()).distinct()

    return ibis.union(
        keys(spans, LINKS, spans.trace_id),
        keys(names, LINKS, names.trace_id),
        keys(names, OWN, names.identity),
        keys(owners, OWN, trace_name(owners)),
        keys(revisions, REVISION, revisions.node),
        *(keys(packages, ARTIFACT, key) for key in artifacts.made(packages)),
        distinct=True,
    )


def trace_name(rows: ir.Table) -> ir.StringValue:
    """What stands for a span that names no change, where names are asked for: its trace."""
    return ibis.literal("trace:").concat(rows.trace_id)


def changes(spans: ir.Table, events: ir.Table, names: ir.Table) -> ir.Table:
    """The table `change` from the spans, events and names of whole changes."""
    active = ~spans.event_name.isin(_IDLE).fill_null(False)
    seen = spans.group_by("change_id").agg(
        named_repository=spans.repository.min(),
        any_trace_id=spans.trace_id.min(),
        first_seen_at=spans.started_at.min(),
        acted_at=spans.started_at.min(where=active),
        reverts=spans.reverts.collect(distinct=True).sort(),
        services=spans.service.collect(distinct=True, where=spans.event_name.isnull()).sort(),
        teams=spans.team.collect(distinct=True).sort(),
        value_streams=spans.value_stream.collect(distinct=True).sort(),
    )
    moments = events.group_by("change_id").agg(
        **{column: events["at"].min(where=events.event == event) for column, event in MOMENTS.items()}
    )
    others = names.identity != names.change_id
    known_by = names.group_by("change_id").agg(
        aliases=names.identity.collect(distinct=True, where=others).sort(),
        requested=names.identity.re_search("#[0-9]+$").any(),
        root_trace_id=names.trace_id.min(where=~others),
    )
    rooted = spans.semi_join(
        names.filter(~others), [spans.change_id == names.change_id, spans.trace_id == names.trace_id]
    )
    rooted = rooted.select("change_id", rooted=True).distinct()
    runs = spans.filter(spans.stage_name.notnull())
    latest = ibis.window(group_by=runs.change_id, order_by=[runs.started_at.desc(), runs.stage_name])
    current = runs.mutate(rank=ibis.row_number().over(latest))
    current = current.filter(current["rank"] == 0)
    current = current.select("change_id", current_stage="stage_name", current_stage_at="started_at")

    whole = seen
    for part in (moments, known_by, rooted, current):
        whole = whole.left_join(part, "change_id").drop("change_id_right")
    return whole.select(
        *(name for name in MOMENTS),
        "first_seen_at",
        "current_stage",
        "current_stage_at",
        id=whole.change_id,
        # A change's id begins with its repository.
        repository=ibis.coalesce(
            whole.named_repository, whole.change_id.re_extract("^(.+)[#@][^#@/]+$", 1).nullif("")
        ),
        trace_id=ifelse(whole.rooted.fill_null(False), whole.root_trace_id, whole.any_trace_id),
        requested=whole.requested.fill_null(False),
        first_activity_at=ibis.coalesce(
            ibis.least(whole.acted_at, whole.work_started_at), whole.acted_at, whole.work_started_at
        ),
        **{
            name: or_empty(whole[name])
            for name in ("aliases", "reverts", "services", "teams", "value_streams")
        },
    )


def or_empty(names: ir.ArrayValue) -> ir.ArrayValue:
    """The names, an empty list where there are none, so that a filter never meets null."""
    return ibis.coalesce(names, ibis.literal([], type="array<string>"))
