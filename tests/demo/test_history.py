"""The made-up history has everything in it that it is there to show."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from demo.acme import SERVICES
from demo.history import PRODUCTION, History, generate
from demo.spans import spans_of
from otel_vsm.identity import incident_root
from otel_vsm.record import Record
from otel_vsm.semconv import DeploymentKind, EventName, TaskResult

# On any day of the week the history has to be whole.
ENDS = [datetime(2026, 3, day, 9, 30, tzinfo=UTC) for day in range(2, 9)]


@pytest.fixture(params=ENDS, ids=lambda end: f"{end:%A}")
def history(request: pytest.FixtureRequest) -> History:
    return generate(request.param)


def test_the_same_end_gives_the_same_spans() -> None:
    first, second = (spans_of(generate(ENDS[0])) for _ in range(2))
    assert first == second


def test_production_sees_rollbacks_hotfixes_and_a_failed_rollout(history: History) -> None:
    production = [deployment for deployment in history.deployments if deployment.environment == PRODUCTION]
    kinds = Counter((deployment.kind, deployment.result) for deployment in production)
    assert kinds[DeploymentKind.ROLLBACK, TaskResult.SUCCESS] >= 2
    assert kinds[DeploymentKind.HOTFIX, TaskResult.SUCCESS] >= 2
    assert kinds[DeploymentKind.ROLLOUT, TaskResult.FAILURE] >= 1
    assert {deployment.service.name for deployment in production} == {service.name for service in SERVICES}


def test_a_rollback_brings_back_the_version_before_the_failed_one(history: History) -> None:
    for service in SERVICES:
        live = [
            deployment
            for deployment in history.deployments
            if (deployment.service, deployment.environment) == (service, PRODUCTION)
            and deployment.result is TaskResult.SUCCESS
        ]
        for target, failed, rollback in zip(live, live[1:], live[2:], strict=False):
            if rollback.kind is DeploymentKind.ROLLBACK:
                assert (rollback.version, rollback.head) == (target.version, target.head)
                assert rollback.previous_revision == failed.head.revision


def test_incidents_with_and_without_a_named_deployment_and_one_that_is_not_over(history: History) -> None:
    ids = {deployment.id for deployment in history.deployments}
    named = [incident.deployment_id for incident in history.incidents if incident.deployment_id]
    assert named and set(named) <= ids
    assert any(incident.deployment_id is None for incident in history.incidents)
    open_now = [
        incident for incident in history.incidents if EventName.INCIDENT_RESOLVED not in dict(incident.events)
    ]
    assert len(open_now) == 1


def test_some_tests_fail_and_pass_at_the_same_revision(history: History) -> None:
    flaky = [
        (before, after)
        for change in history.changes
        for before, after in zip(change.runs, change.runs[1:], strict=False)
        if before.stage == after.stage == "test" and before.revision == after.revision
    ]
    assert flaky
    assert all((b.result, a.result) == (TaskResult.FAILURE, TaskResult.SUCCESS) for b, a in flaky)


def test_someone_waits_for_an_approval(history: History) -> None:
    records = spans_of(history).records
    requested, answered = (
        {record.trace_id for record in records if record.name in names}
        for names in (
            {EventName.APPROVAL_REQUESTED},
            {EventName.APPROVAL_GRANTED, EventName.APPROVAL_DENIED},
        )
    )
    assert requested - answered
    assert answered < requested


def test_nothing_is_told_before_it_happened(history: History) -> None:
    end_ns = int(history.end.timestamp()) * 10**9
    assert all(record.start_ns <= record.end_ns <= end_ns for record in spans_of(history).records)


def test_some_spans_come_late_and_some_twice(history: History) -> None:
    spans = spans_of(history)
    in_time, late = spans.records[: -spans.late], spans.records[-spans.late :]
    assert not {identity(record) for record in in_time} & {identity(record) for record in late}
    assert len({identity(record) for record in spans.records}) == len(spans.records) - spans.duplicates
    assert spans.late > 50 and spans.duplicates > 50
    assert [record.end_ns for record in late] != sorted(record.end_ns for record in late)


def test_incidents_live_in_their_own_traces_and_name_no_change(history: History) -> None:
    for incident in history.incidents:
        root = incident_root(incident.id)
        own = [record for record in spans_of(history).records if record.trace_id == root.trace_id]
        assert own
        assert not any("vsm.change.id" in record.attributes for record in own)


def identity(record: Record) -> tuple[str, str]:
    return record.trace_id, record.span_id
