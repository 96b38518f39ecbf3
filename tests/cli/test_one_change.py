"""One change in a report, at each point of its way."""

from datetime import UTC, datetime
from typing import Any

from otel_vsm.cli.one_change import document, lines

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
LEGS = {"coding_s": 3600.0, "pickup_s": None}


def timeline(events: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    change = {"id": "r#1", "events": events or {}, "lead_time_s": None, "excluded": None, "legs": LEGS}
    given = {name: more.pop(name) for name in ("lead_time_s", "excluded") if name in more}
    return {"change": change | given, "runs": [], "approvals": [], "incidents": []} | more


def run(stage: str, hour: int, result: str = "success", wait_s: float | None = None) -> dict[str, Any]:
    times = {
        "started_at": f"2026-05-02T{hour:02}:00:00Z",
        "ended_at": f"2026-05-02T{hour:02}:30:00.123456789Z",
    }
    return {"stage_name": stage, "leg": None, "team": None, "result": result, "wait_s": wait_s} | times


def said(found: dict[str, Any]) -> list[str]:
    return list(document(found, NOW).sentences)


def test_what_is_under_way_says_how_long_and_since_when() -> None:
    opened = timeline({"change.opened": "2026-05-01T12:00:00Z", "change.merged": "2026-05-02T12:00:00Z"})
    assert said(opened) == ["Not delivered to production yet; so far it took 2 d since it was opened."]
    assert said(timeline()) == ["Not delivered to production yet."]


def test_what_was_delivered_says_its_lead_time_or_why_it_has_none() -> None:
    assert said(timeline(lead_time_s=7200.0)) == ["Delivered to production; its lead time is 2 h."]
    assert said(timeline(excluded="no_start")) == ["Delivered to production, without a lead time: no start."]
    assert said(timeline({"change.abandoned": "2026-05-01T12:00:00Z"})) == ["Given up."]


def test_it_says_what_it_waits_for_and_waited_for_longest() -> None:
    asked = {"gate": "production", "requested_at": "2026-05-03T09:00:00Z", "answered_at": None}
    runs = [run("build", 8), run("scan", 12, wait_s=12600.0), run("test", 13, "failure", wait_s=60.0)]
    found = said(timeline(runs=runs, approvals=[asked]))
    assert found[1:] == [
        "It waits for an approval at production, for 3 h now.",
        "Its last stage was test: failure.",
        "It waited longest before scan: 3 h 30 min.",
    ]
    text = "\n".join(lines(document(timeline(runs=runs), NOW)))
    assert "test   FAILURE  30 min  1 min          –" in text
    assert "| scan | success | 30 min | 3 h 30 min | – |" in document(timeline(runs=runs), NOW).written(
        "markdown"
    )
