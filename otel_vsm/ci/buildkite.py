"""Buildkite: https://buildkite.com/docs/pipelines/configure/environment-variables"""

from otel_vsm import semconv
from otel_vsm.ci.source import OneMore, System, Text

SYSTEM = System(
    name="Buildkite",
    repository=(Text("{BUILDKITE_REPO}"),),
    request=(Text("{BUILDKITE_PULL_REQUEST}", r"^(?P<value>\d+)$"),),
    head_repository=(Text("{BUILDKITE_PULL_REQUEST_REPO}"),),
    # Of a build that is started by hand it can be `HEAD`, which git knows.
    revision=(Text("{BUILDKITE_COMMIT}"),),
    # Of a build of a tag the branch is the tag as well.
    branch=(Text("{BUILDKITE_TAG}"), Text("{BUILDKITE_BRANCH}")),
    tag=(Text("{BUILDKITE_TAG}"),),
    whole_history="BUILDKITE_GIT_CLONE_FLAGS without --depth",
    base_branch=(Text("{BUILDKITE_PULL_REQUEST_BASE_BRANCH}"),),
    default_branch=(Text("{BUILDKITE_PIPELINE_DEFAULT_BRANCH}"),),
    attempt=(OneMore(Text("{BUILDKITE_RETRY_COUNT}")),),
    leg=(Text("{BUILDKITE_PARALLEL_JOB}/{BUILDKITE_PARALLEL_JOB_COUNT}"),),
    job=(Text("{BUILDKITE_JOB_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{BUILDKITE_PIPELINE_SLUG}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BUILDKITE_BUILD_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{BUILDKITE_BUILD_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{BUILDKITE_LABEL}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{BUILDKITE_JOB_ID}"),
        semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: Text("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}"),
        semconv.CICD_WORKER_NAME: Text("{BUILDKITE_AGENT_NAME}"),
    },
)
