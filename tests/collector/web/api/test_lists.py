"""/api/v1/changes, /deployments, /incidents: pages, filters, and one by its id."""

import base64
import json
from urllib.parse import quote

import pytest

from handmade.facts import FactStore
from handmade.web import Web

SECOND, DAY = 10**9, 86400 * 10**9
MAY_1 = 1777593600 * 10**9
SHOP = {"service": "shop", "environment": "production"}
IN_MAY = "from=2026-05-01&to=2026-06-01"
CHANGE = "github.com/acme/shop#12"
ALIAS = "github.com/acme/shop@9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"


@pytest.fixture
def change(facts: FactStore) -> FactStore:
    """A change merged on the 1st of May and deployed an hour later."""
    moments = {
        event: MAY_1 + hours * 3600 * SECOND
        for event, hours in (("first_commit", 0), ("opened", 1), ("reviewed", 3), ("merged", 6))
    }
    facts.insert(
        "change", id=CHANGE, repository="github.com/acme/shop", aliases=[ALIAS], first_seen_at=MAY_1,
        **{f"{event}_at": at for event, at in moments.items()},
    )  # fmt: skip
    for event, at in moments.items():
        facts.insert("change_event", change_id=CHANGE, event=f"change.{event}", at=at)
    facts.insert(
        "delivery", **SHOP, change_id=CHANGE, repository="github.com/acme/shop", deployment_id="d1",
        deploy_started_at=MAY_1 + 6 * 3600 * SECOND + 3590 * SECOND, delivered_at=MAY_1 + 7 * 3600 * SECOND,
        lead_time_s=7 * 3600.0,
    )  # fmt: skip
    facts.insert("deployment_change", deployment_id="d1", change_id=CHANGE, method="links")
    return facts


def test_a_change_says_what_happened_and_how_long_each_part_took(web: Web, change: FactStore) -> None:
    (found,) = web.items(f"/api/v1/changes?{IN_MAY}")
    assert found == {
        "id": CHANGE,
        "aliases": [ALIAS],
        "repository": "github.com/acme/shop",
        "events": {
            "change.first_commit": "2026-05-01T00:00:00Z",
            "change.opened": "2026-05-01T01:00:00Z",
            "change.reviewed": "2026-05-01T03:00:00Z",
            "change.merged": "2026-05-01T06:00:00Z",
        },
        "deployed": {"production": "2026-05-01T07:00:00Z"},
        "lead_time_s": 25200,
        "legs": {
            "backlog_s": None,
            "preparation_s": None,
            "coding_s": 3600,
            "pickup_s": 7200,
            "review_s": 10800,
            "release_s": 3590,
            "deploy_s": 10,
            "merge_to_deployed_s": 3600,
        },
        "deployment_ids": ["d1"],
        "excluded": None,
    }


@pytest.mark.parametrize("name", [CHANGE, ALIAS])
@pytest.mark.parametrize("safe", ["/", ""], ids=["slashes as they are", "everything encoded"])
def test_a_change_is_found_by_its_id_and_by_its_alias(
    web: Web, change: FactStore, name: str, safe: str
) -> None:
    found = web.get(f"/api/v1/changes/{quote(name, safe=safe)}")
    assert found.status == 200, found.body
    assert found.json == web.items(f"/api/v1/changes?{IN_MAY}")[0]


def test_what_is_not_there_is_a_404_with_a_sentence(web: Web) -> None:
    for kind in ("change", "deployment", "incident"):
        found = web.get(f"/api/v1/{kind}s/none%23such")
        assert found.status == 404
        assert found.json["detail"].startswith(f"no {kind} is known by the id")
        assert "'none#such'" in found.json["detail"]


def test_a_number_sign_that_a_client_has_cut_off_is_pointed_out(web: Web) -> None:
    assert "shop%2312" in web.get("/api/v1/changes/github.com/acme/shop").json["detail"]


def test_a_change_that_is_only_begun_is_listed_with_nulls(web: Web, facts: FactStore) -> None:
    facts.insert("change", id="c", first_seen_at=MAY_1)
    (found,) = web.items(f"/api/v1/changes?{IN_MAY}")
    assert (found["events"], found["deployed"], found["deployment_ids"]) == ({}, {}, [])
    assert found["lead_time_s"] is None
    assert set(found["legs"].values()) == {None}


