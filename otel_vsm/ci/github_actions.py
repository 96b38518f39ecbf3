"""GitHub Actions: https://docs.github.com/actions/reference/workflows-and-actions/variables"""

from otel_vsm import semconv
from otel_vsm.ci.source import EventField, JobEnvironment, System, Text, Where, as_text, at_path

_COMMENTED = "issue.pull_request"
"""What the event of a comment has where it was made on a request, and not on an issue."""


class OnlyRequest:
    """A field of the only request that the event's run or check is for, if it is for exactly one.

    GitHub lists the open requests whose branch the commit is on. On the default branch those are requests to
    release it, of which the work is not; and in a fork, requests of another repository.
    """

    def __init__(self, run: str, field: str) -> None:
        """`run` is where the event has the run or check."""
        self._run = run
        self._field = field

    def read(self, job: JobEnvironment) -> str | None:
        event = job.event()
        run = at_path(event, self._run)
        branch = at_path(run, "head_branch") or at_path(run, "check_suite.head_branch")
        requests = at_path(run, "pull_requests")
        if not isinstance(requests, list) or len(requests) != 1:
            return None
        if branch == at_path(event, "repository.default_branch"):
            return None
        url, name = at_path(requests[0], "base.repo.url"), at_path(event, "repository.full_name")
        if isinstance(url, str) and not url.endswith(f"/{name}"):
            return None
        return as_text(at_path(requests[0], self._field))


_RUNS = ("workflow_run", "check_run", "check_suite")


SYSTEM = System(
    name="GitHub Actions",
    event_file="GITHUB_EVENT_PATH",
    repository=(Text("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"),),
    request=(
        Text("{GITHUB_REF}", r"^refs/pull/(?P<value>\d+)/"),
        Text("{GITHUB_REF}", r"^refs/heads/gh-readonly-queue/.+/pr-(?P<value>\d+)-[0-9a-f]+$"),
        # `pull_request_target`, reviews, closed requests and comments run on the base branch.
        EventField("pull_request.number"),
        Where(_COMMENTED, EventField("issue.number")),
        *(OnlyRequest(run, "number") for run in _RUNS),
    ),
    revision=(
        # GITHUB_SHA of a request is a merge that GitHub makes up, of a run or check the default branch.
        EventField("pull_request.head.sha"),
        *(EventField(f"{run}.head_sha") for run in _RUNS),
        Where(_COMMENTED, Text("{GITHUB_SHA}"), absent=True),
    ),
    foreign_revision=(Where(_COMMENTED, Text("{GITHUB_SHA}")),),
    branch=(
        Text("{GITHUB_HEAD_REF}"),
        EventField("pull_request.head.ref"),
        EventField("workflow_run.head_branch"),
        EventField("check_run.check_suite.head_branch"),
        EventField("check_suite.head_branch"),
        Where(_COMMENTED, Text("{GITHUB_REF_NAME}"), absent=True),
    ),
    head_repository=(EventField("pull_request.head.repo.html_url"),),
    tag=(Text("{GITHUB_REF}", r"^refs/tags/(?P<value>.+)"),),
    message=(
        EventField("head_commit.message"),
        EventField("workflow_run.head_commit.message"),
        EventField("check_suite.head_commit.message"),
    ),
    whole_history="fetch-depth: 0 for actions/checkout",
    base_branch=(
        EventField("pull_request.base.ref"),
        Text("{GITHUB_BASE_REF}"),
        EventField("merge_group.base_ref"),
        *(OnlyRequest(run, "base.ref") for run in _RUNS),
    ),
    base_revision=(
        EventField("pull_request.base.sha"),
        EventField("merge_group.base_sha"),
        *(OnlyRequest(run, "base.sha") for run in _RUNS),
    ),
    default_branch=(EventField("repository.default_branch"),),
    opened_at=(
        EventField("pull_request.created_at"),
        Where(_COMMENTED, EventField("issue.created_at")),
    ),
    merged_at=(EventField("pull_request.merged_at"), EventField("issue.pull_request.merged_at")),
    # Of a request that is not merged, it is the merge that GitHub makes up.
    merge_revision=(Where("pull_request.merged_at", EventField("pull_request.merge_commit_sha")),),
    committed_at=(
        EventField("head_commit.timestamp"),
        EventField("workflow_run.head_commit.timestamp"),
        EventField("check_suite.head_commit.timestamp"),
        EventField("merge_group.head_commit.timestamp"),
    ),
    attempt=(Text("{GITHUB_RUN_ATTEMPT}", r"^(?P<value>[1-9]\d{0,8})$"),),
    # Each runner of a machine has a folder of its own.
    job=(Text("{GITHUB_RUN_ID} {GITHUB_RUN_ATTEMPT} {GITHUB_JOB} {GITHUB_WORKSPACE}"),),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text("github"),
        semconv.CICD_PIPELINE_NAME: Text("{GITHUB_WORKFLOW}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{GITHUB_RUN_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}"
        ),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{GITHUB_JOB}"),
        # Made by the runner for each job, to find its processes again; the job's own id is told to nobody.
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{RUNNER_TRACKING_ID}", r"^github_(?P<value>.+)$"),
        semconv.CICD_WORKER_NAME: Text("{RUNNER_NAME}"),
    },
)
