"""Work in progress: changes begun and neither delivered nor abandoned."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm.figures import FIGURES
from otel_vsm.semconv import EventName
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.derive.rules.stages import NANOSECONDS
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.computed import Aggregates, Computed, Family, Row
from otel_vsm_collector.figures.explain.rows import Kind, values
from otel_vsm_collector.figures.flow.runs import changes, narrowed

OLDEST = 10


def under_way(selection: Selection) -> ir.Table:
    """The open changes, each with its age and stage."""
    return in_stages(selection, open_changes(selection))


def work_in_progress(row: Row) -> Row:
    """What is under way at the window's end: how old, in which stages, and the oldest."""
    return {
        "p50_age_s": row["p50_age_s"],
        "max_age_s": row["max_age_s"],
        "by_stage": by_stage(row),
        "oldest": sorted(row["oldest"] or (), key=lambda change: (change["since"], change["id"])),
        "blocked_items": len(row["blocked"] or ()),
    }


def by_stage(row: Row) -> list[Row]:
    """How many changes are in which stage, how old, and for how many it began too long ago (unfinished)."""
    nobody = {"changes": 0, "p50_age_s": None, "max_age_s": None, "unfinished": 0}
    rows = (*(row["by_stage"] or ()), *(row["unfinished"] or ()))
    stages = {one["stage"]: {"stage": one["stage"]} | nobody for one in rows}
    for one in rows:
        stages[one["stage"]].update(one)
    return [stages[name] for name in sorted(stages, key=lambda name: (name is None, name))]


def _ages(selection: Selection, rows: ir.Table) -> Aggregates:
    return {
        "changes": rows.count(),
        "p50_age_s": rows.age_s.quantile(ibis.literal(0.5)),
        "max_age_s": rows.age_s.max(),
    }


def _by_stage(selection: Selection, rows: ir.Table) -> ir.Table:
    return rows.aggregate(by=rows.stage_name.name("stage"), **_ages(selection, rows))


def _oldest(selection: Selection, rows: ir.Table) -> ir.Table:
    first = rows.order_by(["first_activity_at", "id"]).limit(OLDEST)
    return first.select("id", "age_s", stage="stage_name", since="first_activity_at")


def _unfinished(selection: Selection, rows: ir.Table) -> ir.Table:
    """The stages of open changes that began too long before the window's end and had not ended by then
    (stage, unfinished: changes)."""
    unfinished = selection.table("unfinished_stage").select("change_id", "stage_name", "at")
    runs = selection.table("stage_run").filter(ibis._.ended_at >= selection.end)
    going_on = unfinished.union(runs.select("change_id", "stage_name", at="started_at"))
    limit_ns = selection.declared.limits.unfinished_after.ns
    going_on = going_on.filter(selection.end - going_on["at"] > limit_ns)
    late = going_on.semi_join(rows, going_on.change_id == rows.id)
    return late.group_by(stage="stage_name").agg(unfinished=late.change_id.nunique())


def blocked(selection: Selection, rows: ir.Table) -> ir.Table:
    """(work_item_id): the work items that were blocked at the window's end, of open changes; where nothing
    but the environment narrows the question, also those that no change names so far."""
    events = selection.table("item_event").filter(ibis._["at"] < selection.end)

    def last(event: EventName) -> ir.IntegerScalar:
        return events["at"].max(where=events.event == event)

    items = events.group_by("work_item_id").agg(
        blocked_at=last(EventName.WORK_ITEM_BLOCKED), unblocked_at=last(EventName.WORK_ITEM_UNBLOCKED)
    )
    items = items.filter((items.blocked_at > items.unblocked_at.fill_null(-1)).fill_null(False))
    named = selection.table("change_item")
    of_open = items.semi_join(named.semi_join(rows.select(change_id="id"), "change_id"), "work_item_id")
    parts = [of_open] if narrowed(selection) else [of_open, items.anti_join(named, "work_item_id")]
    return ibis.union(*(part.select("work_item_id") for part in parts))


def open_changes(selection: Selection) -> ir.Table:
    """The rows of `change` that were begun and neither delivered nor abandoned at the window's end, with
    their age by then (age_s)."""
    rows = changes(selection)
    if selection.profile.unit == "request":
        rows = rows.filter(rows.requested)
    rows = rows.filter(rows.first_activity_at < selection.end)
    closed = closed_changes(selection)
    rows = rows.anti_join(closed, rows.id == closed.change_id)
    return rows.mutate(age_s=(selection.end - rows.first_activity_at) / NANOSECONDS)


def closed_changes(selection: Selection) -> ir.Table:
    """The changes (change_id) that were delivered or abandoned before the window's end.

    Delivered means to the selected environment, production where none is selected: whatever a successful
    deployment there has in it. What was delivered before anyone measured, was so everywhere.
    """
    there = selection.environment or PRODUCTION
    anywhere = Selection(from_ns=0, to_ns=0, environment=there, facts=selection.facts)
    delivered = anywhere.apply(selection.facts.arrivals)
    delivered = delivered.filter(delivered.arrived_at < selection.end)
    every = selection.table("change")
    abandoned = every.filter(every.abandoned_at < selection.end)
    parts = (
        delivered.select("change_id"),
        selection.facts.delivered_before,
        abandoned.select(change_id="id"),
    )
    return ibis.union(*parts)


def in_stages(selection: Selection, rows: ir.Table) -> ir.Table:
    """Rows of `open_changes` (id, first_activity_at, age_s, stage_name) with the stage that each was in, or
    waited for, or was in last at the window's end; null before the first."""
    rows = rows.select("id", "first_activity_at", "age_s", "current_stage", "current_stage_at")
    went_on = rows.filter(rows.current_stage_at >= selection.end).select(change_id="id")
    events = selection.table("stage_event").semi_join(went_on, "change_id")
    runs = selection.table("stage_run").semi_join(went_on, "change_id")
    # Who waits in a stage's queue waits for that stage.
    queued_ns = (runs.queue_s.fill_null(0.0) * NANOSECONDS).floor().cast("int64")
    entered = ibis.union(
        events, *(runs.select("change_id", "stage_name", at=runs.started_at - ns) for ns in (0, queued_ns))
    )
    entered = entered.filter(entered["at"] < selection.end)
    latest = ibis.window(group_by=entered.change_id, order_by=[entered["at"].desc(), entered.stage_name])
    entered = entered.mutate(rank=ibis.row_number().over(latest))
    then = entered.filter(entered["rank"] == 0).select("change_id", then="stage_name")
    rows = rows.left_join(then, rows.id == then.change_id)
    moved_on = (rows.current_stage_at >= selection.end).fill_null(False)
    return rows.select(
        "id",
        "first_activity_at",
        "age_s",
        stage_name=ifelse(moved_on, rows.then, rows.current_stage),
    )


def explained(selection: Selection) -> ir.Table:
    """A row per open change, with its age and stage."""
    rows = under_way(selection)
    rows = rows.select(name="id", at="first_activity_at", value="age_s", stage="stage_name")
    return values(rows, Kind.CHANGE)


UNDER_WAY = Family(
    rows=lambda selection, by: under_way(selection),
    # All at once: to find out which changes are open takes longer than anything that is asked of them.
    lists={"by_stage": _by_stage, "unfinished": _unfinished, "oldest": _oldest, "blocked": blocked},
    figures=(
        Computed(
            figure=FIGURES["wip"],
            parts=_ages,
            value=lambda row, _: row["changes"],
            explained=explained,
            settings=("unit", "first_deployment", "mapping"),
        ),
    ),
)

FAMILIES = (UNDER_WAY,)
