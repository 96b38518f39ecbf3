"""/api/v1/dora and /api/v1/stages, and the parameters that all of the API shares."""

import pytest

from handmade.facts import FactStore
from handmade.web import Web
from otel_vsm_collector.web.api.times import read_time

HOUR, DAY = 3600 * 10**9, 86400 * 10**9
MAY_1 = 1777593600 * 10**9
SHOP = {"service": "shop", "environment": "production"}
IN_MAY = "from=2026-05-01&to=2026-06-01"


@pytest.fixture
def delivered(facts: FactStore) -> FactStore:
    """Two changes delivered on the 2nd and 3rd of May; the second deployment failed for an hour."""
    for day, hours in ((1, 3), (2, 5)):
        facts.insert(
            "delivery", **SHOP, change_id=f"c{day}", repository="r", deployment_id=f"d{day}", teams=["core"],
            delivered_at=MAY_1 + day * DAY, lead_time_s=hours * 3600.0,
        )  # fmt: skip
        facts.insert(
            "deployment", **SHOP, id=f"d{day}", repository="r", teams=["core"], result="success",
            finished_at=MAY_1 + day * DAY, failed=day == 2, rework=False,
            recovered_at=MAY_1 + day * DAY + HOUR if day == 2 else None,
        )  # fmt: skip
    return facts


def test_the_figures_of_a_window(web: Web, delivered: FactStore) -> None:
    found = web.get(f"/api/v1/dora?{IN_MAY}").json
    assert found["window"] == {"from": "2026-05-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"}
    assert found["profile"] == "dora"
    lead = found["change_lead_time"]
    assert (lead["unit"], lead["count"], lead["mean"], lead["p50"], lead["max"]) == (
        "s",
        2,
        14400,
        14400,
        18000,
    )
    assert found["deployment_frequency"] == {
        "deployments": 2,
        "days_with_deployments": 2,
        "per_day": pytest.approx(2 / 31),
    }
    assert found["change_fail_rate"] == {"failed": 1, "deployments": 2, "ratio": 0.5}
    assert found["failed_deployment_recovery_time"]["p50"] == 3600


def test_a_figure_is_shown_beside_its_limit(web: Web, delivered: FactStore) -> None:
    found = web.get(f"/api/v1/dora?{IN_MAY}").json
    limits = {limit.pop("figure"): limit for limit in found["limits"]}
    assert limits["change_lead_time"] == {
        "value": 14400,
        "limit": 7 * 86400,
        "at_least": False,
        "breached": False,
    }
    assert limits["change_fail_rate"] == {"value": 0.5, "limit": 0.05, "at_least": False, "breached": True}
    assert (limits["time_to_restore"]["value"], limits["time_to_restore"]["breached"]) == (None, False)
    tests = next(limit for limit in web.get("/api/v1/flow").json["limits"] if limit["figure"] == "tests")
    assert tests == {"figure": "tests", "value": None, "limit": 0.98, "at_least": True, "breached": False}


def test_figures_over_nothing_are_null(web: Web) -> None:
    found = web.get("/api/v1/dora").json
    assert found["change_fail_rate"] == {"failed": 0, "deployments": 0, "ratio": None}
    assert found["change_lead_time"] == {"unit": "s", "count": 0} | dict.fromkeys(
        ("mean", "p50", "p75", "p90", "p95", "max")
    ) | {"starts": {}}


@pytest.mark.parametrize(
    ("query", "deployments"),
    [
        ("from=2026-05-01&to=2026-05-02", 0),  # the end is not in the window
        ("from=2026-05-02&to=2026-05-03", 1),  # the start is
        ("from=2026-05-02T00:00:00%2B02:00&to=2026-05-03T02:00:00.1%2B02:00", 2),
        (IN_MAY + "&service=shop", 2),
        (IN_MAY + "&service=cart", 0),
        (IN_MAY + "&environment=staging", 0),
        (IN_MAY + "&repository=r", 2),
        (IN_MAY + "&team=core", 2),
        (IN_MAY + "&team=other", 0),
        (IN_MAY + "&value_stream=checkout", 0),
        (IN_MAY + "&service=&environment=&profile=", 2),  # a client's empty fields
        (IN_MAY + "&service=shop' OR 1=1 --".replace(" ", "%20"), 0),
    ],
)
def test_parameters_select(web: Web, delivered: FactStore, query: str, deployments: int) -> None:
    found = web.get(f"/api/v1/dora?{query}")
    assert found.status == 200, found.body
    assert found.json["deployment_frequency"]["deployments"] == deployments


