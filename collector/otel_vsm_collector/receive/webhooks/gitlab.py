"""GitLab: https://docs.gitlab.com/user/project/integrations/webhook_events/"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from otel_vsm import emit, semconv
from otel_vsm.ci.source import as_text, at_path
from otel_vsm.identity import Repository, SpanId, digest, owner_and_name
from otel_vsm.message import request_in_message
from otel_vsm.record import Record
from otel_vsm.semconv import ActorType, EventName, StageType, TaskResult
from otel_vsm.stage import type_of_stage
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.issues import Issue, issue_records
from otel_vsm_collector.receive.webhooks.notification import (
    NOTHING,
    Notification,
    Translation,
    abandoned_no_more,
    change_origin,
    deployment_started,
    happened,
    nanoseconds,
    repository_at,
    reverted_changes,
    sha,
    with_backfilled,
)

_RESULTS = {
    "success": TaskResult.SUCCESS,
    "failed": TaskResult.FAILURE,
    "canceled": TaskResult.CANCELLATION,
}
# `unit: [3.12, linux]` of `parallel: matrix`, `unit 1/4` of `parallel: 4`.
_LEG = re.compile(r"(?P<job>.+?)(?:: \[(?P<matrix>.+)\]| (?P<shard>\d+/\d+))")
_COMMIT_PAGE = re.compile(r"/-/commit/(?P<sha>[0-9a-fA-F]{40,64})")
_REQUEST_REF = re.compile(r"refs/merge-requests/(?P<number>\d+)/")
_ATTRIBUTES = "object_attributes"


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What a webhook of GitLab tells; by the same content the same records."""
    kind = str(body.get("object_kind") or "")
    address = as_text(at_path(body, "project.web_url"))
    notification = Notification(
        body=body,
        webhook=webhook,
        source=address or "",
        type=".".join(filter(None, ("com.gitlab", kind, as_text(at_path(body, f"{_ATTRIBUTES}.action"))))),
        id=headers.get("x-gitlab-event-uuid") or headers.get("idempotency-key", ""),
    )
    # The hook of a job names only the addresses that git has.
    repository = repository_at(address or at_path(body, "repository.git_http_url"))
    records_of = _OF_KIND.get(kind)
    if records_of is None or repository is None:
        return NOTHING
    records = tuple(records_of(notification, repository))
    return Translation(records) if records else NOTHING


def _push(notification: Notification, repository: Repository) -> Iterator[Record]:
    """When a branch was begun, and what was committed to the default branch without a request."""
    head = sha(notification.at("after"))
    branch = str(notification.at("ref")).removeprefix("refs/heads/")
    commits = notification.at("commits")
    if head is None or not isinstance(commits, list) or not commits:
        return
    # It lists the newest twenty: of more, the first is not among them.
    if notification.at("total_commits_count") != len(commits):
        return
    is_default = branch == notification.at("project.default_branch")
    of_head = next((commit for commit in commits if at_path(commit, "id") == head), None)
    message = str(at_path(of_head, "message") or "")
    is_new = sha(notification.at("before")) is None
    # Of a request, its own webhooks tell. What a branch was begun with is only known when it is made.
    if request_in_message(message) is not None if is_default else not is_new:
        return
    times = [time for commit in commits if (time := nanoseconds(at_path(commit, "timestamp"))) is not None]
    origin = change_origin(
        notification,
        repository,
        revision=head,
        branch=branch,
        reverts=reverted_changes(repository, message) if is_default else (),
    )
    yield from happened(origin, EventName.CHANGE_FIRST_COMMIT, min(times, default=None))
    if is_default:
        merged_ns = nanoseconds(at_path(of_head, "timestamp"))
        yield from happened(origin, EventName.CHANGE_MERGED, merged_ns)


