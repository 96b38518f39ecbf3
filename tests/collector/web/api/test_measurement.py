"""/api/v1/measurement: what could not be put down to a change, and where clocks disagree."""

from typing import Any

from handmade.facts import FactStore
from handmade.web import Web

SECOND, DAY = 10**9, 86400 * 10**9
MAY_1 = 1777593600 * 10**9
SHOP = {"service": "shop", "environment": "production"}
IN_MAY = "from=2026-05-01&to=2026-06-01"


def measured(web: Web, **filters: str) -> Any:
    asked = "".join(f"&{name}={value}" for name, value in filters.items())
    found = web.get(f"/api/v1/measurement?{IN_MAY}{asked}")
    assert found.status == 200, found.body
    return found.json


def test_nothing_known_is_nothing_wrong(web: Web) -> None:
    found = measured(web)
    nothing: dict[str, Any] = {"count": 0, "unlinked": 0, "ratio": None, "why": {}}
    assert (found["spans"], found["stage_runs"]) == (nothing, nothing)
    assert found["deployments"] == nothing | {"nothing_new": 0, "cut_history": 0}
    assert set(found["clock_skew"].values()) == {0}
    assert found["received"] == {
        "received": 13,
        "rejected": 1,
        "filtered": 2,
        "unmapped": 4,
        "kept": 6,
        "duplicate": 3,
    }


def test_what_was_received_is_not_said_of_a_filter(web: Web) -> None:
    for name in ("service", "environment", "repository", "team", "value_stream"):
        assert measured(web, **{name: "x"})["received"] is None
    assert measured(web, environment="production")["received"]["received"] == 13


def test_a_severity_is_refused(web: Web) -> None:
    found = web.get(f"/api/v1/measurement?{IN_MAY}&severity=high")
    assert found.status == 422
    assert found.json["errors"][0]["parameter"] == "severity"


def test_spans_and_runs_of_nobody_say_why(web: Web, facts: FactStore) -> None:
    facts.insert("trace_owner", trace_id="owned", change_id="c")
    for number, (trace, change, revision) in enumerate(
        [("x", "c", None), ("owned", None, None), ("alone", None, None), ("lost", None, "abc"),
         ("two", None, None), ("two", None, None)]
    ):  # fmt: skip
        run = {"trace_id": trace, "span_id": str(number), "change_id": change, "revision": revision}
        facts.insert("span", **run, started_at=MAY_1, ended_at=MAY_1, seq=1)
        owner = "c" if trace == "owned" else change
        facts.insert("stage_run", **run | {"change_id": owner}, started_at=MAY_1, ended_at=MAY_1)
    facts.insert("span", trace_id="i", span_id="9", incident_id="I", ended_at=MAY_1)
    expected = {
        "count": 6,
        "unlinked": 4,
        "ratio": 4 / 6,
        "why": {"no_identity": 1, "no_repository": 1, "trace_of_nobody": 2},
    }
    assert measured(web)["spans"] == measured(web)["stage_runs"] == expected


def test_deployments_without_changes_say_why(web: Web, facts: FactStore) -> None:
    told = {
        "found": ["revision"],
        "again": ["revision"],
        "revision": ["own", "revision", "artifact"],
        "artifact": ["own", "artifact", "links"],
        "link": ["own", "links"],
        "nothing": ["own"],
    }
    for name, methods in told.items():
        mapping = "revision" if name == "found" else None
        facts.insert(
            "deployment", **SHOP, id=name, result="success", finished_at=MAY_1, change_mapping=mapping
        )
        for method in methods:
            facts.insert("deployment_claim", deployment_id=name, method=method, key=name)
    facts.insert("matched_claim", deployment_id="again", change_id="c", method="revision")
    facts.insert("deployment", **SHOP, id="failed", result="failure", finished_at=MAY_1)
    found = measured(web)["deployments"]
    assert (found["count"], found["unlinked"], found["nothing_new"]) == (6, 4, 1)
    assert found["why"] == {
        "no_identity": 1,
        "unknown_artifact": 1,
        "unknown_link": 1,
        "unknown_revision": 1,
    }


def test_deployments_from_a_clone_that_was_cut_are_counted_apart(web: Web, facts: FactStore) -> None:
    for name, mapping, result in (("a", "ancestry", "success"), ("b", None, "success"), ("c", None, "error")):
        row = {"id": name, "result": result, "finished_at": MAY_1}
        facts.insert("deployment", **SHOP, **row, change_mapping=mapping)
        facts.insert("deployment_report", **SHOP, **row, cut_history=True)
    found = measured(web)["deployments"]
    assert (found["count"], found["cut_history"]) == (2, 2)
    assert (found["unlinked"], found["why"]) == (1, {"no_identity": 1})


