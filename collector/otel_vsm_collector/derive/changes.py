"""Changes: what happened to them, when they began, by what they can be found."""

import ibis
import ibis.expr.types as ir

from otel_vsm.semconv import EventName, StageType

START_EVENTS = (EventName.CHANGE_FIRST_COMMIT, EventName.CHANGE_OPENED, EventName.CHANGE_MERGED)
"""The first that exists is where lead time starts; the change's earliest span stands in for them."""
EARLIEST_SPAN = "span"


def spans_of_changes(spans: ir.Table, owners: ir.Table, changes: ir.Table) -> ir.Table:
    """The spans of `changes` (change_id): those that name one, and those that only are in its trace."""
    named = spans.semi_join(changes, "change_id")
    traces = owners.semi_join(changes, "change_id")
    unnamed = spans.filter(spans.change_id.isnull(), ~is_incident_event(spans)).drop("change_id")
    joined = unnamed.join(traces, "trace_id").select(*named.columns)
    return named.union(joined)


def traces_of_nobody(spans: ir.Table, owners: ir.Table) -> ir.Table:
    """The traces (trace_id) that no change is known for, from their spans."""
    unnamed = spans.filter(spans.change_id.isnull(), ~is_incident_event(spans))
    return unnamed.anti_join(owners, "trace_id").select("trace_id").distinct()


def work_item_events(spans: ir.Table, own: ir.Table) -> ir.Table:
    """The events of the work items that the spans in `own` name."""
    events = spans.filter(spans.event_name.startswith("work_item."), spans.work_item_id.notnull())
    return events.semi_join(own.filter(own.work_item_id.notnull()), "work_item_id")


def is_incident_event(spans: ir.Table) -> ir.BooleanValue:
    """Whether a span tells of an incident, which is no work on a change."""
    return spans.event_name.startswith("incident.").fill_null(False)


def trace_owners(spans: ir.Table) -> ir.Table:
    """The table `trace_owner` from the spans of whole traces."""
    return spans.filter(spans.change_id.notnull()).group_by("trace_id").agg(change_id=spans.change_id.min())


def change_events(spans: ir.Table, work_item_events: ir.Table) -> ir.Table:
    """The table `change_event` from the spans of whole changes.

    A work item's events belong to every change that names the item, whichever trace they are in.
    """
    own = spans.filter(spans.event_name.notnull()).select(
        "change_id", event=spans.event_name, at=spans.started_at
    )
    items = spans.filter(spans.work_item_id.notnull()).select("change_id", "work_item_id").distinct()
    shared = work_item_events.drop("change_id").join(items, "work_item_id")
    events = own.union(shared.select("change_id", event=shared.event_name, at=shared.started_at))
    return events.group_by("change_id", "event").agg(at=events["at"].min())


def change_keys(spans: ir.Table) -> ir.Table:
    """The table `change_key` from the spans of whole changes.

    A deployment's own revision and artifact are claims, not keys: a rollback runs in the trace of one
    change and deploys the revision of another.
    """
    work = spans.filter((spans.stage_type != StageType.DEPLOY).fill_null(True))
    traces = spans.select("change_id", method=ibis.literal("links"), key=spans.trace_id)
    revisions = work.filter(work.revision.notnull()).select(
        "change_id", method=ibis.literal("revision"), key=revision_key(work)
    )
    packages = work.filter(work.stage_type == StageType.PACKAGE)
    artifacts = [
        packages.filter(packages[column].notnull()).select(
            "change_id", method=ibis.literal("artifact"), key=packages[column]
        )
        for column in ("artifact_purl", "artifact_hash")
    ]
    return ibis.union(traces, revisions, *artifacts, distinct=True)


def revision_key(spans: ir.Table) -> ir.StringValue:
    """A revision together with its repository: a short hash of another project is not the same."""
    return ibis.coalesce(spans.repository, "").concat("@", spans.revision.lower())


def changes(spans: ir.Table, events: ir.Table, keys: ir.Table) -> ir.Table:
    """The table `change` from the spans, events and keys of whole changes."""
    seen = spans.group_by("change_id").agg(
        repository=spans.repository.min(),
        trace_id=spans.trace_id.min(),
        first_seen_at=spans.started_at.min(),
        teams=spans.team.collect(distinct=True).sort(),
        value_streams=spans.value_stream.collect(distinct=True).sort(),
    )
    wanted = (*START_EVENTS, EventName.CHANGE_ABANDONED)
    moments = events.group_by("change_id").agg(
        **{f"at_{event.name}": events["at"].min(where=events.event == event) for event in wanted}
    )
    named = keys.filter(keys.method == "revision", keys.key != keys.change_id)
    aliases = named.group_by("change_id").agg(aliases=named.key.collect(distinct=True).sort())
    runs = spans.filter(spans.stage_name.notnull())
    latest = ibis.window(
        group_by=runs.change_id, order_by=[runs.started_at.desc(), runs.ended_at.desc(), runs.span_id]
    )
    current = runs.mutate(place=ibis.row_number().over(latest))
    current = current.filter(current.place == 0).select("change_id", current_stage=current.stage_name)

    whole = (
        seen.left_join(moments, "change_id")
        .drop("change_id_right")
        .left_join(aliases, "change_id")
        .drop("change_id_right")
        .left_join(current, "change_id")
        .drop("change_id_right")
    )
    starts = [whole[f"at_{event.name}"] for event in START_EVENTS]
    method = ibis.cases(
        *((start.notnull(), event.value) for start, event in zip(starts, START_EVENTS, strict=True)),
        else_=EARLIEST_SPAN,
    )
    return whole.select(
        id=whole.change_id,
        # A change's id begins with its repository.
        repository=ibis.coalesce(
            whole.repository, whole.change_id.re_extract("^(.+)[#@][^#@/]+$", 1).nullif("")
        ),
        trace_id=whole.trace_id,
        aliases=known(whole.aliases),
        started_at=ibis.coalesce(*starts, whole.first_seen_at),
        start_method=method,
        abandoned_at=whole[f"at_{EventName.CHANGE_ABANDONED.name}"],
        first_seen_at=whole.first_seen_at,
        teams=known(whole.teams),
        value_streams=known(whole.value_streams),
        current_stage=whole.current_stage,
    )


def known(names: ir.ArrayValue) -> ir.ArrayValue:
    """The names, an empty list where there are none, so that a filter never meets null."""
    return ibis.coalesce(names, ibis.literal([], type="array<string>"))
