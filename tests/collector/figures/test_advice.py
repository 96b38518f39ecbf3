"""What is worth a sentence, and when nothing can be said."""

from typing import Any

from otel_vsm_collector.declared.sections import Advice
from otel_vsm_collector.figures.advice import advice

DAY = 86_400.0


def flow(count: int = 30, **more: Any) -> dict[str, Any]:
    times = {"count": count, "mean": 5 * DAY if count else None}
    return {"flow_time": times, "approvals": [], "handoffs": {"pairs": []}, "bottleneck": None} | more


def stage(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "executions": 40, "rework_runs": 0, "flaky_runs": 0, "quarantined": False} | more


def gate(wait_s: float | None, pending: int = 0) -> dict[str, Any]:
    counts = {"granted": 20, "denied": 1, "pending": pending, "breaches": 9}
    return {"gate": "security", "actor_type": "human", "wait_time": {"count": 20, "mean": wait_s}} | counts


def sentences(flow: dict[str, Any], *stages: dict[str, Any], **settings: Any) -> list[str]:
    pieces, nothing = advice(flow, stages, Advice(**settings))
    assert nothing is None
    return [piece.sentence for piece in pieces]


def test_of_few_changes_nothing_is_advised() -> None:
    pieces, nothing = advice(flow(9, approvals=[gate(3 * DAY)]), [stage("build", rework_runs=40)], Advice())
    assert pieces == []
    assert nothing == "Too little data: the flow time of 9 delivered changes is known, and 10 are needed."
    assert advice(flow(0), [], Advice())[1] is not None
    assert advice(flow(9), [], Advice(changes=9)) == ([], None)


def test_a_wait_says_what_it_is_of_all_flow_time() -> None:
    # 20 times 3 d of 30 times 5 d.
    answers = "Changes waited 3 d on average for 20 answers by people at security, 40 % of all flow time;"
    limit = "9 of 23 waited longer than the limit; 2 wait now."
    assert sentences(flow(approvals=[gate(3 * DAY, pending=2)])) == [f"{answers} {limit}"]
    pair = {"from_team": "core", "to_team": "ops", "wait_time": {"count": 15, "mean": 2 * DAY}}
    lying = "Changes waited 2 d on average for 15 hand-offs between core and ops, 20 % of all flow time."
    assert sentences(flow(handoffs={"pairs": [pair]})) == [lying]


def test_the_longest_wait_comes_first_and_rework_after_all_waits() -> None:
    most = {"share": 0.3, "reason": "Build takes longest."}
    found = sentences(
        flow(approvals=[gate(3 * DAY)], bottleneck=most),
        stage("build", rework_runs=36),
        stage("test", rework_runs=9, flaky_runs=4),
    )
    assert found[0].startswith("Changes waited 3 d")
    assert found[1:] == [
        "Build takes longest.",
        "36 of 40 executions of build did again what had succeeded (90 %).",
        "9 of 40 executions of test did again what had succeeded (22.5 %).",
        "test succeeded 4 times at a revision that it had failed at, in 40 executions (10 %): it is flaky.",
    ]


def test_what_is_not_worth_a_sentence_has_none() -> None:
    little = stage("build", rework_runs=3)
    assert sentences(flow(approvals=[gate(0.5 * DAY)]), little) == []
    assert len(sentences(flow(approvals=[gate(0.5 * DAY)]), little, share=0.05)) == 2
    assert sentences(flow(approvals=[gate(None)]), stage("e2e", rework_runs=40, quarantined=True)) == []
