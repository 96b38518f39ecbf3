"""GitHub: https://docs.github.com/webhooks/webhook-events-and-payloads"""

from collections.abc import Iterator, Mapping
from typing import Any

from otel_vsm import emit, semconv
from otel_vsm.ci.github_jobs import job_of, result_of
from otel_vsm.ci.source import as_text, at_path
from otel_vsm.identity import (
    Repository,
    SpanId,
    digest,
    owner_and_name,
)
from otel_vsm.message import request_in_message
from otel_vsm.record import Record
from otel_vsm.semconv import ActorType, DeploymentKind, EventName, StageType, TaskResult
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

_ENDS = {"success": TaskResult.SUCCESS, "failure": TaskResult.FAILURE, "error": TaskResult.ERROR}
_ACTIONS = "github-actions"


def translate(headers: Mapping[str, str], body: Mapping[str, Any], webhook: Webhook) -> Translation:
    """What a webhook of GitHub tells; by the same content the same records."""
    kind = headers.get("x-github-event", "")
    notification = Notification(
        body=body,
        webhook=webhook,
        source=as_text(at_path(body, "repository.html_url")) or "",
        type=".".join(filter(None, ("com.github", kind, as_text(body.get("action"))))),
        id=headers.get("x-github-delivery", ""),
    )
    repository = repository_at(notification.at("repository.html_url"))
    records_of = _OF_KIND.get(kind)
    if records_of is None or repository is None:
        return NOTHING
    records = tuple(records_of(notification, repository))
    return Translation(records) if records else NOTHING


def _push(notification: Notification, repository: Repository) -> Iterator[Record]:
    """When a branch was begun, and what was committed to the default branch without a request."""
    head = sha(notification.at("after"))
    ref = str(notification.at("ref"))
    branch = ref.removeprefix("refs/heads/")
    if head is None or branch == ref:
        return
    is_default = branch == notification.at("repository.default_branch")
    message = str(notification.at("head_commit.message") or "")
    # Of a request, its own webhooks tell. What a branch was begun with is only known when it is made.
    if request_in_message(message) is not None if is_default else notification.at("created") is not True:
        return
    commits = notification.at("commits")
    times = [
        nanoseconds(at_path(commit, "timestamp"))
        for commit in (commits if isinstance(commits, list) else ())
        if at_path(commit, "distinct") is True
    ]
    known = [time for time in times if time is not None]
    origin = change_origin(
        notification,
        repository,
        revision=head,
        branch=branch,
        reverts=reverted_changes(repository, message) if is_default else (),
    )
    yield from happened(origin, EventName.CHANGE_FIRST_COMMIT, min(known, default=None))
    if is_default and known:
        yield from happened(origin, EventName.CHANGE_MERGED, notification.time("head_commit.timestamp"))


def _pull_request(notification: Notification, repository: Repository) -> Iterator[Record]:
    number = notification.text("pull_request.number")
    if number is None:
        return
    action = notification.at("action")
    origin = _request_origin(notification, repository, number)
    # The head is told with each, so that what is known of the commit is known of the request.
    yield from happened(
        with_backfilled(origin, backfilled=action != "opened"),
        EventName.CHANGE_OPENED,
        notification.time("pull_request.created_at"),
    )
    if action == "ready_for_review":
        yield from happened(origin, EventName.CHANGE_READY, notification.time("pull_request.updated_at"))
    merge = sha(notification.at("pull_request.merge_commit_sha"))
    if notification.at("pull_request.merged") is True:
        yield from happened(
            _request_origin(notification, repository, number, merge),
            EventName.CHANGE_MERGED,
            notification.time("pull_request.merged_at"),
        )
    elif action == "closed":
        yield from happened(
            change_origin(notification, repository, request=number),
            EventName.CHANGE_ABANDONED,
            notification.time("pull_request.closed_at"),
        )
    elif action == "reopened":
        yield from abandoned_no_more(
            notification, repository, number, notification.time("pull_request.updated_at")
        )


def _review(notification: Notification, repository: Repository) -> Iterator[Record]:
    number, author = notification.text("pull_request.number"), notification.at("pull_request.user.id")
    reviewer = notification.at("review.user.id")
    # What a bot or the author says is no review that somebody waited for.
    if number is None or reviewer in (None, author) or notification.at("review.user.type") == "Bot":
        return
    origin = change_origin(
        notification,
        repository,
        request=number,
        revision=sha(notification.at("pull_request.head.sha")),
        branch=notification.text("pull_request.head.ref"),
        actor=ActorType.HUMAN,
    )
    at_ns = notification.time("review.submitted_at")
    if notification.at("action") == "submitted":
        yield from happened(origin, EventName.CHANGE_REVIEWED, at_ns)
        if str(notification.at("review.state")).lower() == "approved":
            yield from happened(origin, EventName.CHANGE_APPROVED, at_ns)


def _request_origin(
    notification: Notification, repository: Repository, number: str, result: str | None = None
) -> emit.Origin:
    """Of a request; `result` is the commit that it became, otherwise its head is told."""
    texts = (notification.text("pull_request.title"), notification.text("pull_request.body"))
    return change_origin(
        notification,
        repository,
        request=number,
        revision=result or sha(notification.at("pull_request.head.sha")),
        branch=notification.text("pull_request.head.ref"),
        base_branch=notification.text("pull_request.base.ref"),
        base_revision=sha(notification.at("pull_request.base.sha")),
        reverts=reverted_changes(repository, "\n\n".join(filter(None, texts))),
    )


