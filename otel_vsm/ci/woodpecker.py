"""Woodpecker: https://woodpecker-ci.org/docs/usage/environment"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="Woodpecker",
    repository=(Text("{CI_REPO_CLONE_URL}"), Text("{CI_REPO_URL}")),
    request=(Text("{CI_COMMIT_PULL_REQUEST}"),),
    revision=(Text("{CI_COMMIT_SHA}"),),
    # CI_COMMIT_BRANCH of a request is where that goes.
    branch=(Text("{CI_COMMIT_TAG}"), Text("{CI_COMMIT_SOURCE_BRANCH}"), Text("{CI_COMMIT_BRANCH}")),
    tag=(Text("{CI_COMMIT_TAG}"),),
    whole_history="partial: false of the clone plugin, without depth,",
    base_branch=(Text("{CI_COMMIT_TARGET_BRANCH}"),),
    default_branch=(Text("{CI_REPO_DEFAULT_BRANCH}"),),
    queued_at=(Text("{CI_PIPELINE_CREATED}"),),
    started_at=(Text("{CI_PIPELINE_STARTED}"),),
    job=(Text("{CI_PIPELINE_URL} {CI_WORKFLOW_NUMBER} {CI_WORKSPACE}"),),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text(
            "{CI_FORGE_TYPE}", r"^(?P<value>github|gitlab|gitea|bitbucket|forgejo)$"
        ),
        semconv.CICD_PIPELINE_NAME: Text("{CI_WORKFLOW_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{CI_PIPELINE_NUMBER}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{CI_PIPELINE_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{CI_STEP_NAME}"),
        semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: Text("{CI_STEP_URL}"),
        semconv.CICD_WORKER_NAME: Text("{CI_MACHINE}"),
    },
)
