"""What a job of GitHub Actions tells, by the event that started it."""

import json
from pathlib import Path
from typing import Any

import pytest

from otel_vsm.ci import CiContext, detect

MERGE, HEAD, MAIN = "1" * 40, "2" * 40, "3" * 40
JOB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "Build and test",
    "GITHUB_RUN_ID": "9876543210",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "unit",
}
PULL_REQUEST = {"pull_request": {"number": 12, "head": {"sha": HEAD, "ref": "cart"}}}


def detected(tmp_path: Path, event: Any = None, **env: str) -> CiContext:
    path = tmp_path / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event or {}))
    context = detect({**JOB, "GITHUB_EVENT_PATH": str(path), **env})
    assert context is not None
    return context


def fields(context: CiContext) -> tuple[str | None, ...]:
    return context.request, context.revision, context.branch, context.message


def test_the_pipeline_is_told(tmp_path: Path) -> None:
    context = detected(tmp_path)
    assert context.system == "GitHub Actions"
    assert context.repository == "github.com/acme/shop"
    assert context.attributes == {
        "vcs.provider.name": "github",
        "cicd.pipeline.name": "Build and test",
        "cicd.pipeline.run.id": "9876543210",
        "cicd.pipeline.run.url.full": "https://github.com/acme/shop/actions/runs/9876543210/attempts/2",
        "cicd.pipeline.task.name": "unit",
        "vsm.run.attempt": 2,
    }


@pytest.mark.parametrize(
    ("told", "job"), [("github_5c1f-07", "5c1f-07"), ("0", None), ("", None)], ids=["made", "set", "empty"]
)
def test_a_job_is_known_by_what_its_runner_calls_it(tmp_path: Path, told: str, job: str | None) -> None:
    """Users set it to something else, so that what they start in the background outlives the job."""
    attributes = detected(tmp_path, RUNNER_TRACKING_ID=told).attributes
    assert attributes.get("cicd.pipeline.task.run.id") == job


def test_a_push(tmp_path: Path) -> None:
    context = detected(
        tmp_path,
        {"head_commit": {"message": "Add a cart (#12)\n\nbody"}},
        GITHUB_REF="refs/heads/main",
        GITHUB_REF_NAME="main",
        GITHUB_SHA=MAIN,
        GITHUB_HEAD_REF="",
    )
    assert fields(context) == (None, MAIN, "main", "Add a cart (#12)\n\nbody")


def test_a_pull_request_is_at_its_head_and_not_at_the_made_up_merge(tmp_path: Path) -> None:
    context = detected(
        tmp_path,
        PULL_REQUEST,
        GITHUB_REF="refs/pull/12/merge",
        GITHUB_REF_NAME="12/merge",
        GITHUB_HEAD_REF="cart",
        GITHUB_SHA=MERGE,
    )
    assert fields(context) == ("12", HEAD, "cart", None)


def test_a_pull_request_target_runs_on_the_base_and_is_of_the_request(tmp_path: Path) -> None:
    context = detected(
        tmp_path,
        PULL_REQUEST,
        GITHUB_REF="refs/heads/main",
        GITHUB_REF_NAME="main",
        GITHUB_HEAD_REF="cart",
        GITHUB_SHA=MAIN,
    )
    assert fields(context) == ("12", HEAD, "cart", None)


def test_a_merge_queue_names_the_request_in_its_branch(tmp_path: Path) -> None:
    branch = f"gh-readonly-queue/release/1.x/pr-12-{MAIN}"
    context = detected(
        tmp_path,
        {"merge_group": {"head_commit": {"message": "x"}}},
        GITHUB_REF=f"refs/heads/{branch}",
        GITHUB_REF_NAME=branch,
        GITHUB_SHA=MERGE,
    )
    assert fields(context) == ("12", MERGE, branch, None)


def test_a_workflow_after_another_is_about_what_that_was_about(tmp_path: Path) -> None:
    run = {"head_sha": HEAD, "head_branch": "main", "head_commit": {"message": "Add a cart (#12)"}}
    context = detected(
        tmp_path,
        {"workflow_run": run},
        GITHUB_REF="refs/heads/main",
        GITHUB_REF_NAME="main",
        GITHUB_SHA=MAIN,
    )
    assert fields(context) == (None, HEAD, "main", "Add a cart (#12)")


def test_a_tag(tmp_path: Path) -> None:
    context = detected(tmp_path, GITHUB_REF="refs/tags/v1", GITHUB_REF_NAME="v1", GITHUB_SHA=MAIN)
    assert fields(context) == (None, MAIN, "v1", None)
    assert context.tag == "v1"
    assert detected(tmp_path, GITHUB_REF="refs/heads/main", GITHUB_REF_NAME="main").tag is None


