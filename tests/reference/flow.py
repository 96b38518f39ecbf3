"""Flow: how long work took from its first activity, how much of that it was worked on, and where it waits."""

from collections import defaultdict
from typing import Any

from reference.approvals import approvals
from reference.changes import SECOND, Change
from reference.deliveries import Delivery
from reference.identity import is_request
from reference.passage import handoffs, passage, passing_executions, promotion_times, rates, rollbacks
from reference.rows import distinct, is_work_item_event
from reference.runs import Run, active_s
from reference.statistics import quantile, ratio, statistic
from reference.story import Story
from scenarios.question import Question


def flow_times(story: Story, question: Question) -> list[tuple[Delivery, float]]:
    """The changes delivered in the window, and how long each took from its first activity."""
    found = []
    for delivery in story.deliveries(question):
        begun = delivery.change.first_activity_at
        if begun is not None and delivery.delivered_at >= begun:
            found.append((delivery, (delivery.delivered_at - begun) / SECOND))
    return found


def active_times(story: Story, question: Question) -> list[tuple[float, float]]:
    """For how long of that there was work on each change, and the whole; of changes that are known to have
    been worked on."""
    times = [
        (
            active_s(
                story.runs_of(delivery.change),
                delivery.delivered_at - int(length * SECOND),
                delivery.delivered_at,
            ),
            length,
        )
        for delivery, length in flow_times(story, question)
    ]
    return [(active, length) for active, length in times if active]


def flow_efficiency(story: Story, question: Question) -> float | None:
    """Time during which there was work on the changes, of all their time."""
    times = active_times(story, question)
    return ratio(sum(active for active, _ in times), sum(length for _, length in times))


def blocked_s(change: Change, start: int, end: int) -> float:
    """Length of the time during which one of the change's work items was blocked."""
    intervals = []
    told = [row for row in (*change.rows, *change.item_rows) if is_work_item_event(row)]
    for item in distinct(told, "work_item_id"):
        since: int | None = None
        rows = [row for row in told if row["work_item_id"] == item]
        for row in sorted(rows, key=lambda row: (row["started_at"], row["event_name"])):
            if row["event_name"] == "work_item.blocked" and since is None:
                since = row["started_at"]
            elif row["event_name"] == "work_item.unblocked" and since is not None:
                intervals.append((since, row["started_at"]))
                since = None
        if since is not None:
            intervals.append((since, end))
    total, reached = 0, start
    for begin, finish in sorted(intervals):
        begin, finish = max(begin, reached), min(finish, end)
        if finish > begin:
            total += finish - begin
            reached = finish
    return total / SECOND


def cycle_times(story: Story, question: Question) -> list[float]:
    """Flow times without the time that the work was blocked."""
    return [
        flow_time - blocked_s(delivery.change, delivery.change.first_activity_at or 0, delivery.delivered_at)
        for delivery, flow_time in flow_times(story, question)
    ]


def in_progress(story: Story, question: Question) -> list[tuple[Change, str | None]]:
    """Changes begun and neither delivered nor abandoned when the window ends, and the stage they are in.

    With a service, those that its runs are about, wherever they were delivered by.
    """
    closed = story.closed(question)
    found = []
    for change in story.changes(question):
        begun = change.first_activity_at
        if (
            begun is not None
            and begun < question.to_ns
            and change.id not in closed
            and (question.service is None or question.service in change.services)
            and (
                story.profile.unit == "change"
                or any(is_request(name) for name in (change.id, *change.aliases))
            )
        ):
            found.append((change, current_stage(story, change, question.to_ns)))
    return found


def current_stage(story: Story, change: Change, at: int) -> str | None:
    """The stage that the change came to last before a moment: that it is in, or waits for."""
    arrivals = [
        (row["started_at"], row["stage_name"]) for row in change.rows if row["stage_name"] is not None
    ]
    arrivals += [(run.start - int((run.queue_s or 0.0) * SECOND), run.stage) for run in story.runs_of(change)]
    return min(((-arrived, stage) for arrived, stage in arrivals if arrived < at), default=(0, None))[1]


def late_stages(story: Story, question: Question) -> list[tuple[str, str]]:
    """Stages of open changes that began too long before the window's end and had not ended by then, and the
    changes."""
    limit_ns = story.facts.declared.limits.unfinished_after.ns
    open_changes = {change.id for change, _ in in_progress(story, question)}
    going_on = [(begun.stage, begun.change, begun.started_at) for begun in story.facts.unfinished]
    going_on += [
        (run.stage, run.change, run.start)
        for run in story.facts.runs
        if run.change is not None and run.end >= question.to_ns
    ]
    return sorted(
        {
            (stage, change)
            for stage, change, at in going_on
            if change in open_changes and question.to_ns - at > limit_ns
        }
    )