def test_what_was_taken_back_is_counted_with_who_did_it(web: Web, facts: FactStore) -> None:
    told = {"trace_id": "t", "started_at": MAY_1, "ended_at": MAY_1, "repository": "r", "seq": 1}
    retraction = told | {"event_name": "event.retracted", "started_at": MAY_1 + SECOND}
    facts.insert("arrival", seq=1, received_at=MAY_1)
    for span in ("a", "b"):
        facts.insert("span", **told, span_id=span, name="change.merged", event_name="change.merged")
    facts.insert("span", **retraction, span_id="1", retracts="a", team="red", actor_type="human")
    # Not told, not of this trace, not of a time that has come.
    facts.insert("span", **retraction, span_id="2", retracts="x")
    facts.insert("span", **(retraction | {"trace_id": "u"}), span_id="3", retracts="b")
    facts.insert("span", **retraction, span_id="4", retracts="b", future=True)
    facts.insert("span", **retraction, span_id="5", retracts="b", impossible=True)
    found = measured(web)
    assert found["left_out"] == {
        "retracted": 1,
        "retracts_nothing": 2,
        "future": 1,
        "impossible": 1,
        "latest": [
            {
                "trace_id": "t",
                "span_id": "a",
                "name": "change.merged",
                "ended_at": "2026-05-01T00:00:00Z",
                "retracted_at": "2026-05-01T00:00:01Z",
                "by_team": "red",
                "by_actor_type": "human",
            }
        ],
    }
    assert found["spans"]["count"] == 1
    assert measured(web, repository="other")["left_out"]["retracted"] == 0


def test_what_was_taken_back_after_the_window_counts_in_it_no_longer(web: Web, facts: FactStore) -> None:
    told = {"trace_id": "t", "started_at": MAY_1, "ended_at": MAY_1, "seq": 1}
    after = {"started_at": MAY_1 + 60 * DAY, "ended_at": MAY_1 + 60 * DAY, "seq": 2}
    for seq, days in ((1, 0), (2, 60)):
        facts.insert("arrival", seq=seq, received_at=MAY_1 + days * DAY)
    facts.insert("span", **told, span_id="parent")
    facts.insert("span", **told | {"started_at": MAY_1 - 1}, span_id="a", parent_span_id="parent")
    facts.insert("span", **told | after, span_id="r", event_name="event.retracted", retracts="a")
    found = measured(web)
    assert (found["spans"]["count"], found["ingest_delay"]["count"]) == (1, 1)
    assert found["clock_skew"]["child_before_parent"] == 0


def test_what_happened_before_it_could_have_is_counted(web: Web, facts: FactStore) -> None:
    span = {"trace_id": "t", "ended_at": MAY_1 + SECOND}
    facts.insert("span", **span, span_id="parent", started_at=MAY_1, seq=1)
    facts.insert("span", **span, span_id="a", parent_span_id="parent", started_at=MAY_1 - 1, seq=1)
    facts.insert("span", **span, span_id="b", parent_span_id="parent", started_at=MAY_1, seq=1)
    facts.insert("arrival", seq=1, received_at=MAY_1 + 1)
    facts.insert("stage_run", **span, span_id="a", started_at=MAY_1, queue_s=-1.0)
    for detected in (MAY_1 + 1, MAY_1 + 3):
        facts.insert("incident", **SHOP, id=str(detected), started_at=MAY_1 + 2, start_told=True,
                     detected_at=detected)  # fmt: skip
    for reason in ("clock_skew", "no_start", None):
        facts.insert("delivery", **SHOP, change_id=str(reason), deployment_id="d", delivered_at=MAY_1,
                     excluded=reason)  # fmt: skip
    found = measured(web)
    assert found["clock_skew"] == {
        "child_before_parent": 1,
        "detected_before_start": 1,
        "delivered_before_start": 1,
        "negative_queue": 1,
        "arrived_before_end": 3,
    }
    assert found["excluded"] == {"clock_skew": 1, "no_start": 1}


def test_a_delay_is_from_the_end_until_the_arrival(web: Web, facts: FactStore) -> None:
    for seq, seconds in ((1, 10), (2, 30)):
        facts.insert("span", trace_id="t", span_id=str(seq), started_at=MAY_1, ended_at=MAY_1, seq=seq)
        facts.insert("arrival", seq=seq, received_at=MAY_1 + seconds * SECOND)
    facts.insert("arrival", seq=3, received_at=MAY_1 - DAY)
    facts.insert("span", trace_id="t", span_id="3", started_at=MAY_1, ended_at=MAY_1 - DAY, seq=3)
    facts.insert("span", trace_id="t", span_id="4", started_at=MAY_1, ended_at=MAY_1 - DAY, seq=2,
                 backfilled=True)  # fmt: skip
    delay = measured(web)["ingest_delay"]
    assert (delay["count"], delay["p50"], delay["max"], delay["backfilled"]) == (2, 20, 30, 1)
