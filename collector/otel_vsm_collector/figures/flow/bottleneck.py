"""The bottleneck: the stage, or the wait before it, that most of the median flow time goes into."""

from collections.abc import Iterable, Mapping
from typing import Any

from otel_vsm.human import count, duration, rate, share
from otel_vsm_collector.figures.flow.times import PROCESS, WAIT


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
    most = {
        "stage": stage,
        "part": PROCESS if is_process else WAIT,
        "median_s": -negative,
        "share": -negative / flow_time_s if flow_time_s else None,
        "wip": figures["wip"],
        "arrivals_per_day": figures["arrivals_per_day"],
        "departures_per_day": figures["departures_per_day"],
    }
    return most | {"reason": _reason(most)}


def _reason(most: Mapping[str, Any]) -> str:
    took = "spent {} or more in {}" if most["part"] == PROCESS else "waited {} or more for {}"
    came, went = most["arrivals_per_day"], most["departures_per_day"]
    more = "more" if came > went else "fewer" if came < went else "as many"
    balance = f"{more} arrive {'as' if came == went else 'than'} leave"
    of_flow = "" if most["share"] is None else f", {share(most['share'])} of the median flow time"
    return (
        f"Half of the delivered changes {took.format(duration(most['median_s']), most['stage'])}{of_flow};"
        f" {count(most['wip'], 'change')} {'is' if most['wip'] == 1 else 'are'} there now, and {balance}"
        f" ({rate(came)} against {rate(went)})."
    )
