"""What holds changes back, in sentences, each with the figure whose rows are behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_vsm.human import count, duration, share
from otel_vsm.semconv import ActorType
from otel_vsm_collector.declared.sections import Advice

Row = Mapping[str, Any]
_BY = {ActorType.HUMAN: " by people", ActorType.AUTOMATION: " by machines"}


class Piece(NamedTuple):
    figure: str
    """Which has the rows behind it."""
    share: float
    """Of a wait of all flow time, of the bottleneck of the median flow time, of the rest of all executions of
    the stage."""
    sentence: str


def advice(flow: Row, stages: Sequence[Row], settings: Advice) -> tuple[list[Piece], str | None]:
    """The pieces of advice that follow from a flow and its stages, waits and work first, then what is done
    again, each by its share; or why there can be none."""
    times = flow["flow_time"]
    if times["count"] < settings.changes:
        known = count(times["count"], "delivered change")
        return [], f"Too little data: the flow time of {known} is known, and {settings.changes} are needed."
    waits = [*_approvals(flow), *_handoffs(flow)]
    if (most := flow["bottleneck"]) is not None and most["share"] is not None:
        waits.append(Piece("flow_time", most["share"], most["reason"]))
    worth = [
        sorted(
            (one for one in pieces if one.share >= settings.share), key=lambda one: (-one.share, one.sentence)
        )
        for pieces in (waits, _done_again(stages))
    ]
    return [piece for pieces in worth for piece in pieces], None


def _approvals(flow: Row) -> Iterator[Piece]:
    for gate in flow["approvals"]:
        wait, of_all = gate["wait_time"], _of_flow(gate["wait_time"], flow)
        if of_all is None:
            continue
        who, name = _BY.get(gate["actor_type"], ""), gate["gate"] or "an unnamed gate"
        requests = gate["granted"] + gate["denied"] + gate["pending"]
        pending = f"; {gate['pending']} wait now" if gate["pending"] else ""
        yield Piece(
            "approvals",
            of_all,
            f"{_long(wait, 'answer')}{who} at {name}, {share(of_all)} of all flow time;"
            f" {gate['breaches']} of {requests} waited longer than the limit{pending}.",
        )


def _handoffs(flow: Row) -> Iterator[Piece]:
    for pair in flow["handoffs"]["pairs"]:
        wait, of_all = pair["wait_time"], _of_flow(pair["wait_time"], flow)
        if of_all is not None:
            between = f"between {pair['from_team']} and {pair['to_team']}"
            sentence = f"{_long(wait, 'hand-off')} {between}, {share(of_all)} of all flow time."
            yield Piece("handoffs", of_all, sentence)


def _of_flow(wait: Row, flow: Row) -> float | None:
    """What waits take of the flow time of all changes: few that are long weigh as much as many short ones."""
    times = flow["flow_time"]
    if not wait["count"] or not wait["mean"] or not times["mean"]:
        return None
    return float(wait["mean"] * wait["count"] / (times["mean"] * times["count"]))


def _long(wait: Row, noun: str) -> str:
    return f"Changes waited {duration(wait['mean'])} on average for {count(wait['count'], noun)}"


def _done_again(stages: Sequence[Row]) -> Iterator[Piece]:
    for stage in stages:
        every, name = stage["executions"], stage["name"]
        if not every or stage["quarantined"]:
            continue
        if again := stage["rework_runs"]:
            yield Piece(
                "rework",
                again / every,
                f"{again} of {count(every, 'execution')} of {name} did again what had succeeded"
                f" ({share(again / every)}).",
            )
        if flaky := stage["flaky_runs"]:
            yield Piece(
                "rework",
                flaky / every,
                f"{name} succeeded {count(flaky, 'time')} at a revision that it had failed at, in"
                f" {count(every, 'execution')} ({share(flaky / every)}): it is flaky.",
            )
