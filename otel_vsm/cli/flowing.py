"""Flow, stages and measurement in a report."""

from collections.abc import Iterator, Sequence
from typing import Any

from otel_vsm.cli.lines import Row, paragraph, shortened, table
from otel_vsm.human import count, duration, rate, share
from otel_vsm.semconv import ActorType

Answer = dict[str, Any]
_STAGE = 24
NAMES = {
    "flow_time": "Flow time",
    "active_time": "Active time",
    "cycle_time": "Cycle time",
    "flow_efficiency": "Flow efficiency",
    "throughput_per_day": "Throughput",
    "wip": "Work in progress",
    "rework": "Rework",
    "handoffs": "Hand-offs",
    "approvals": "Late approvals",
    "pipeline": "Pipeline success",
    "promotion_time": "Promotion time",
    "rollback": "Rollbacks",
}
_ACTORS = {ActorType.HUMAN: "people", ActorType.AUTOMATION: "machines"}


def flow(answer: Answer) -> Iterator[str]:
    """How changes pass: times, work in progress, where they wait and come back, what holds them up most."""
    times, cycle, wip = answer["flow_time"], answer["cycle_time"], answer["work_in_progress"]
    delivered = count(times["count"], "change")
    rows: list[Row] = [
        (NAMES["flow_time"], duration(times["p50"]), f"first activity until delivered; {delivered}"),
        (NAMES["cycle_time"], duration(cycle["p50"]), "the same without the time that work was blocked"),
        (NAMES["flow_efficiency"], share(answer["flow_efficiency"]), "of that time something was done"),
        (NAMES["throughput_per_day"], rate(answer["throughput_per_day"]), "changes delivered"),
        (NAMES["wip"], count(answer["wip"], "change"), _ages(wip)),
    ]
    rework, handoffs = answer["rework"], answer["handoffs"]
    if rework["runs"]:
        again = f"{rework['rework_runs']} of {count(rework['runs'], 'run')} of what had succeeded before"
        rows.append((NAMES["rework"], share(rework["ratio"]), again))
    if handoffs["count"]:
        most = handoffs["pairs"][0]
        waits = duration(handoffs["wait_time"]["p50"])
        between = f"from {most['from_team']} to {most['to_team']} ({most['count']})"
        rows.append((NAMES["handoffs"], str(handoffs["count"]), f"wait {waits}; most {between}"))
    rows += [_approval(gate) for gate in answer["approvals"] if gate["breaches"]]
    yield from table(("FLOW", "VALUE", "WHAT IT SAYS"), rows)
    if answer["bottleneck"]:
        yield ""
        yield from paragraph(f"Bottleneck: {answer['bottleneck']['reason']}")


def value(told: Any, figure: str, statistic: str) -> str:
    """One of them in a few words."""
    match figure:
        case "flow_efficiency":
            return share(told)
        case "throughput_per_day":
            return rate(told)
        case "wip":
            return count(told, "change")
        case "handoffs":
            return str(told["count"])
        case "approvals":
            return str(sum(gate["breaches"] for gate in told))
    return share(told["ratio"]) if "ratio" in told else duration(told[statistic])


def _ages(wip: Answer) -> str:
    if not wip["oldest"]:
        return "nothing is open"
    late = sum(stage["unfinished"] for stage in wip["by_stage"])
    oldest = shortened(wip["oldest"][0]["id"], 30)
    unfinished = f"; {late} unfinished" if late else ""
    return f"{duration(wip['p50_age_s'])} old, up to {duration(wip['max_age_s'])} ({oldest}){unfinished}"


def _approval(gate: Answer) -> Row:
    whole = sum(gate[part] for part in ("granted", "denied", "pending"))
    who = _ACTORS.get(gate["actor_type"], "whoever answers")
    name = gate["gate"] or "an unnamed gate"
    return (
        NAMES["approvals"],
        f"{gate['breaches']} of {whole}",
        f"{name}, by {who}, longer than the limit",
    )


def stages(found: Sequence[Answer]) -> Iterator[str]:
    """A line per stage."""
    heads = ("STAGE", "RUNS", "TAKES", "WAITS BEFORE", "SUCCEEDS", "RIGHT FIRST TIME", "REDONE", "IN IT")
    yield from table(heads, [_stage(stage) for stage in found], right=range(1, len(heads)))
    yield ""
    yield from paragraph(
        "Times are medians. Right first time: neither this stage nor an earlier one had to run again. In it:"
        " changes that are there now."
    )


def _stage(stage: Answer) -> Row:
    return (
        shortened(stage["name"], _STAGE),
        str(stage["runs"]),
        duration(stage["process_time"]["p50"]),
        duration(stage["wait_time"]["p50"]),
        share(stage["success_ratio"]),
        share(stage["complete_accurate"]),
        str(stage["rework_runs"]),
        str(stage["wip"]),
    )


def measurement(answer: Answer) -> Iterator[str]:
    """How far all that can be believed, in a few sentences."""
    runs, deployments = answer["stage_runs"], answer["deployments"]
    found = [f"no change was found for {_part(runs, 'run')} of stages and {_part(deployments, 'deployment')}"]
    why = {name: part for one in (deployments, runs) for name, part in one["why"].items()}
    if why:
        found[0] += f" ({', '.join(name.replace('_', ' ') for name in sorted(why))})"
    if left_out := sum(answer["excluded"].values()):
        found.append(f"{count(left_out, 'change')} delivered without a lead time")
    if skew := sum(answer["clock_skew"].values()):
        found.append(f"clocks disagree {count(skew, 'time')}")
    if strange := answer["suspicious"]["count"]:
        found.append(f"{count(strange, 'change')} of too much not believed")
    if answer["ingest_delay"]["count"]:
        found.append(f"spans arrive {duration(answer['ingest_delay']['p50'])} after they end")
    yield from paragraph(f"Measured: {'; '.join(found)}.")


def _part(linked: Answer, noun: str) -> str:
    return f"{linked['unlinked']} of {count(linked['count'], noun)}"