def _merge_request(notification: Notification, repository: Repository) -> Iterator[Record]:
    number = notification.text(f"{_ATTRIBUTES}.iid")
    if number is None:
        return
    action = notification.text(f"{_ATTRIBUTES}.action")
    updated_ns = notification.time(f"{_ATTRIBUTES}.updated_at")
    head = sha(notification.at(f"{_ATTRIBUTES}.last_commit.id"))
    texts = (notification.text(f"{_ATTRIBUTES}.title"), notification.text(f"{_ATTRIBUTES}.description"))
    about: dict[str, Any] = {
        "request": number,
        "branch": notification.text(f"{_ATTRIBUTES}.source_branch"),
        "base_branch": notification.text(f"{_ATTRIBUTES}.target_branch"),
        "reverts": reverted_changes(repository, "\n\n".join(filter(None, texts))),
    }
    origin = change_origin(notification, repository, revision=head, **about)
    # The head is told with each, so that what is known of the commit is known of the request.
    yield from happened(
        with_backfilled(origin, backfilled=action != "open"),
        EventName.CHANGE_OPENED,
        notification.time(f"{_ATTRIBUTES}.created_at"),
    )
    draft = notification.at("changes.draft")
    if at_path(draft, "previous") is True and at_path(draft, "current") is False:
        yield from happened(origin, EventName.CHANGE_READY, updated_ns)
    if action in ("approved", "approval"):
        of_person = change_origin(notification, repository, revision=head, actor=ActorType.HUMAN, **about)
        yield from happened(of_person, EventName.CHANGE_REVIEWED, updated_ns)
        yield from happened(of_person, EventName.CHANGE_APPROVED, updated_ns)
    elif action == "merge":
        # Without a commit of the merge, the branch was taken as it was.
        results = [
            revision
            for key in ("merge_commit_sha", "squash_commit_sha")
            if (revision := sha(notification.at(f"{_ATTRIBUTES}.{key}")))
        ]
        merged_ns = notification.time(f"{_ATTRIBUTES}.merged_at") or updated_ns
        for result in results or ([head] if head else []):
            merged = change_origin(notification, repository, revision=result, **about)
            yield from happened(merged, EventName.CHANGE_MERGED, merged_ns)
    elif action == "close":
        closed = change_origin(notification, repository, request=number)
        yield from happened(closed, EventName.CHANGE_ABANDONED, updated_ns)
    elif action == "reopen":
        yield from abandoned_no_more(notification, repository, number, updated_ns)


def _note(notification: Notification, repository: Repository) -> Iterator[Record]:
    """A comment of somebody else on a request is a review of it."""
    number = notification.text("merge_request.iid")
    author, commenter = notification.at("merge_request.author_id"), notification.at("user.id")
    is_system = notification.at(f"{_ATTRIBUTES}.system") is True
    if number is None or is_system or commenter in (None, author):
        return
    origin = change_origin(
        notification,
        repository,
        request=number,
        revision=sha(notification.at("merge_request.last_commit.id")),
        branch=notification.text("merge_request.source_branch"),
        actor=ActorType.HUMAN,
    )
    yield from happened(origin, EventName.CHANGE_REVIEWED, notification.time(f"{_ATTRIBUTES}.created_at"))


def _pipeline(notification: Notification, repository: Repository) -> Iterator[Record]:
    jobs = notification.at("builds")
    for job in jobs if isinstance(jobs, list) else ():
        yield from _job(
            notification,
            repository,
            job,
            prefix="",
            pipeline_id=notification.text(f"{_ATTRIBUTES}.id"),
            revision=sha(notification.at(f"{_ATTRIBUTES}.sha")),
            request=notification.text("merge_request.iid"),
        )


def _build(notification: Notification, repository: Repository) -> Iterator[Record]:
    request = _REQUEST_REF.match(str(notification.at("ref")))
    yield from _job(
        notification,
        repository,
        notification.body,
        prefix="build_",
        pipeline_id=notification.text("pipeline_id"),
        revision=sha(notification.at("sha")),
        request=request["number"] if request else None,
    )


