"""The bottleneck: the stage, or the wait before it, that most of the median flow time goes into."""

from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from otel_vsm.human import count, duration, rate, share
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.flow_times import passed, spent

PROCESS, WAIT = "process", "wait"


def contributions(selection: Selection) -> ir.Table:
    """What each stage takes of the changes delivered in the window (stage_name, process, wait): medians over
    all that have a flow time, in seconds.

    A change that was not in a stage spent nothing there. Stages that fewer than half of them were in are left
    out: their medians are nothing.
    """
    delivered = passed(selection)
    number = delivered.count(where=delivered.flow_ns >= 0).as_scalar()
    runs = spent(selection)
    stages = runs.group_by("stage_name").agg(changes=runs.count())
    stages = stages.filter(stages.changes * 2 >= number)
    nothing = ibis.literal(0.0)
    absent = ibis.range(ibis.literal(0, "int64"), number - stages.changes)
    absent = stages.select("stage_name", one=absent.unnest())
    values = (
        runs.semi_join(stages, "stage_name")
        .select("stage_name", PROCESS, WAIT)
        .union(absent.select("stage_name", **{PROCESS: nothing, WAIT: nothing}))
    )
    half = ibis.literal(0.5)
    return values.group_by("stage_name").agg(
        **{part: values[part].quantile(half) for part in (PROCESS, WAIT)}
    )


def bottleneck(
    contributed: Iterable[Mapping[str, Any]],
    stages: Mapping[str, Mapping[str, Any]],
    flow_time_s: float | None,
) -> dict[str, Any] | None:
    """The largest of the `contributions`, a wait before a stage's own time, with the stage's figures and the
    reason in a sentence; None where nothing took any time."""
    parts = [
        (-row[part], part != WAIT, row["stage_name"])
        for row in contributed
        for part in (WAIT, PROCESS)
        if row[part]
    ]
    if not parts:
        return None
    negative, is_process, stage = min(parts)
    figures = stages[stage]
    found = {
        "stage": stage,
        "part": PROCESS if is_process else WAIT,
        "median_s": -negative,
        "share": -negative / flow_time_s if flow_time_s else None,
        "wip": figures["wip"],
        "arrivals_per_day": figures["arrivals_per_day"],
        "departures_per_day": figures["departures_per_day"],
    }
    return found | {"reason": _reason(found)}


def _reason(found: Mapping[str, Any]) -> str:
    took = "spent {} or more in {}" if found["part"] == PROCESS else "waited {} or more for {}"
    came, went = found["arrivals_per_day"], found["departures_per_day"]
    more = "more" if came > went else "fewer" if came < went else "as many"
    balance = f"{more} arrive {'as' if came == went else 'than'} leave"
    of_flow = "" if found["share"] is None else f", {share(found['share'])} of the median flow time"
    return (
        f"Half of the delivered changes {took.format(duration(found['median_s']), found['stage'])}{of_flow};"
        f" {count(found['wip'], 'change')} {'is' if found['wip'] == 1 else 'are'} there now, and {balance}"
        f" ({rate(came)} against {rate(went)})."
    )
