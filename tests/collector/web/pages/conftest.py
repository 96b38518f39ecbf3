import time

import pytest

from handmade.facts import HOUR, FactStore


@pytest.fixture
def delivered(facts: FactStore) -> FactStore:
    """A change that was delivered an hour ago, four hours after its first commit, by a deployment that failed
    its users; another that is open; and an incident that is not over."""
    now = time.time_ns()
    where = {"service": "shop", "environment": "production", "repository": "r"}
    for number, began in ((1, 5), (2, 3)):
        facts.insert(
            "change",
            id=f"r#{number}",
            repository="r",
            first_seen_at=now - began * HOUR,
            trace_id="t" * 32,
            first_activity_at=now - began * HOUR,
            first_commit_at=now - began * HOUR,
            requested=True,
            merged_at=now - 2 * HOUR,
            current_stage="build",
            current_stage_at=now - began * HOUR,
        )
    facts.insert("change_event", change_id="r#1", event="change.first_commit", at=now - 5 * HOUR)
    facts.insert(
        "delivery",
        **where,
        change_id="r#1",
        deployment_id="d/1",
        delivered_at=now - HOUR,
        deploy_started_at=now - HOUR,
        lead_time_s=4 * 3600.0,
        first_activity_at=now - 5 * HOUR,
    )
    facts.insert("deployment_change", deployment_id="d/1", change_id="r#1", method="links")
    deployment = {
        **where,
        "id": "d/1",
        "revision": "9f2c1d7e" + "0" * 32,
        "result": "success",
        "started_at": now - HOUR,
        "finished_at": now - HOUR,
        "replaced_runs": 0,
        "backfilled": False,
    }
    facts.insert("deployment_report", **deployment)
    facts.insert(
        "deployment",
        **deployment,
        failed=True,
        failure_method="incident_window",
        failure_incident_id="INC-1",
        failure_at=now - HOUR // 2,
    )
    facts.insert(
        "incident",
        id="INC-1",
        service="shop",
        environment="production",
        severity="high",
        started_at=now - HOUR // 2,
        start_told=True,
        deployment_id="d/1",
        attribution="incident_window",
    )
    facts.insert("incident_service", incident_id="INC-1", service="shop")
    for number, (stage, team) in enumerate((("build", "ours"), ("test", "theirs"))):
        begun = now - 4 * HOUR + number * HOUR
        run = {
            "trace_id": "t" * 32,
            "span_id": f"{number:016}",
            "change_id": "r#1",
            "repository": "r",
            "stage_name": stage,
            "stage_type": stage,
            "result": "success",
            "started_at": begun,
            "ended_at": begun + HOUR // 2,
            "process_s": 1800.0,
        }
        facts.insert(
            "stage_run",
            **run,
            run_id=stage,
            execution_id=stage,
            team=team,
            decides=True,
            flaky=False,
            from_team="ours" if number else None,
            wait_s=1800.0 if number else None,
            busy_until=begun - HOUR // 2 if number else None,
        )
        facts.insert(
            "stage_execution",
            **run,
            id=stage,
            teams=[team],
            first_execution=True,
            rework=False,
            flaky=False,
            complete_accurate=True,
            legs=1,
            last_attempt=True,
            wait_s=1800.0 if number else None,
        )
    facts.insert(
        "approval", change_id="r#2", gate="production", actor_type="human", requested_at=now - 2 * HOUR
    )
    return facts
