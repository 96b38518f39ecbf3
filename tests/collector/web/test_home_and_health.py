"""Health, the page for people, the description of the API, and what a browser may do with them."""

import time
from typing import Any

import pytest

HOUR = 3600 * 10**9


def test_it_is_alive_even_when_it_cannot_work(web: Any) -> None:
    web.reasons = ["the journal is being read again"]
    assert (web.get("/healthz").status, web.get("/healthz").json) == (200, {"status": "ok"})


def test_it_is_ready_until_there_is_a_reason_why_not(web: Any) -> None:
    assert (web.get("/readyz").status, web.get("/readyz").json) == (200, {"ready": True, "reasons": []})
    web.reasons = ["the journal is being read again"]
    found = web.get("/readyz")
    assert found.status == 503
    assert found.json == {"ready": False, "reasons": ["the journal is being read again"]}


def test_the_page_shows_the_figures_and_where_to_read_on(web: Any, facts: Any) -> None:
    now = time.time_ns()
    where = {"service": "shop", "environment": "production"}
    facts.insert("change", id="r#1", repository="r", first_seen_at=now - 5 * HOUR)
    facts.insert("delivery", **where, change_id="r#1", deployment_id="d/1", delivered_at=now - HOUR,
                 deploy_started_at=now - HOUR, lead_time_s=4 * 3600.0)  # fmt: skip
    facts.insert(
        "deployment", **where, id="d/1", revision="9f2c1d7e" + "0" * 32, result="success",
        started_at=now - HOUR, finished_at=now - HOUR, failed=True, failure_method="rollback",
        recovered_at=now - HOUR // 2, recovery_method="rollback",
    )  # fmt: skip
    page = web.get("/")
    assert page.status == 200
    text = page.body.decode()
    assert "4 h" in text
    assert "median from first commit to production, of 1 change<" in text
    assert "100 %" in text
    assert "9f2c1d7e<" in text
    assert "recovered after 30 min" in text
    assert '<a href="api/v1/changes/r%231">r#1</a>' in text
    assert "api/v1/deployments/d/1" in text
    for target in ("api/v1/dora?window=90d", "api/v1/stages", "openapi.json", "metrics", "style.css"):
        assert f'href="{target}"' in text
        assert web.get("/" + target).status == 200, target


def test_a_page_without_facts_says_how_to_get_some(web: Any) -> None:
    text = web.get("/").body.decode()
    assert "Nothing was deployed to production" in text
    assert "otel-vsm stage build --" in text
    assert "0 changes" in text


def test_the_page_says_when_it_is_behind(web: Any) -> None:
    assert "is not in here yet" not in web.get("/").body.decode()
    web.facts.lag_s = 7.0
    assert "what came in the last 7 s is not in here yet" in web.get("/").body.decode()


def test_names_cannot_break_out_of_the_page(web: Any, facts: Any) -> None:
    evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    now = time.time_ns()
    facts.insert("change", id=evil, repository=evil, first_seen_at=now - HOUR)
    facts.insert("deployment", id=evil, service=evil, environment="production", version=evil, kind=evil,
                 result=evil, started_at=now - HOUR, finished_at=now - HOUR)  # fmt: skip
    text = web.get("/").body.decode()
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "target", ["/", "/api/v1/changes", "/none", "/api/v1/dora?window=x", "/metrics", "/style.css"]
)
def test_a_browser_may_run_nothing_and_frame_nothing(web: Any, target: str) -> None:
    headers = web.get(target).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["access-control-allow-origin"] is None


def test_the_description_names_every_route_of_the_api(web: Any) -> None:
    assert set(web.description["paths"]) == {
        "/api/v1/dora",
        "/api/v1/dora/series",
        "/api/v1/flow",
        "/api/v1/explain",
        "/api/v1/compare",
        "/api/v1/measurement",
        "/api/v1/stages",
        "/api/v1/changes",
        "/api/v1/changes/{id}",
        "/api/v1/deployments",
        "/api/v1/deployments/{id}",
        "/api/v1/incidents",
        "/api/v1/incidents/{id}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert web.get("/docs").status == 404  # it would load scripts from elsewhere


def test_a_list_and_a_figure_take_the_contracts_parameters(web: Any) -> None:
    def taken(path: str) -> set[str]:
        return {one["name"] for one in web.description["paths"][path]["get"]["parameters"]}

    figure = {
        "from",
        "to",
        "window",
        "service",
        "environment",
        "repository",
        "team",
        "value_stream",
        "severity",
        "profile",
        "time_zone",
    }
    assert taken("/api/v1/dora") == figure
    for path in ("/api/v1/changes", "/api/v1/deployments", "/api/v1/incidents", "/api/v1/stages"):
        assert taken(path) == figure | {"limit", "cursor"}
    for path in ("/api/v1/flow", "/api/v1/measurement"):
        assert taken(path) == figure
    assert taken("/api/v1/dora/series") == figure | {"step"}
    assert taken("/api/v1/explain") == figure | {"limit", "cursor", "figure", "rows"}
    assert taken("/api/v1/compare") == figure | {"limit", "cursor", "figure", "with"}