@pytest.mark.parametrize(
    "event",
    [
        "",
        "not json",
        "[]",
        "null",
        "7",
        "[" * 100_000,
        '{"pull_request": null}',
        '{"pull_request": {"head": 1}}',
    ],
)
def test_an_event_that_is_none_is_as_good_as_missing(tmp_path: Path, event: str) -> None:
    context = detected(tmp_path, event, GITHUB_REF="refs/pull/12/merge", GITHUB_SHA=MERGE)
    assert fields(context) == ("12", MERGE, None, None)


def test_an_event_file_that_is_missing_or_endless_does_not_matter(tmp_path: Path) -> None:
    for path in (str(tmp_path / "missing"), str(tmp_path), "/dev/zero"):
        context = detect({**JOB, "GITHUB_EVENT_PATH": path, "GITHUB_SHA": MAIN})
        assert context is not None
        assert context.revision == MAIN


def test_an_enterprise_server_is_another_host(tmp_path: Path) -> None:
    assert (
        detected(tmp_path, GITHUB_SERVER_URL="https://git.ACME.example").repository
        == "git.acme.example/acme/shop"
    )


def test_a_job_with_next_to_nothing_in_it() -> None:
    context = detect({"GITHUB_ACTIONS": "true"})
    assert context is not None
    assert (context.repository, *fields(context)) == (None,) * 5
    assert context.attributes == {"vcs.provider.name": "github"}


def test_a_comment_on_a_request_is_of_it_and_not_of_the_default_branch(tmp_path: Path) -> None:
    issue = {"number": 42, "created_at": "2026-10-01T08:00:00Z", "pull_request": {"merged_at": None}}
    job = {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": MAIN}
    context = detected(tmp_path, {"issue": issue}, **job)
    assert fields(context) == ("42", None, None, None)
    assert (context.foreign_revision, context.opened_at) == (MAIN, "2026-10-01T08:00:00Z")
    on_issue = detected(tmp_path, {"issue": {"number": 42, "created_at": "2026-10-01T08:00:00Z"}}, **job)
    assert fields(on_issue) == (None, MAIN, "main", None)
    assert (on_issue.foreign_revision, on_issue.opened_at) == (None, None)


LISTED = {
    "number": 12,
    "base": {"ref": "main", "sha": MAIN, "repo": {"url": "https://api.github.com/repos/acme/shop"}},
}


@pytest.mark.parametrize(
    ("run", "branch"),
    [
        ("workflow_run", {"head_branch": "cart"}),
        ("check_suite", {"head_branch": "cart"}),
        ("check_run", {"check_suite": {"head_branch": "cart"}}),
    ],
)
def test_a_run_or_a_check_is_of_the_only_request_that_it_is_for(
    tmp_path: Path, run: str, branch: dict[str, Any]
) -> None:
    def of(*listed: dict[str, Any], **replaced: Any) -> CiContext:
        event = {
            "repository": {"full_name": "acme/shop", "default_branch": "main"},
            run: {"head_sha": HEAD, **branch, "pull_requests": list(listed), **replaced},
        }
        on_main = {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": MAIN}
        return detected(tmp_path, event, **on_main)

    assert fields(of(LISTED)) == ("12", HEAD, "cart", None)
    assert (of(LISTED).base_branch, of(LISTED).base_revision) == ("main", MAIN)
    assert fields(of()) == fields(of(LISTED, {**LISTED, "number": 13})) == (None, HEAD, "cart", None)
    upstream = {"repo": {"url": "https://api.github.com/repos/other/shop"}}
    assert of({**LISTED, "base": upstream}).request is None
    # A request from the default branch is to release it: what is built there is not that request's.
    on_main = of(LISTED, head_branch="main", check_suite={"head_branch": "main"})
    assert (on_main.request, on_main.revision) == (None, HEAD)


def test_the_times_of_the_event_are_told(tmp_path: Path) -> None:
    request = {
        **PULL_REQUEST["pull_request"],
        "created_at": "2026-10-01T08:00:00Z",
        "merged_at": None,
        "merge_commit_sha": MERGE,
        "base": {"ref": "main", "sha": MAIN},
    }
    open_request = detected(tmp_path, {"pull_request": request})
    assert (open_request.opened_at, open_request.merged_at) == ("2026-10-01T08:00:00Z", None)
    assert (open_request.base_branch, open_request.base_revision) == ("main", MAIN)
    assert open_request.merge_revision is None
    merged = detected(tmp_path, {"pull_request": {**request, "merged_at": "2026-10-02T08:00:00Z"}})
    assert (merged.merged_at, merged.merge_revision) == ("2026-10-02T08:00:00Z", MERGE)
    push = {"head_commit": {"timestamp": "2026-10-03T08:00:00Z"}, "repository": {"default_branch": "trunk"}}
    pushed = detected(tmp_path, push)
    assert (pushed.committed_at, pushed.default_branch) == ("2026-10-03T08:00:00Z", "trunk")
    group = {"merge_group": {"base_ref": "refs/heads/main", "base_sha": MAIN}}
    assert detected(tmp_path, group).base_branch == "main"
    assert detected(tmp_path, group).base_revision == MAIN
