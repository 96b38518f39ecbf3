"""GitHub Actions: https://docs.github.com/actions/reference/workflows-and-actions/variables"""

from otel_vsm import semconv
from otel_vsm.ci.source import EventField, System, Text

SYSTEM = System(
    name="GitHub Actions",
    present=("GITHUB_ACTIONS", "true"),
    event_file="GITHUB_EVENT_PATH",
    repository=(Text("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"),),
    request=(
        Text("{GITHUB_REF}", r"^refs/pull/(?P<value>\d+)/"),
        Text("{GITHUB_REF}", r"^refs/heads/gh-readonly-queue/.+/pr-(?P<value>\d+)-[0-9a-f]+$"),
        # `pull_request_target`, reviews and closed requests run on the base branch.
        EventField("pull_request.number"),
    ),
    revision=(
        # GITHUB_SHA of a request is a merge that GitHub makes up, of a `workflow_run` the default branch.
        EventField("pull_request.head.sha"),
        EventField("workflow_run.head_sha"),
        Text("{GITHUB_SHA}"),
    ),
    branch=(
        Text("{GITHUB_HEAD_REF}"),
        EventField("pull_request.head.ref"),
        EventField("workflow_run.head_branch"),
        Text("{GITHUB_REF_NAME}"),
    ),
    message=(EventField("head_commit.message"), EventField("workflow_run.head_commit.message")),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text("github"),
        semconv.CICD_PIPELINE_NAME: Text("{GITHUB_WORKFLOW}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{GITHUB_RUN_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}"
        ),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{GITHUB_JOB}"),
    },
)
