"""Flow, stages and measurement in a report."""

from collections.abc import Iterator, Sequence

from otel_vsm.cli.asking import Json
from otel_vsm.cli.lines import Row, paragraph, shortened, table
from otel_vsm.figures import Figure, of
from otel_vsm.human import behind, beside, count, duration, share, value
from otel_vsm.semconv import ActorType, Statistic

_STAGE = 18
_HEADS = (
    *("STAGE", "RUNS", "TAKES", "WAITS BEFORE", "SUCCEEDS"),
    *("RIGHT FIRST TIME", "%C/A", "REDONE", "IN IT"),
)
MEANING = (
    "Times are medians. Right first time: it succeeded at once. %C/A, complete and accurate: neither it"
    " nor an earlier stage had to run again. In it: changes that are there now."
)
_ACTORS = {ActorType.HUMAN: "people", ActorType.AUTOMATION: "machines"}


def flow(flow: Json) -> Iterator[str]:
    """How changes pass: times, work in progress, where they wait and come back, what holds them up most."""
    yield from table(*flow_rows(flow))
    if flow["bottleneck"]:
        yield ""
        yield from paragraph(f"Bottleneck: {flow['bottleneck']['reason']}")


def flow_rows(flow: Json) -> tuple[Row, list[Row]]:
    """The heads and rows of its table."""
    rows = [row for figure in of("flow") for row in _LINES.get(figure.name, _line)(figure, flow)]
    return ("FLOW", "VALUE", "WHAT IT SAYS"), rows


def under_way(flow: Json, incidents: int) -> list[str]:
    """In a sentence, what has begun and not ended at the window's end; nothing where nothing has."""
    pending = sum(gate["pending"] for gate in flow["approvals"])
    parts = (
        (flow["wip"], "open change"),
        (pending, "waiting approval"),
        (flow["work_in_progress"].get("blocked_items", 0), "blocked work item"),
        (incidents, "active incident"),
    )
    said = ", ".join(count(number, noun) for number, noun in parts if number)
    return list(paragraph(f"Under way: {said}.")) if said else []


def _line(figure: Figure, flow: Json) -> Iterator[Row]:
    """The line of a figure that has a note; a share of nothing has none."""
    if not figure.note:
        return
    content = flow[figure.name]
    if not figure.part:
        yield figure.title, value(figure, content, Statistic.P50), figure.note
    elif content[figure.whole]:
        yield figure.title, value(figure, content, Statistic.P50), beside(figure, content)


def _flow_time(figure: Figure, flow: Json) -> Iterator[Row]:
    times = flow[figure.name]
    yield figure.title, duration(times["p50"]), f"{figure.note}; {behind(figure, times)}"


def _wip(figure: Figure, flow: Json) -> Iterator[Row]:
    yield figure.title, count(flow[figure.name], figure.noun), _ages(flow["work_in_progress"])


def _handoffs(figure: Figure, flow: Json) -> Iterator[Row]:
    handoffs = flow[figure.name]
    if handoffs["count"]:
        most = handoffs["pairs"][0]
        between = f"from {most['from_team']} to {most['to_team']} ({most['count']})"
        waits = duration(handoffs["wait_time"]["p50"])
        yield figure.title, str(handoffs["count"]), f"wait {waits}; most {between}"


def _approvals(figure: Figure, flow: Json) -> Iterator[Row]:
    for gate in flow[figure.name]:
        if gate["breaches"]:
            whole = sum(gate[part] for part in ("granted", "denied", "pending"))
            who = _ACTORS.get(gate["actor_type"], "whoever answers")
            name = gate["gate"] or "an unnamed gate"
            yield figure.title, f"{gate['breaches']} of {whole}", f"{name}, by {who}, longer than the limit"


_LINES = {"flow_time": _flow_time, "wip": _wip, "handoffs": _handoffs, "approvals": _approvals}
"""Of the figures that say more than others of their kind."""


def _ages(wip: Json) -> str:
    if not wip["oldest"]:
        return "nothing is open"
    late = sum(stage["unfinished"] for stage in wip["by_stage"])
    oldest = shortened(wip["oldest"][0]["id"], 30)
    unfinished = f"; {late} unfinished" if late else ""
    return f"{duration(wip['p50_age_s'])} old, up to {duration(wip['max_age_s'])} ({oldest}){unfinished}"


def stages(stages: Sequence[Json]) -> Iterator[str]:
    """A line per stage."""
    yield from table(*stage_rows(stages), right=range(1, len(_HEADS)))
    yield ""
    yield from paragraph(MEANING)


def stage_rows(stages: Sequence[Json]) -> tuple[Row, list[Row]]:
    """The heads and rows of their table."""
    return _HEADS, [_stage(stage) for stage in stages]


def _stage(stage: Json) -> Row:
    return (
        shortened(stage["name"], _STAGE),
        str(stage["runs"]),
        duration(stage["process_time"]["p50"]),
        duration(stage["wait_time"]["p50"]),
        share(stage["success_ratio"]),
        share(stage["first_pass_yield"]),
        share(stage["complete_accurate"]),
        str(stage["rework_runs"]),
        str(stage["wip"]),
    )


def measurement(measured: Json) -> Iterator[str]:
    """How far all that can be believed, in a few sentences."""
    runs, deployments = measured["stage_runs"], measured["deployments"]
    of_runs, of_deployments = _part(runs, "run"), _part(deployments, "deployment")
    sentences = [f"no change was found for {of_runs} of stages and {of_deployments}"]
    why = {name: part for one in (deployments, runs) for name, part in one["why"].items()}
    if why:
        sentences[0] += f" ({', '.join(name.replace('_', ' ') for name in sorted(why))})"
    if cut := deployments.get("cut_history"):  # an earlier collector does not say
        sentences.append(f"{count(cut, 'deployment')} told from a clone without the whole history")
    if left_out := sum(measured["excluded"].values()):
        sentences.append(f"{count(left_out, 'change')} delivered without a lead time")
    if skew := sum(measured["clock_skew"].values()):
        sentences.append(f"clocks disagree {count(skew, 'time')}")
    if retracted := measured["left_out"]["retracted"]:
        sentences.append(f"{count(retracted, 'span')} taken back")
    if unknown := measured["left_out"]["retracts_nothing"]:
        sentences.append(f"{count(unknown, 'retraction')} of what was never told")
    if future := measured["left_out"]["future"]:
        sentences.append(f"{count(future, 'span')} of a time to come")
    if impossible := measured["left_out"].get("impossible"):  # an earlier collector does not say
        sentences.append(f"{count(impossible, 'span')} of impossible times")
    if measured["ingest_delay"]["count"]:
        sentences.append(f"spans arrive {duration(measured['ingest_delay']['p50'])} after they end")
    if backfilled := measured["ingest_delay"]["backfilled"]:
        sentences.append(f"{count(backfilled, 'span')} told afterwards")
    yield from paragraph(f"Measured: {'; '.join(sentences)}.")


def _part(linked: Json, noun: str) -> str:
    return f"{linked['unlinked']} of {count(linked['count'], noun)}"