def _deployment_status(notification: Notification, repository: Repository) -> Iterator[Record]:
    named = notification.at("deployment")
    deployment_id, revision = as_text(at_path(named, "id")), sha(at_path(named, "sha"))
    environment = notification.text("deployment.environment")
    at_ns = notification.time("deployment_status.created_at")
    if not (deployment_id and revision and environment) or at_ns is None:
        return
    state = str(notification.at("deployment_status.state"))
    task = str(notification.at("deployment.task") or "")
    service = notification.text("deployment.payload.service") or owner_and_name(repository)[1]
    deployment = emit.Deployment(
        id=deployment_id,
        service=notification.webhook.service(service),
        environment=environment,
        kind=DeploymentKind.ROLLBACK if "rollback" in task.lower() else DeploymentKind.ROLLOUT,
    )
    origin = change_origin(notification, repository, revision=revision)
    # A deployment of Actions may wait for its approval first, and says when it begins.
    is_job = isinstance(notification.at("workflow_run"), dict)
    created_ns = at_ns if is_job else min(notification.time("deployment.created_at") or at_ns, at_ns)
    if state == "in_progress":
        yield from deployment_started(origin, deployment, created_ns)
    elif result := _ENDS.get(state):
        run = emit.Run(
            span_id=SpanId(digest(f"vsm.deployment:{repository}:{deployment_id}:{state}")[:16]),
            start_ns=created_ns,
            end_ns=at_ns,
            result=result,
        )
        yield emit.deployment(
            origin, run, name=StageType.DEPLOY, deployment=deployment, artifact=emit.Artifact()
        )


def _workflow_job(notification: Notification, repository: Repository) -> Iterator[Record]:
    job, revision = job_of(notification.at("workflow_job")), sha(notification.at("workflow_job.head_sha"))
    # A job with a step that calls a wrapper tells of itself.
    if job is None or revision is None or job.is_wrapped or notification.at("action") != "completed":
        return
    attempt = notification.at("workflow_job.run_attempt")
    pipeline = {
        semconv.VCS_PROVIDER_NAME: "github",
        semconv.CICD_PIPELINE_NAME: notification.text("workflow_job.workflow_name"),
        semconv.CICD_PIPELINE_RUN_ID: notification.text("workflow_job.run_id"),
        semconv.VSM_RUN_ATTEMPT: attempt if isinstance(attempt, int) else None,
        **job.attributes,
    }
    origin = change_origin(
        notification,
        repository,
        revision=revision,
        branch=notification.text("workflow_job.head_branch"),
        pipeline={key: value for key, value in pipeline.items() if value is not None},
    )
    run = emit.Run(
        span_id=job.span_id, start_ns=job.start_ns, end_ns=job.end_ns, result=job.result, leg=job.leg
    )
    queue_s = (job.start_ns - job.created_ns) / 1e9
    yield emit.stage(origin, run, name=job.name, type=type_of_stage(None, job.name), queue_s=queue_s)


def _check_run(notification: Notification, repository: Repository) -> Iterator[Record]:
    """A check of another tool; those of Actions are jobs."""
    name, revision = notification.text("check_run.name"), sha(notification.at("check_run.head_sha"))
    start_ns, end_ns = notification.time("check_run.started_at"), notification.time("check_run.completed_at")
    result = result_of(notification.at("check_run.conclusion"))
    if not (name and revision and result) or start_ns is None or end_ns is None:
        return
    if notification.at("check_run.app.slug") == _ACTIONS:
        return
    identity = notification.text("check_run.html_url") or notification.text("check_run.id")
    run = emit.Run(
        span_id=SpanId(digest(f"vsm.job:{identity}")[:16]),
        start_ns=start_ns,
        end_ns=max(start_ns, end_ns),
        result=result,
    )
    origin = change_origin(
        notification,
        repository,
        revision=revision,
        branch=notification.text("check_run.check_suite.head_branch"),
    )
    yield emit.stage(origin, run, name=name, type=type_of_stage(None, name))


def _issue(notification: Notification, repository: Repository) -> Iterator[Record]:
    labels = notification.at("issue.labels")
    number = notification.text("issue.number")
    if number is None or notification.at("issue.pull_request") is not None:
        return
    issue = Issue(
        id=f"{repository}/issues/{number}",
        labels=[str(at_path(label, "name")) for label in (labels if isinstance(labels, list) else ())],
        created_ns=notification.time("issue.created_at"),
        closed_ns=notification.time("issue.closed_at"),
        reopened_ns=notification.time("issue.updated_at")
        if notification.at("action") == "reopened"
        else None,
        is_new=notification.at("action") == "opened",
    )
    yield from issue_records(notification, repository, issue)


_OF_KIND = {
    "push": _push,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "deployment_status": _deployment_status,
    "workflow_job": _workflow_job,
    "check_run": _check_run,
    "issues": _issue,
}