def test_a_deployment_says_what_it_carried_and_how_it_went(web: Web, change: FactStore) -> None:
    change.insert(
        "deployment", **SHOP, id="d1", repository="r", revision="abc", version="1.2", kind="rollout",
        result="success", started_at=MAY_1, finished_at=MAY_1 + 60 * SECOND, previous_id="d0",
        change_mapping="links", failed=True, failure_method="incident_link", failure_incident_id="INC-1",
        failure_at=MAY_1 + 90 * SECOND, recovered_at=MAY_1 + 120 * SECOND, recovery_method="rollback",
        recovery_deployment_id="d2", rework=False,
    )  # fmt: skip
    (found,) = web.items(f"/api/v1/deployments?{IN_MAY}")
    assert found == {
        "id": "d1",
        "service": "shop",
        "environment": "production",
        "repository": "r",
        "revision": "abc",
        "version": "1.2",
        "kind": "rollout",
        "result": "success",
        "started_at": "2026-05-01T00:00:00Z",
        "finished_at": "2026-05-01T00:01:00Z",
        "previous_id": "d0",
        "change_ids": [CHANGE],
        "change_mapping": "links",
        "failed": True,
        "failure": {"method": "incident_link", "incident_id": "INC-1", "at": "2026-05-01T00:01:30Z"},
        "recovered_at": "2026-05-01T00:02:00Z",
        "recovery": {"method": "rollback", "deployment_id": "d2"},
    }
    assert web.get("/api/v1/deployments/d1").json == found


def test_a_deployment_is_known_by_all_its_ids(web: Web, facts: FactStore) -> None:
    for environment in ("staging", "production"):
        facts.insert(
            "deployment", service="shop", environment=environment, reported_id="R1",
            id=f"R1/shop/{environment}", result="success", started_at=MAY_1, finished_at=MAY_1,
        )  # fmt: skip
    facts.insert("deployment", **SHOP, id="R2", reported_id="R2", backfilled_ids=["v2-ab"], result="success",
                 started_at=MAY_1, finished_at=MAY_1)  # fmt: skip
    found = web.get("/api/v1/deployments/R1/shop/staging").json
    assert (found["id"], found["environment"]) == ("R1/shop/staging", "staging")
    for name in ("R2", "v2-ab", "R2/shop/production"):
        assert web.get(f"/api/v1/deployments/{name}").json["id"] == "R2"
    unclear = web.get("/api/v1/deployments/R1")
    assert unclear.status == 404
    assert unclear.json["detail"].endswith("one of them is known by ID/SERVICE/ENVIRONMENT")


def test_a_deployment_that_did_not_fail_has_no_failure(web: Web, facts: FactStore) -> None:
    facts.insert("deployment", **SHOP, id="d", result="failure", started_at=MAY_1, finished_at=MAY_1)
    (found,) = web.items(f"/api/v1/deployments?{IN_MAY}")
    assert (found["failed"], found["failure"], found["recovery"], found["change_ids"]) == (
        False,
        None,
        None,
        [],
    )


def test_an_incident_says_its_times_and_where_it_came_from(web: Web, facts: FactStore) -> None:
    facts.insert(
        "incident", **SHOP, id="team/INC 1", severity="high", started_at=MAY_1, detected_at=MAY_1 + SECOND,
        acknowledged_at=MAY_1 + 2 * SECOND, resolved_at=MAY_1 + 3 * SECOND, deployment_id="d1",
        attribution="incident_link",
    )  # fmt: skip
    (found,) = web.items(f"/api/v1/incidents?{IN_MAY}")
    assert found == {
        "id": "team/INC 1",
        "service": "shop",
        "environment": "production",
        "severity": "high",
        "started_at": "2026-05-01T00:00:00Z",
        "detected_at": "2026-05-01T00:00:01Z",
        "acknowledged_at": "2026-05-01T00:00:02Z",
        "mitigated_at": None,
        "resolved_at": "2026-05-01T00:00:03Z",
        "deployment_id": "d1",
        "attribution": "incident_link",
    }
    assert web.get("/api/v1/incidents/team/INC%201").json == found