@pytest.mark.parametrize(
    ("query", "parameter", "says"),
    [
        ("from=yesterday", "from", "write a date such as 2026-05-01"),
        ("to=2026-05-01T08:00:00", "to", "with an offset such as 2026-05-01T08:00:00Z"),
        ("window=3x", "window", "12h, 30d, 2w or 1mo"),
        ("window=1m", "window", "write 1min, or 1mo"),
        ("window=30d&to=2026-05-01", "window", "an alternative to from and to"),
        ("from=2026-05-02&to=2026-05-01", "from", "before to"),
        ("profile=devlak", "profile", "known are dora, devlake, gitlab"),
        ("time_zone=Berlin", "time_zone", "did you mean Europe/Berlin?"),
        ("severity=bad", "severity", "'critical', 'high'"),
        ("servise=shop", "servise", "known are from, to, window, service"),
        ("service=a&service=b", "service", "more than once"),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_is_allowed(
    web: Web, query: str, parameter: str, says: str
) -> None:
    for figure in ("dora", "stages", "changes", "deployments", "incidents"):
        found = web.get(f"/api/v1/{figure}?{query}")
        assert found.status == 422
        (error,) = found.json["errors"]
        assert error["parameter"] == parameter
        assert says in error["message"]
        assert found.json["detail"] == f"{parameter}: {error['message']}"


def test_all_that_is_wrong_is_said_at_once(web: Web) -> None:
    found = web.get("/api/v1/dora?window=3x&servise=shop").json
    assert {error["parameter"] for error in found["errors"]} == {"window", "servise"}


def test_a_window_that_ends_now_is_as_long_as_asked(web: Web) -> None:
    def instant(text: str) -> int:
        time_ns = read_time(text)
        assert isinstance(time_ns, int), text
        return time_ns

    for query, length in (
        ("window=2w", 14 * DAY),
        ("window=12h", 12 * HOUR),
        ("", 30 * DAY),
        ("to=2026-05-01", 30 * DAY),
    ):
        window = web.get(f"/api/v1/dora?{query}").json["window"]
        assert instant(window["to"]) - instant(window["from"]) == length


def test_every_answer_says_how_far_it_is_behind(web: Web) -> None:
    targets = (
        "/api/v1/dora",
        "/api/v1/changes",
        "/api/v1/changes/none",
        "/api/v1/dora?window=x",
        "/api/v1/flow",
    )
    assert {web.get(target).headers["vsm-lag-seconds"] for target in targets} == {"0"}
    web.facts.lag_s = 3.2501
    assert {web.get(target).headers["vsm-lag-seconds"] for target in targets} == {"3.251"}


def test_stages_are_listed_by_name_and_by_the_page(web: Web, facts: FactStore) -> None:
    for name, kind in (("test", "test"), ("build", "build"), ("image", "package")):
        facts.insert(
            "stage_run", stage_name=name, stage_type=kind, change_id="c", result="success", started_at=MAY_1,
            ended_at=MAY_1, process_s=60.0, wait_s=5.0,
        )  # fmt: skip
        facts.insert(
            "stage_execution", stage_name=name, stage_type=kind, change_id="c", result="success",
            started_at=MAY_1, ended_at=MAY_1, process_s=50.0, wait_s=5.0, first_execution=True, rework=False,
            complete_accurate=True, flaky=False,
        )  # fmt: skip
    (build, image) = (page := web.get(f"/api/v1/stages?{IN_MAY}&limit=2").json)["items"]
    assert (build["name"], build["type"], image["type"]) == ("build", "build", "package")
    assert (build["process_time"]["p50"], build["runs"], build["executions"]) == (50, 1, 1)
    assert (build["success_ratio"], build["first_pass_yield"], build["complete_accurate"]) == (1, 1, 1)
    rest = web.get(f"/api/v1/stages?limit=2&cursor={page['next_cursor']}").json
    assert ([stage["name"] for stage in rest["items"]], rest["next_cursor"]) == (["test"], None)


def test_flow_is_answered_for_a_window(web: Web, facts: FactStore) -> None:
    facts.insert(
        "delivery", **SHOP, change_id="c", repository="r", deployment_id="d",
        first_activity_at=MAY_1, delivered_at=MAY_1 + 4 * HOUR,
    )  # fmt: skip
    facts.insert(
        "stage_run", change_id="c", stage_name="review", result="success", started_at=MAY_1 + HOUR,
        ended_at=MAY_1 + 2 * HOUR, process_s=3600.0, wait_s=600.0,
    )  # fmt: skip
    facts.insert("change", id="w", first_activity_at=MAY_1, current_stage="build", current_stage_at=MAY_1)
    found = web.get(f"/api/v1/flow?{IN_MAY}").json
    assert (found["window"]["from"], found["profile"]) == ("2026-05-01T00:00:00Z", "dora")
    assert (found["flow_time"]["p50"], found["flow_efficiency"], found["wip"]) == (4 * 3600, 0.25, 1)
    assert found["work_in_progress"]["oldest"] == [
        {"id": "w", "stage": "build", "since": "2026-05-01T00:00:00Z", "age_s": 31 * 86400}
    ]
    assert (found["bottleneck"]["stage"], found["bottleneck"]["part"]) == ("review", "process")
    assert "25 % of the median flow time" in found["bottleneck"]["reason"]
