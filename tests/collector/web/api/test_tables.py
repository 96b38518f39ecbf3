"""What pages are made of: names, distributions, tables by name, timelines, CSV."""

import csv
import io
import time

import pytest

from handmade.facts import HOUR, FactStore
from handmade.web import Web, served

NOW = time.time_ns()


@pytest.fixture
def two_services(facts: FactStore) -> FactStore:
    for number, service in enumerate(("shop", "search", "shop")):
        where = {"service": service, "environment": "production", "repository": f"r/{service}"}
        facts.insert(
            "deployment_report",
            id=f"d{number}",
            **where,
            teams=["ours"],
            result="success",
            started_at=NOW - 2 * HOUR,
            finished_at=NOW - HOUR,
        )
        facts.insert(
            "deployment",
            id=f"d{number}",
            **where,
            teams=["ours"],
            result="success",
            failed=number == 0,
            failure_method="rollback" if number == 0 else None,
            started_at=NOW - 2 * HOUR,
            finished_at=NOW - HOUR,
        )
        facts.insert("change", id=f"c{number}", repository=f"r/{service}", first_activity_at=NOW - 9 * HOUR)
        facts.insert(
            "delivery",
            **where,
            change_id=f"c{number}",
            deployment_id=f"d{number}",
            teams=["ours"],
            delivered_at=NOW - HOUR,
            lead_time_s=(number + 1) * 3600.0,
            first_activity_at=NOW - 9 * HOUR,
        )
    return facts


@pytest.mark.parametrize("by", ["service", "team", "repository"])
def test_figures_by_name_are_those_of_each_alone(web: Web, two_services: FactStore, by: str) -> None:
    items = web.items(f"/api/v1/dora/by?by={by}")
    assert [item["name"] for item in items] == {
        "service": ["search", "shop"],
        "team": ["ours"],
        "repository": ["r/search", "r/shop"],
    }[by]
    for item in items:
        alone = web.get(f"/api/v1/dora?{by}={item.pop('name')}").json
        item.pop("window")
        per_day = item["deployment_frequency"].pop("per_day")
        assert per_day == pytest.approx(alone["deployment_frequency"].pop("per_day"))
        assert item == {name: alone[name] for name in item}


def test_names_by_page(web: Web, two_services: FactStore) -> None:
    first = web.get("/api/v1/dora/by?limit=1").json
    assert [item["name"] for item in first["items"]] == ["search"]
    second = web.get(f"/api/v1/dora/by?limit=1&cursor={first['next_cursor']}").json
    assert ([item["name"] for item in second["items"]], second["next_cursor"]) == (["shop"], None)


def test_names_are_those_of_spans_and_those_that_are_declared(two_services: FactStore) -> None:
    with served(two_services, {"services": {"cart": {}}, "environments": {"staging": ["stage-*"]}}) as web:
        names = web.get("/api/v1/names").json
    assert names["service"] == ["cart", "search", "shop"]
    assert names["environment"] == ["production", "staging"]
    assert names["team"] == ["ours"]
    assert names["profile"][0] == "dora"
    assert names["severity"] == ["critical", "high", "medium", "low"]


def test_a_distribution_has_all_values_and_no_empty_end(web: Web, two_services: FactStore) -> None:
    found = web.get("/api/v1/distribution?figure=change_lead_time").json
    # 1 h, 2 h and 3 h lie from 1 h to 4 h.
    assert found["ranges"] == [{"from_s": 3600.0, "to_s": 14400.0, "rows": 3}]
    two_services.connection.execute("UPDATE delivery SET lead_time_s = 1e9 WHERE change_id = 'c0'")
    ranges = web.get("/api/v1/distribution").json["ranges"]
    assert [one["rows"] for one in ranges] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert ranges[-1]["to_s"] is None
    assert web.get("/api/v1/distribution?figure=change_fail_rate").status == 422


def test_csv_has_every_row_and_no_formula(web: Web, facts: FactStore) -> None:
    for number in range(1203):
        facts.insert(
            "deployment",
            id=f"=d{number:04}",
            service="+shop",
            environment="production",
            version="-1",
            result="success",
            started_at=NOW - HOUR,
            finished_at=NOW - HOUR,
        )
    answer = web.get("/api/v1/deployments.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert len(rows) == 1203
    assert rows[0]["id"] == "'=d0000"
    assert (rows[0]["service"], rows[0]["version"]) == ("'+shop", "'-1")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_csv_of_nothing_has_its_columns(web: Web) -> None:
    assert web.get("/api/v1/incidents.csv").body.decode().startswith("id,service,environment,severity")


def test_members_of_members_are_columns(web: Web, two_services: FactStore) -> None:
    [search, shop] = csv.DictReader(io.StringIO(web.get("/api/v1/dora/by.csv").body.decode()))
    assert (search["name"], search["change_lead_time.p50"]) == ("search", "7200.0")
    assert shop["change_fail_rate.ratio"] == "0.5"


def test_a_timeline_finds_a_change_by_its_alias(web: Web, two_services: FactStore) -> None:
    two_services.insert("change", id="r#1", aliases=["r@1"], repository="r", trace_id="t")
    two_services.insert(
        "stage_run",
        change_id="r#1",
        stage_name="build",
        execution_id="e",
        trace_id="t",
        span_id="s",
        started_at=1,
        ended_at=2,
    )
    two_services.insert("approval", change_id="r#1", gate="", actor_type="", requested_at=5)
    two_services.insert("deployment_change", deployment_id="d1", change_id="r#1", method="links")
    two_services.insert("incident", id="I", deployment_id="d1", started_at=7)
    found = web.get("/api/v1/timeline?change=r@1").json
    assert found["change"]["id"] == "r#1"
    assert found["trace_id"] == "t"
    assert [run["stage_name"] for run in found["runs"]] == ["build"]
    assert found["approvals"][0]["gate"] is None
    assert [one["id"] for one in found["deployments"]] == ["d1"]
    assert [one["id"] for one in found["incidents"]] == ["I"]
    assert web.get("/api/v1/timeline?change=none").status == 404


def test_active_incidents_are_those_that_the_figure_counts(web: Web, facts: FactStore) -> None:
    facts.insert("incident", id="old", started_at=NOW - 9000 * HOUR, environment="production")
    facts.insert(
        "incident", id="over", started_at=NOW - 9 * HOUR, resolved_at=NOW - HOUR, environment="production"
    )
    assert [one["id"] for one in web.items("/api/v1/active-incidents")] == ["old"]
    assert web.get("/api/v1/dora").json["active_incidents"] == 1


def test_the_last_point_of_the_cumulative_flow_is_the_work_in_progress(
    web: Web, two_services: FactStore
) -> None:
    two_services.insert("change", id="c9", repository="r", first_activity_at=NOW - 50 * HOUR)
    items = web.get("/api/v1/flow/cumulative?window=7d&step=day").json["items"]
    assert len(items) in (8, 9)
    assert items[-1]["open"] == web.get("/api/v1/flow?window=7d").json["wip"] == 4
    assert sum(item["begun"] for item in items) == 4
    assert items[0] | {"at": 0} == {"at": 0, "begun": 0, "closed": 0, "open": 0}
