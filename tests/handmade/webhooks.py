"""A day of a repository as the webhooks of GitHub and GitLab tell it, made after their documentation."""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from otel_vsm_collector.receive.webhooks.declared import Webhook

SECRET = "it-is-a-secret-to-everybody"
WEBHOOK = Webhook(secret=SECRET)
DAY = "2026-03-02"
GITHUB, GITLAB = "github.com/acme/shop", "gitlab.example.com/acme/till"
FIRST, SECOND, MERGE, FIX, FIX_MERGE = (digit * 40 for digit in "12345")
# A commit in two repositories is one change, of a fork.
LAB_FIRST, LAB_SECOND, LAB_MERGE, LAB_FIX, LAB_FIX_MERGE = (digit * 40 for digit in "abcde")
_NONE = "0" * 40


class Hook(NamedTuple):
    """One request: headers and body."""

    headers: Mapping[str, str]
    body: bytes


def at(clock: str) -> str:
    return f"{DAY}T{clock}:00Z"


def signed(headers: Mapping[str, str], body: bytes, secret: str = SECRET) -> Hook:
    """As GitHub signs."""
    signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return Hook({"content-type": "application/json", "x-hub-signature-256": signature, **headers}, body)


def github(event: str, content: dict[str, Any], secret: str = SECRET) -> Hook:
    repository = {"html_url": f"https://{GITHUB}", "default_branch": "main"}
    content = {"repository": repository, "sender": {"id": 1, "login": "ada"}, **content}
    body = json.dumps(content).encode()
    number = sha256(body).hexdigest()[:32]
    return signed({"x-github-event": event, "x-github-delivery": number}, body, secret)


def github_day() -> list[Hook]:
    def pull(number: int, opened: str, head: str, **more: Any) -> dict[str, Any]:
        request = {
            "number": number,
            "title": "Put it in a cart",
            "body": None,
            "user": {"id": 1, "type": "User"},
            "created_at": at(opened),
            "updated_at": at(opened),
            "head": {"ref": "cart", "sha": head},
            "base": {"ref": "main", "sha": "9" * 40},
            "merged": False,
            "merge_commit_sha": "8" * 40,
        }
        return {"pull_request": {**request, **more}}

    def push(branch: str, before: str, after: str, *times: str, message: str = "Add") -> Hook:
        commits = [{"id": after, "timestamp": at(time), "distinct": True} for time in times]
        return github(
            "push",
            {
                "ref": f"refs/heads/{branch}",
                "before": before,
                "after": after,
                "created": before == _NONE,
                "commits": commits,
                "head_commit": {"id": after, "message": message, "timestamp": at(times[-1])},
            },
        )

    def review(number: int, opened: str, head: str, clock: str, state: str, reviewer: int) -> Hook:
        said = {"user": {"id": reviewer, "type": "User"}, "submitted_at": at(clock), "state": state}
        content = {"action": "submitted", "review": said, **pull(number, opened, head)}
        return github("pull_request_review", content)

    def deployment(number: int, revision: str, created: str, clock: str, state: str) -> Hook:
        what = {"id": number, "sha": revision, "task": "deploy", "environment": "production"}
        status = {"id": number * 10, "state": state, "created_at": at(clock)}
        content = {"deployment": {**what, "created_at": at(created)}, "deployment_status": status}
        return github("deployment_status", {"action": "created", **content})

    def issue(action: str, **more: Any) -> Hook:
        said = {"number": 20, "created_at": at("12:00"), "updated_at": at("12:00"), "closed_at": None}
        labels = [{"name": "incident"}, {"name": "severity: high"}]
        return github("issues", {"action": action, "issue": {**said, "labels": labels, **more}})

    job = {
        "id": 7,
        "run_id": 70,
        "run_attempt": 1,
        "name": "build",
        "head_sha": SECOND,
        "head_branch": "cart",
        "workflow_name": "ci",
        "html_url": f"https://{GITHUB}/actions/runs/70/job/7",
        "conclusion": "success",
        "created_at": at("09:30"),
        "started_at": at("09:31"),
        "completed_at": at("09:36"),
        "steps": [{"name": "make", "conclusion": "success"}],
    }
    merged = {"merged": True, "closed_at": at("11:00"), "merged_at": at("11:00"), "merge_commit_sha": MERGE}
    fixed = {
        "merged": True,
        "closed_at": at("12:30"),
        "merged_at": at("12:30"),
        "merge_commit_sha": FIX_MERGE,
    }
    return [
        github("ping", {"zen": "Keep it logically awesome."}),
        push("cart", _NONE, FIRST, "08:00", "08:20"),
        github("pull_request", {"action": "opened", **pull(12, "09:00", FIRST)}),
        push("cart", FIRST, SECOND, "09:25"),
        github("pull_request", {"action": "synchronize", **pull(12, "09:00", SECOND)}),
        github("workflow_job", {"action": "completed", "workflow_job": job}),
        review(12, "09:00", SECOND, "09:10", "commented", reviewer=1),  # the author's own
        review(12, "09:00", SECOND, "10:00", "approved", reviewer=2),
        github("pull_request", {"action": "closed", **pull(12, "09:00", SECOND, **merged)}),
        push("main", "9" * 40, MERGE, "11:00", message="Put it in a cart (#12)"),
        deployment(501, MERGE, "11:30", "11:31", "in_progress"),
        deployment(501, MERGE, "11:30", "11:40", "success"),
        issue("opened"),
        push("fix", _NONE, FIX, "12:00"),
        github("pull_request", {"action": "opened", **pull(13, "12:10", FIX)}),
        review(13, "12:10", FIX, "12:20", "approved", reviewer=2),
        github("pull_request", {"action": "closed", **pull(13, "12:10", FIX, **fixed)}),
        deployment(502, FIX_MERGE, "12:40", "12:45", "success"),
        issue("closed", closed_at=at("13:00")),
    ]


