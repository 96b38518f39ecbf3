"""What forges tell beside an ordinary day."""

import json
from typing import Any

import pytest

from handmade.webhooks import FIRST, GITHUB, GITLAB, MERGE, WEBHOOK, github, github_day, gitlab, gitlab_day
from otel_vsm.export.encode import request_of
from otel_vsm.export.parcel import Parcel
from otel_vsm.record import Record
from otel_vsm_collector.receive.webhooks import github as of_github
from otel_vsm_collector.receive.webhooks import gitlab as of_gitlab

PULL = {
    "number": 12,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T10:00:00Z",
    "closed_at": "2026-03-02T11:00:00Z",
    "head": {"ref": "cart", "sha": FIRST},
    "base": {"ref": "main"},
}


def records(event: str, **content: Any) -> tuple[Record, ...]:
    hook = github(event, content)
    return of_github.translate(hook.headers, json.loads(hook.body), WEBHOOK).records


def names(told: tuple[Record, ...]) -> list[str]:
    return [str(one.name) for one in told]


def test_a_request_that_is_opened_again_was_not_abandoned() -> None:
    *_, closed = records("pull_request", action="closed", pull_request=PULL)
    *_, reopened = records("pull_request", action="reopened", pull_request={**PULL, "closed_at": None})
    assert closed.name == "change.abandoned"
    assert reopened.name == "event.retracted"
    assert reopened.attributes["vsm.retracts.span_id"] == closed.span_id
    assert reopened.trace_id == closed.trace_id


def test_a_draft_is_ready_later() -> None:
    told = records("pull_request", action="ready_for_review", pull_request=PULL)
    assert names(told) == ["change.opened", "change.ready"]


def test_a_revert_says_what_it_takes_back() -> None:
    title = 'Revert "Put it in a cart (#12)"'
    (opened,) = records("pull_request", action="opened", pull_request={**PULL, "number": 13, "title": title})
    assert opened.attributes["vsm.change.reverts"] == f"{GITHUB}#12"


@pytest.mark.parametrize("user", [{"id": 3, "type": "Bot"}, {"id": 1, "type": "User"}, {}])
def test_bots_and_authors_do_not_review(user: dict[str, Any]) -> None:
    review = {"user": user, "state": "approved", "submitted_at": "2026-03-02T10:00:00Z"}
    pull = {**PULL, "user": {"id": 1}}
    assert records("pull_request_review", action="submitted", review=review, pull_request=pull) == ()


def test_a_job_with_a_step_of_ours_tells_of_itself() -> None:
    job = json.loads(github_day()[5].body)["workflow_job"]
    wrapped = {**job, "steps": [{"name": "Run otel-vsm stage build -- make", "conclusion": "success"}]}
    assert names(records("workflow_job", action="completed", workflow_job=job)) == ["build"]
    assert records("workflow_job", action="completed", workflow_job=wrapped) == ()


def test_checks_of_actions_are_jobs_and_others_are_stages() -> None:
    check = {
        "id": 9,
        "name": "lint",
        "head_sha": FIRST,
        "started_at": "2026-03-02T10:00:00Z",
        "completed_at": "2026-03-02T10:01:00Z",
        "conclusion": "failure",
    }
    (told,) = records("check_run", check_run={**check, "app": {"slug": "linter"}})
    assert (told.name, told.failed) == ("lint", True)
    assert records("check_run", check_run={**check, "app": {"slug": "github-actions"}}) == ()


def test_a_commit_without_a_request_is_a_change_of_its_own() -> None:
    commit = {"id": FIRST, "timestamp": "2026-03-02T10:00:00Z", "message": "Fix", "distinct": True}
    push = {"ref": "refs/heads/main", "before": MERGE, "after": FIRST}
    told = records("push", **push, commits=[commit], head_commit=commit)
    assert names(told) == ["change.first_commit", "change.merged"]
    assert {one.attributes["vsm.change.id"] for one in told} == {f"{GITHUB}@{FIRST}"}


def test_of_a_long_push_to_gitlab_the_first_commit_is_not_known() -> None:
    hook = gitlab_day()[0]
    content = json.loads(hook.body)
    assert names(of_gitlab.translate(hook.headers, content, WEBHOOK).records) == ["change.first_commit"]
    assert of_gitlab.translate(hook.headers, {**content, "total_commits_count": 50}, WEBHOOK).records == ()


def test_gitlabs_legs_of_a_matrix_are_one_stage() -> None:
    job = {"build_id": 1, "build_name": "unit: [3.12, linux]", "build_status": "failed"}
    times = {"build_started_at": "2026-03-02 10:00:00 UTC", "build_finished_at": "2026-03-02 10:01:00 UTC"}
    hook = gitlab(
        {"object_kind": "build", "sha": FIRST, "ref": "refs/merge-requests/12/head", **job, **times}
    )
    (told,) = of_gitlab.translate(hook.headers, json.loads(hook.body), WEBHOOK).records
    assert told.name == "unit"
    assert told.attributes["vsm.stage.leg"] == "3.12, linux"
    assert told.attributes["vsm.change.id"] == f"{GITLAB}#12"


def test_each_record_names_its_notification() -> None:
    for hook in github_day():
        told = of_github.translate(hook.headers, json.loads(hook.body), WEBHOOK).records
        for one in told:
            assert one.attributes["cloudevents.event_id"] == hook.headers["x-github-delivery"]
            assert one.attributes["cloudevents.event_source"] == f"https://{GITHUB}"
            assert str(one.attributes["cloudevents.event_type"]).startswith("com.github.")


@pytest.mark.parametrize("odd", [None, 5, "", "\ud800", "https://github.com/acme/\ud800", [], {}, True])
@pytest.mark.parametrize("key", ["html_url", "default_branch"])
def test_what_is_not_as_documented_fails_nothing(key: str, odd: Any) -> None:
    for hook in github_day():
        content = json.loads(hook.body)
        content["repository"][key] = odd
        told = of_github.translate(hook.headers, content, WEBHOOK).records
        request_of([Parcel(resource={}, records=told)])