def ages(changes: list[Change], question: Question) -> dict[str, Any]:
    """How many changes, and how long they have been under way."""
    known = sorted((question.to_ns - (change.first_activity_at or 0)) / SECOND for change in changes)
    return {
        "changes": len(known),
        "p50_age_s": quantile(known, 0.5),
        "max_age_s": known[-1] if known else None,
    }


def work_in_progress(story: Story, question: Question) -> dict[str, Any]:
    """What is under way at the window's end: how old, in which stages, and the oldest."""
    under_way = in_progress(story, question)
    late = [stage for stage, _ in late_stages(story, question)]
    stages = {stage for _, stage in under_way} | set(late)
    whole = ages([change for change, _ in under_way], question)
    del whole["changes"]
    oldest = sorted(under_way, key=lambda one: (one[0].first_activity_at or 0, one[0].id))[:10]
    return whole | {
        "blocked_items": blocked_items(story, question, [change for change, _ in under_way]),
        "by_stage": [
            {
                "stage": stage,
                **ages([change for change, its in under_way if its == stage], question),
                "unfinished": late.count(stage) if stage is not None else 0,
            }
            for stage in sorted(stages, key=lambda stage: (stage is None, stage))
        ],
        "oldest": [
            {
                "id": change.id,
                "stage": stage,
                "since": change.first_activity_at,
                "age_s": (question.to_ns - (change.first_activity_at or 0)) / SECOND,
            }
            for change, stage in oldest
        ],
    }


def blocked_items(story: Story, question: Question, under_way: list[Change]) -> int:
    """The work items that are blocked at the window's end, of open changes, or of no change at all where no
    filter is for changes."""
    last: dict[str, str] = {}
    for row in sorted(story.facts.rows, key=lambda row: (row["started_at"], row["event_name"] or "")):
        told = row["event_name"] in ("work_item.blocked", "work_item.unblocked")
        if told and row["work_item_id"] is not None and row["started_at"] < question.to_ns:
            last[row["work_item_id"]] = row["event_name"]
    wanted = {item for change in under_way for item in distinct(change.rows, "work_item_id")}
    if not (question.service or question.repository or question.team or question.value_stream):
        changes = story.facts.changes.values()
        wanted |= last.keys() - {item for one in changes for item in distinct(one.rows, "work_item_id")}
    return [last.get(item) for item in wanted].count("work_item.blocked")


def bottleneck(story: Story, question: Question) -> dict[str, Any] | None:
    """The stage whose work, or the wait before it, has most of the median flow time."""
    delivered = [delivery for delivery, _ in flow_times(story, question)]
    spent: dict[tuple[str, str], list[float]] = defaultdict(list)
    for delivery in delivered:
        by_stage: dict[str, list[Run]] = defaultdict(list)
        for run in story.runs_of(delivery.change):
            if run.start < delivery.delivered_at:
                by_stage[run.stage].append(run)
        for stage, runs in by_stage.items():
            spent[stage, "process"].append(
                active_s(runs, min(run.start for run in runs), max(run.end for run in runs))
            )
            spent[stage, "wait"].append(sum(run.wait_s or 0.0 for run in runs))
    candidates = []
    for (stage, part), values in spent.items():
        # A change that never was in the stage spent no time in it.
        everywhere = sorted(values + [0.0] * (len(delivered) - len(values)))
        median = quantile(everywhere, 0.5)
        if median:
            candidates.append((-median, part != "wait", stage, part))
    if not candidates:
        return None
    negative, _, stage, part = min(candidates)
    flow_time = quantile(sorted(length for _, length in flow_times(story, question)), 0.5)
    return {
        "stage": stage,
        "part": part,
        "median_s": -negative,
        "share": -negative / flow_time if flow_time else None,
        "wip": [its for _, its in in_progress(story, question)].count(stage),
        **rates([one for one in passing_executions(story, question) if one.stage == stage], question),
    }


def flow(story: Story, question: Question) -> dict[str, Any]:
    """In the shape of the API's answer, but for window and profile."""
    delivered = flow_times(story, question)
    return {
        "flow_time": statistic([length for _, length in delivered], story.profile.median),
        "active_time": statistic(
            [active for active, _ in active_times(story, question)], story.profile.median
        ),
        "cycle_time": statistic(cycle_times(story, question), story.profile.median),
        "flow_efficiency": flow_efficiency(story, question),
        "throughput_per_day": len(story.deliveries(question)) / question.days,
        "wip": len(in_progress(story, question)),
        "work_in_progress": work_in_progress(story, question),
        "bottleneck": bottleneck(story, question),
        **passage(story, question),
        "handoffs": handoffs(story, question),
        "approvals": approvals(story, question),
        "promotion_time": statistic(promotion_times(story, question), story.profile.median),
        "rollback": rollbacks(story, question),
    }
