"""/api/v1/explain: the rows behind a figure, and what was left out and why."""

import pytest

from handmade.facts import FactStore
from handmade.web import Web

HOUR, DAY = 3600 * 10**9, 86400 * 10**9
MAY_1 = 1777593600 * 10**9
SHOP = {"service": "shop", "environment": "production"}
IN_MAY = "from=2026-05-01&to=2026-06-01"
FIGURES = ("change_lead_time", "deployment_frequency", "change_fail_rate", "failed_deployment_recovery_time",
           "deployment_rework_rate", "time_to_restore", "time_to_detect", "flow_time", "active_time",
           "cycle_time", "flow_efficiency", "throughput_per_day", "wip", "rework", "handoffs", "approvals",
           "pipeline", "promotion_time", "rollback")  # fmt: skip


@pytest.fixture
def delivered(facts: FactStore) -> FactStore:
    """Two changes delivered by d1 and d2; d2 failed for two reasons; d3 did not succeed."""
    for number in (1, 2):
        facts.insert(
            "change", id=f"c{number}", repository="r", trace_id=f"{number:032x}", first_seen_at=MAY_1,
            first_commit_at=MAY_1, requested=False,
        )  # fmt: skip
        facts.insert(
            "delivery", **SHOP, change_id=f"c{number}", repository="r", deployment_id=f"d{number}",
            delivered_at=MAY_1 + number * DAY, lead_time_s=None if number == 2 else 86400.0,
            excluded="clock_skew" if number == 2 else None, start_method="change.first_commit",
        )  # fmt: skip
        facts.insert("deployment_change", deployment_id=f"d{number}", change_id=f"c{number}", method="links")
    for number, result in ((1, "success"), (2, "success"), (3, "failure")):
        facts.insert(
            "deployment", **SHOP, id=f"d{number}", repository="r", kind="rollout", result=result,
            trace_id="ab" * 16, span_id="cd" * 8, started_at=MAY_1, finished_at=MAY_1 + number * DAY,
            attempt=2, replaced_runs=1, backfilled=False,
            failed=number == 2, failure_method="incident_link" if number == 2 else None,
            failure_at=MAY_1 + 2 * DAY if number == 2 else None, rework=False,
        )  # fmt: skip
        facts.insert("deployment_order", **SHOP, id=f"d{number}", before=number - 1)
    facts.insert("incident", **SHOP, id="I", started_at=MAY_1 + 2 * DAY, start_told=True, trace_id="ef" * 16)
    facts.insert(
        "evidence", deployment_id="d2", method="incident_link", source_kind="incident", source_id="I",
        at=MAY_1 + 2 * DAY,
    )  # fmt: skip
    facts.insert(
        "evidence", deployment_id="d2", method="rollback", source_kind="deployment", source_id="d4",
        at=MAY_1 + 3 * DAY,
    )  # fmt: skip
    return facts


def test_a_lead_time_shows_its_changes_and_how_each_was_found(web: Web, delivered: FactStore) -> None:
    found = web.get(f"/api/v1/explain?figure=change_lead_time&{IN_MAY}").json
    assert found["value"] == web.get(f"/api/v1/dora?{IN_MAY}").json["change_lead_time"]
    assert found["settings"]["mapping"] == ["links", "ancestry", "revision", "artifact"]
    assert found["counted"] == {"rows": 1, "by_method": {"change.first_commit": 1}, "by_reason": {}}
    assert found["left_out"]["by_reason"] == {"clock_skew": 1}
    assert found["reasons"] == {"clock_skew": "it would have ended before it began: the clocks disagree"}
    skewed, counted = found["items"]
    assert (skewed["id"], skewed["counted_as"], skewed["reason"]) == ("c2", [], "clock_skew")
    assert (counted["id"], counted["counted_as"], counted["value"]) == ("c1", ["value"], 86400)
    assert counted["change"] == {
        "id": "c1",
        "repository": "r",
        "trace_id": f"{1:032x}",
        "started_at": "2026-05-01T00:00:00Z",
        "start_method": "change.first_commit",
        "first_commit_at": "2026-05-01T00:00:00Z",
        "merged_at": None,
        "mapping": "links",
    }
    deployment = counted["deployment"]
    assert (deployment["id"], deployment["span_id"]) == ("d1", "cd" * 8)
    assert (deployment["attempt"], deployment["replaced_runs"]) == (2, 1)
    assert (deployment["backfilled"], deployment["backfilled_ids"]) == (False, [])