def _job(
    notification: Notification,
    repository: Repository,
    job: Any,
    *,
    prefix: str,
    pipeline_id: str | None,
    revision: str | None,
    request: str | None,
) -> Iterator[Record]:
    """A job that is over, as its own hook and that of its pipeline tell; `prefix` is that of its keys."""
    identity, full_name = as_text(at_path(job, f"{prefix}id")), as_text(at_path(job, f"{prefix}name"))
    result = _RESULTS.get(str(at_path(job, f"{prefix}status")))
    start_ns = nanoseconds(at_path(job, f"{prefix}started_at"))
    end_ns = nanoseconds(at_path(job, f"{prefix}finished_at"))
    if not (identity and full_name and result and revision) or start_ns is None or end_ns is None:
        return
    parts = _LEG.fullmatch(full_name)
    name = parts["job"] if parts else full_name
    queue_s = at_path(job, f"{prefix}queued_duration")
    pipeline = {
        semconv.VCS_PROVIDER_NAME: "gitlab",
        semconv.CICD_PIPELINE_RUN_ID: pipeline_id,
        semconv.CICD_PIPELINE_TASK_RUN_ID: identity,
        semconv.CICD_WORKER_NAME: as_text(at_path(job, "runner.description")),
    }
    origin = change_origin(
        notification,
        repository,
        request=request,
        # That of a request's pipeline may be a merge that GitLab makes up.
        revision=None if request else revision,
        pipeline={key: value for key, value in pipeline.items() if value is not None},
    )
    run = emit.Run(
        span_id=SpanId(digest(f"vsm.job:{repository}:{identity}")[:16]),
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        result=result,
        leg=(parts["matrix"] or parts["shard"]) if parts else None,
    )
    yield emit.stage(
        origin,
        run,
        name=name,
        type=type_of_stage(None, name),
        queue_s=float(queue_s) if isinstance(queue_s, int | float) else None,
    )


def _deployment(notification: Notification, repository: Repository) -> Iterator[Record]:
    deployment_id, environment = notification.text("deployment_id"), notification.text("environment")
    commit = _COMMIT_PAGE.search(str(notification.at("commit_url")))
    revision = sha(commit["sha"]) if commit else None
    at_ns = notification.time("status_changed_at")
    if not (deployment_id and environment and revision) or at_ns is None:
        return
    deployment = emit.Deployment(
        id=deployment_id,
        service=notification.webhook.service(owner_and_name(repository)[1]),
        environment=environment,
    )
    origin = change_origin(notification, repository, revision=revision)
    state = str(notification.at("status"))
    if state == "running":
        yield from deployment_started(origin, deployment, at_ns)
    elif result := _RESULTS.get(state):
        # It began with the hook before, when it was running.
        run = emit.Run(
            span_id=SpanId(digest(f"vsm.deployment:{repository}:{deployment_id}:{state}")[:16]),
            start_ns=at_ns,
            end_ns=at_ns,
            result=result,
        )
        yield emit.deployment(
            origin, run, name=StageType.DEPLOY, deployment=deployment, artifact=emit.Artifact()
        )


def _issue(notification: Notification, repository: Repository) -> Iterator[Record]:
    labels = notification.at(f"{_ATTRIBUTES}.labels") or notification.at("labels")
    number, action = notification.text(f"{_ATTRIBUTES}.iid"), notification.at(f"{_ATTRIBUTES}.action")
    updated_ns = notification.time(f"{_ATTRIBUTES}.updated_at")
    if number is None:
        return
    closed_ns = notification.time(f"{_ATTRIBUTES}.closed_at")
    issue = Issue(
        id=f"{repository}/issues/{number}",
        labels=[str(at_path(label, "title")) for label in (labels if isinstance(labels, list) else ())],
        created_ns=notification.time(f"{_ATTRIBUTES}.created_at"),
        closed_ns=closed_ns or (updated_ns if action == "close" else None),
        reopened_ns=updated_ns if action == "reopen" else None,
        is_new=action == "open",
        is_incident=str(notification.at(f"{_ATTRIBUTES}.type")).lower() == "incident",
        severity=notification.text(f"{_ATTRIBUTES}.severity"),
    )
    yield from issue_records(notification, repository, issue)


_OF_KIND = {
    "push": _push,
    "merge_request": _merge_request,
    "note": _note,
    "pipeline": _pipeline,
    "build": _build,
    "deployment": _deployment,
    "issue": _issue,
    "incident": _issue,
}
