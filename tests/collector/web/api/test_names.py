"""Names that are asked for and that nothing is known of, and value streams that are declared."""

from collections.abc import Iterator
from typing import Any

import pytest

from handmade.facts import FactStore
from handmade.web import Web, served

MAY_1 = 1777593600 * 10**9
IN_MAY = "from=2026-05-01&to=2026-06-01"
ANSWERS = ("dora", "dora/series", "flow", "stages", "changes", "deployments", "incidents", "measurement",
           "explain?figure=wip", "compare?figure=wip&with=devlake")  # fmt: skip
STREAM: dict[str, Any] = {
    "recipient": "people who buy",
    "owner": "Ada",
    "start": "work_item.created",
    "systems": ["shop"],
    "primary_measure": "change_lead_time",
    "known_delays": ["the board meets on Tuesdays"],
}


@pytest.fixture
def known(facts: FactStore) -> FactStore:
    facts.insert("deployment_report", id="d1", service="shop", environment="staging-eu", finished_at=MAY_1,
                 repository="h.example/a/shop", teams=["core"], value_streams=["sales"])  # fmt: skip
    return facts


def notices(web: Web, target: str, query: str) -> dict[str, str]:
    found = web.get(f"/api/v1/{target}{'&' if '?' in target else '?'}{IN_MAY}&{query}")
    assert found.status == 200, found.body
    return {one["parameter"]: one["message"] for one in found.json["notices"]}


@pytest.mark.parametrize("target", ANSWERS)
def test_a_name_that_nothing_is_known_of_is_said_with_the_closest(
    web: Web, known: FactStore, target: str
) -> None:
    assert notices(web, target, "service=shpo&team=core") == {
        "service": "nothing is known of the service 'shpo'; did you mean shop?"
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("environment=staging", "nothing is known of the environment 'staging'; did you mean staging-eu?"),
        ("repository=h/a/b", "nothing is known of the repository 'h/a/b'; known are h.example/a/shop"),
        ("team=platform", "nothing is known of the team 'platform'; known are core"),
        ("value_stream=sale", "nothing is known of the value stream 'sale'; did you mean sales?"),
    ],
)  # fmt: skip
def test_so_is_every_other_name(web: Web, known: FactStore, query: str, message: str) -> None:
    assert list(notices(web, "dora", query).values()) == [message]


def test_what_is_known_or_not_asked_for_needs_no_notice(web: Web, known: FactStore) -> None:
    assert notices(web, "dora", "") == {}
    query = "service=shop&environment=staging-eu&repository=https://h.example/a/shop.git&value_stream=sales"
    assert notices(web, "dora", query) == {}


def test_where_nothing_is_known_at_all_no_name_is_proposed(web: Web) -> None:
    assert notices(web, "dora", "team=core") == {"team": "nothing is known of the team 'core'"}


@pytest.fixture
def declared(facts: FactStore) -> Iterator[Web]:
    with served(facts, {"value_streams": {"checkout": STREAM}}) as web:
        yield web


def test_a_declared_value_stream_is_shown_with_what_it_selects(declared: Web, facts: FactStore) -> None:
    for service in ("shop", "cart"):
        facts.insert(
            "change", id=service, first_seen_at=MAY_1, created_at=MAY_1, first_commit_at=MAY_1 + 60 * 10**9
        )
        facts.insert("delivery", change_id=service, service=service, environment="production",
                     delivered_at=MAY_1 + 3600 * 10**9, deployment_id=service)  # fmt: skip
    found = declared.get(f"/api/v1/dora?{IN_MAY}&value_stream=checkout").json
    assert found["value_stream"]["name"] == "checkout"
    assert STREAM.items() <= found["value_stream"].items()
    assert found["notices"] == []
    assert found["change_lead_time"]["count"] == 1
    assert (found["change_lead_time"]["p50"], found["change_lead_time"]["starts"]) == (
        3600.0,
        {"work_item.created": 1},
    )
    assert declared.get(f"/api/v1/dora?{IN_MAY}").json["value_stream"] is None
    assert notices(declared, "dora", "value_stream=chekout") == {
        "value_stream": "nothing is known of the value stream 'chekout'; did you mean checkout?"
    }


def test_with_a_severity_no_other_incident_makes_a_deployment_fail(web: Web, facts: FactStore) -> None:
    shop = {"service": "shop", "environment": "production"}
    report = {**shop, "id": "d1", "result": "success", "finished_at": MAY_1 + 1, "started_at": MAY_1}
    facts.insert("deployment_report", **report)
    facts.insert("deployment_order", **shop, id="d1", finished_at=MAY_1 + 1, before=0, number=1)
    facts.insert("deployment", **report, failed=True, rework=False, failure_method="incident_link")
    facts.insert("evidence", deployment_id="d1", method="incident_link", source_kind="incident",
                 source_id="i", severity="low", at=MAY_1 + 2)  # fmt: skip
    failed = {
        severity: web.get(f"/api/v1/dora?{IN_MAY}&severity={severity}").json["change_fail_rate"]["failed"]
        for severity in ("", "low", "high")
    }
    assert failed == {"": 1, "low": 1, "high": 0}


def test_what_is_under_way_is_counted_at_the_windows_end(web: Web, facts: FactStore) -> None:
    for name, resolved_at in (("open", None), ("later", MAY_1 + 40 * 86400 * 10**9), ("over", MAY_1 + 2)):
        facts.insert("incident", id=name, service="shop", environment="production", started_at=MAY_1 + 1,
                     resolved_at=resolved_at)  # fmt: skip
    assert web.get(f"/api/v1/dora?{IN_MAY}").json["active_incidents"] == 2