def test_a_fail_rate_shows_all_evidence_also_what_it_was_not_judged_by(
    web: Web, delivered: FactStore
) -> None:
    found = web.get(f"/api/v1/explain?figure=change_fail_rate&{IN_MAY}").json
    assert found["value"] == {"failed": 1, "deployments": 2, "ratio": 0.5}
    rollout, failed, sound = found["items"]
    assert (rollout["id"], rollout["counted_as"], rollout["reason"]) == ("d3", [], "unsuccessful")
    assert (failed["id"], failed["counted_as"], failed["method"]) == (
        "d2",
        ["part", "whole"],
        "incident_link",
    )
    assert failed["deployment"]["evidence"] == [
        {"method": "incident_link", "source": "I", "at": "2026-05-03T00:00:00Z", "used": True},
        {"method": "rollback", "source": "d4", "at": "2026-05-04T00:00:00Z", "used": True},
    ]
    assert failed["deployment"]["changes"] == [{"change_id": "c2", "method": "links"}]
    assert (sound["id"], sound["counted_as"], sound["reason"]) == ("d1", ["whole"], None)


@pytest.fixture
def built(facts: FactStore) -> FactStore:
    """A change that was built twice, by two teams, and waits for an approval."""
    facts.insert("change", id="c", repository="r", trace_id="ef" * 16, first_activity_at=MAY_1,
                 current_stage="build", current_stage_at=MAY_1, requested=False)  # fmt: skip
    for number, team in ((1, "core"), (2, "ops")):
        facts.insert(
            "stage_run", trace_id="t", span_id=str(number), change_id="c", stage_name="build", team=team,
            from_team="core" if number == 2 else None, started_at=MAY_1 + number * HOUR,
            ended_at=MAY_1 + number * HOUR, wait_s=3600.0 if number == 2 else None, revision="a",
            result="success" if number == 1 else "failure", execution_id=f"t:{number}", leg="linux",
            job_run=f"J{number}", pipeline_run="77", attempt=number, decides=True,
        )  # fmt: skip
        facts.insert(
            "stage_execution", id=f"t:{number}", trace_id="t", span_id=str(number), change_id="c",
            stage_name="build", started_at=MAY_1 + number * HOUR, ended_at=MAY_1 + number * HOUR,
            result="success" if number == 1 else "failure", rework=number == 2, flaky=False, process_s=0.0,
            first_execution=number == 1, pipeline_run="77", attempt=number, last_attempt=number == 2, legs=1,
        )  # fmt: skip
    facts.insert("approval", change_id="c", gate="release", actor_type="", requested_at=MAY_1, trace_id="t")
    return facts


@pytest.mark.parametrize("figure", ["wip", "rework", "handoffs", "approvals", "pipeline"])
def test_a_figure_of_flow_has_the_value_that_flow_shows(web: Web, built: FactStore, figure: str) -> None:
    found = web.get(f"/api/v1/explain?figure={figure}&{IN_MAY}").json
    assert found["value"] == web.get(f"/api/v1/flow?{IN_MAY}").json[figure]
    assert found["counted"]["rows"] == len(found["items"]) > 0


def test_work_in_progress_shows_how_old_each_change_is_and_where(web: Web, built: FactStore) -> None:
    (row,) = web.items(f"/api/v1/explain?figure=wip&{IN_MAY}")
    assert (row["id"], row["value"], row["stage"]) == ("c", 31 * 86400, "build")
    assert (row["at"], row["change"]["trace_id"]) == ("2026-05-01T00:00:00Z", "ef" * 16)