def gitlab(content: dict[str, Any]) -> Hook:
    project = {"web_url": f"https://{GITLAB}", "default_branch": "main"}
    headers = {"content-type": "application/json", "x-gitlab-token": SECRET, "x-gitlab-event-uuid": "u-1"}
    return Hook(headers, json.dumps({"project": project, **content}).encode())


def gitlab_day() -> list[Hook]:
    """The same day as GitHub's."""

    def push(branch: str, before: str, after: str, *times: str) -> Hook:
        commits = [{"id": after, "message": "Add", "timestamp": at(time)} for time in times]
        said = {"before": before, "after": after, "commits": commits, "total_commits_count": len(commits)}
        return gitlab({"object_kind": "push", "ref": f"refs/heads/{branch}", **said})

    def request(number: int, opened: str, head: str, action: str, updated: str, **more: Any) -> Hook:
        said = {
            "iid": number,
            "title": "Put it in a cart",
            "action": action,
            "created_at": f"{DAY} {opened}:00 UTC",
            "updated_at": f"{DAY} {updated}:00 UTC",
            "source_branch": "cart",
            "target_branch": "main",
            "last_commit": {"id": head},
        }
        return gitlab({"object_kind": "merge_request", "object_attributes": {**said, **more}})

    def note(author: int, clock: str) -> Hook:
        said = {"created_at": f"{DAY} {clock}:00 UTC", "system": False}
        of_request = {"iid": 12, "author_id": 1, "source_branch": "cart", "last_commit": {"id": LAB_SECOND}}
        content = {"object_kind": "note", "user": {"id": author}, "object_attributes": said}
        return gitlab({**content, "merge_request": of_request})

    def deployment(number: int, revision: str, clock: str, status: str) -> Hook:
        content = {
            "object_kind": "deployment",
            "deployment_id": number,
            "status": status,
            "status_changed_at": f"{DAY} {clock}:00 +0000",
            "environment": "production",
            "commit_url": f"https://{GITLAB}/-/commit/{revision}",
        }
        return gitlab(content)

    def incident(action: str, **more: Any) -> Hook:
        said = {"iid": 20, "action": action, "type": "Incident", "severity": "high"}
        times = {"created_at": f"{DAY} 12:00:00 UTC", "updated_at": f"{DAY} 12:00:00 UTC"}
        return gitlab({"object_kind": "issue", "object_attributes": {**said, **times, **more}})

    times = {
        "created_at": f"{DAY} 09:30:00 UTC",
        "started_at": f"{DAY} 09:31:00 UTC",
        "finished_at": f"{DAY} 09:36:00 UTC",
    }
    job = {"id": 8, "name": "build", "status": "success", "queued_duration": 60.0, **times}
    build = {f"build_{key}": value for key, value in job.items()}
    pipeline = {"object_kind": "pipeline", "object_attributes": {"id": 70, "sha": LAB_SECOND}}
    return [
        push("cart", _NONE, LAB_FIRST, "08:00", "08:20"),
        request(12, "09:00", LAB_FIRST, "open", "09:00"),
        request(12, "09:00", LAB_SECOND, "update", "09:25", oldrev=LAB_FIRST),
        gitlab({"object_kind": "build", "pipeline_id": 70, "sha": LAB_SECOND, "ref": "cart", **build}),
        gitlab({**pipeline, "merge_request": {"iid": 12}, "builds": [job]}),
        note(1, "09:10"),
        note(2, "10:00"),
        request(12, "09:00", LAB_SECOND, "merge", "11:00", merge_commit_sha=LAB_MERGE),
        deployment(501, LAB_MERGE, "11:30", "running"),
        deployment(501, LAB_MERGE, "11:40", "success"),
        incident("open"),
        push("fix", _NONE, LAB_FIX, "12:00"),
        request(13, "12:10", LAB_FIX, "open", "12:10"),
        request(13, "12:10", LAB_FIX, "approved", "12:20"),
        request(13, "12:10", LAB_FIX, "merge", "12:30", merge_commit_sha=LAB_FIX_MERGE),
        deployment(502, LAB_FIX_MERGE, "12:40", "running"),
        deployment(502, LAB_FIX_MERGE, "12:45", "success"),
        incident("close", closed_at=f"{DAY} 13:00:00 UTC"),
    ]