def deploy(facts: FactStore, *seconds: int) -> None:
    for number, second in enumerate(seconds):
        facts.insert("deployment", **SHOP, id=f"d{number}", result="success", started_at=MAY_1,
                     finished_at=MAY_1 + second * SECOND)  # fmt: skip


def pages(web: Web, target: str) -> list[list[str]]:
    """The ids of all pages, from the first to the last."""
    found, cursor = [], ""
    while True:
        page = web.get(f"{target}&cursor={cursor}").json
        found.append([item["id"] for item in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = page["next_cursor"]


def test_pages_are_newest_first_then_by_id(web: Web, facts: FactStore) -> None:
    deploy(facts, 5, 9, 5, 7, 5, 5)
    assert pages(web, f"/api/v1/deployments?{IN_MAY}&limit=2") == [["d1", "d3"], ["d0", "d2"], ["d4", "d5"]]
    assert pages(web, f"/api/v1/deployments?{IN_MAY}&limit=4") == [["d1", "d3", "d0", "d2"], ["d4", "d5"]]
    assert pages(web, f"/api/v1/deployments?{IN_MAY}") == [["d1", "d3", "d0", "d2", "d4", "d5"]]


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_deployments_of_one_moment_are_in_the_order_that_they_have(
    web: Web, facts: FactStore, limit: int
) -> None:
    at = {"finished_at": MAY_1 + SECOND, "result": "success"}
    for number, (name, later) in enumerate((("v1.8.0", 0), ("v1.9.0", 1), ("v1.10.0", 2), ("v1.11.0", 2)), 1):
        facts.insert("deployment", **SHOP, **at, id=name, started_at=MAY_1 + later, number=number)
    facts.insert("deployment", **SHOP, **at, id="failed", started_at=MAY_1 + 2)
    listed = pages(web, f"/api/v1/deployments?{IN_MAY}&limit={limit}")
    assert [name for page in listed for name in page] == ["v1.11.0", "v1.10.0", "failed", "v1.9.0", "v1.8.0"]


def test_a_cursor_of_another_list_is_refused(web: Web, facts: FactStore) -> None:
    for number in range(2):
        facts.insert("incident", **SHOP, id=f"i{number}", started_at=MAY_1)
    cursor = web.get(f"/api/v1/incidents?{IN_MAY}&limit=1").json["next_cursor"]
    assert web.get(f"/api/v1/deployments?cursor={cursor}").status == 422


def test_what_comes_between_two_pages_shifts_nothing(web: Web, facts: FactStore) -> None:
    deploy(facts, 1, 2, 3, 4)
    first = web.get(f"/api/v1/deployments?{IN_MAY}&limit=2").json
    facts.insert(
        "deployment", **SHOP, id="new", result="success", started_at=MAY_1, finished_at=MAY_1 + 9 * SECOND
    )
    second = web.get(f"/api/v1/deployments?{IN_MAY}&limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for page in (first, second) for item in page["items"]] == ["d3", "d2", "d1", "d0"]


def test_a_later_page_is_of_the_first_ones_window(web: Web, facts: FactStore) -> None:
    deploy(facts, 1, 2, 3)
    first = web.get(f"/api/v1/deployments?{IN_MAY}&limit=2").json
    # The default window, the 30 days until now, would be another.
    second = web.get(f"/api/v1/deployments?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in second["items"]] == ["d0"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
def test_a_limit_out_of_bounds_is_refused(web: Web, limit: str) -> None:
    found = web.get(f"/api/v1/deployments?limit={limit}")
    assert found.status == 422
    assert found.json["errors"][0]["parameter"] == "limit"


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage!",
        "\u20ac",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(json.dumps([1, 2]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps([0, 2**70, 0, "d"]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps([0, 1, True, "d"]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps({"a": 1}).encode()).decode(),
    ],
)
@pytest.mark.parametrize("kind", ["deployments", "stages"])
def test_a_cursor_that_is_none_of_ours_is_refused(web: Web, kind: str, cursor: str) -> None:
    found = web.get(f"/api/v1/{kind}?cursor={quote(cursor)}")
    assert found.status == 422
    assert "take next_cursor of the page before" in found.json["detail"]