def test_an_execution_is_shown_with_its_pipeline_run_attempt_and_legs(web: Web, built: FactStore) -> None:
    again, first = web.items(f"/api/v1/explain?figure=rework&{IN_MAY}")
    assert (again["id"], again["kind"], again["counted_as"]) == ("t:2", "execution", ["part", "whole"])
    assert (first["id"], first["counted_as"]) == ("t:1", ["whole"])
    execution = again["execution"]
    assert (execution["pipeline_run"], execution["attempt"], execution["legs"]) == ("77", 2, 1)
    (run,) = execution["runs"]
    assert (run["leg"], run["job_run"], run["result"], run["decides"]) == ("linux", "J2", "failure", True)


def test_a_run_is_shown_with_the_team_that_the_work_came_from(web: Web, built: FactStore) -> None:
    (handed,) = web.items(f"/api/v1/explain?figure=handoffs&{IN_MAY}")
    assert (handed["run"]["pipeline_run"], handed["run"]["attempt"], handed["run"]["leg"]) == (
        "77",
        2,
        "linux",
    )
    assert (handed["run"]["from_team"], handed["run"]["team"], handed["value"]) == ("core", "ops", 3600)


def test_what_somebody_waits_for_too_long_is_a_breach(web: Web, built: FactStore) -> None:
    (row,) = web.items(f"/api/v1/explain?figure=approvals&{IN_MAY}")
    assert (row["id"], row["method"], row["value"]) == ("c release/", "approval.requested", 31 * 86400)
    assert row["counted_as"] == ["part", "whole"]
    assert (row["approval"]["gate"], row["approval"]["actor_type"]) == ("release", None)


def test_a_pipeline_that_did_not_go_through_says_which_stage_went_wrong(web: Web, built: FactStore) -> None:
    (row,) = web.items(f"/api/v1/explain?figure=pipeline&{IN_MAY}")
    assert (row["id"], row["pipeline_run"], row["stage"]) == ("c", "77", "build")
    assert (row["counted_as"], row["reason"]) == (["whole"], "went_wrong")


def test_pages_go_on_where_the_last_ended(web: Web, delivered: FactStore) -> None:
    target = f"/api/v1/explain?figure=deployment_frequency&{IN_MAY}&limit=2"
    first = web.get(target).json
    second = web.get(f"{target}&cursor={first['next_cursor']}").json
    assert [item["id"] for page in (first, second) for item in page["items"]] == ["d3", "d2", "d1"]
    assert second["next_cursor"] is None
    assert first["counted"]["rows"] == second["counted"]["rows"] == 2


@pytest.mark.parametrize(("rows", "ids"), [("counted", ["d2", "d1"]), ("part", ["d2"]), ("left_out", ["d3"])])
def test_rows_can_be_asked_for_by_whether_they_count(
    web: Web, delivered: FactStore, rows: str, ids: list[str]
) -> None:
    items = web.items(f"/api/v1/explain?figure=change_fail_rate&{IN_MAY}&rows={rows}")
    assert [item["id"] for item in items] == ids


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("profile", ["dora", "devlake", "pelorus"])
def test_every_figure_can_be_explained_by_every_profile(web: Web, figure: str, profile: str) -> None:
    found = web.get(f"/api/v1/explain?figure={figure}&profile={profile}")
    assert found.status == 200, found.body
    assert (found.json["profile"], found.json["items"]) == (profile, [])


def test_an_unknown_figure_is_refused_with_those_that_are_known(web: Web) -> None:
    for query in ("figure=speed", ""):
        found = web.get(f"/api/v1/explain?{query}")
        assert found.status == 422
        assert found.json["errors"][0]["parameter"] == "figure"
    assert "'change_lead_time', 'deployment_frequency'" in web.get("/api/v1/explain?figure=x").json["detail"]
