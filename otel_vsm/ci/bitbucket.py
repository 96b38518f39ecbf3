"""Bitbucket Pipelines: https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="Bitbucket Pipelines",
    repository=(Text("{BITBUCKET_GIT_HTTP_ORIGIN}"),),
    request=(Text("{BITBUCKET_PR_ID}"),),
    revision=(Text("{BITBUCKET_COMMIT}"),),
    branch=(Text("{BITBUCKET_BRANCH}"), Text("{BITBUCKET_TAG}")),
    tag=(Text("{BITBUCKET_TAG}"),),
    whole_history="depth: full of the option clone",
    base_branch=(Text("{BITBUCKET_PR_DESTINATION_BRANCH}"),),
    base_revision=(Text("{BITBUCKET_PR_DESTINATION_COMMIT}"),),
    attempt=(Text("{BITBUCKET_STEP_RUN_NUMBER}", r"^(?P<value>[1-9]\d{0,8})$"),),
    leg=(Text("{BITBUCKET_PARALLEL_STEP}/{BITBUCKET_PARALLEL_STEP_COUNT}"),),
    job=(Text("{BITBUCKET_STEP_UUID} {BITBUCKET_STEP_RUN_NUMBER}"),),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text("bitbucket"),
        semconv.CICD_PIPELINE_NAME: Text("{BITBUCKET_REPO_SLUG}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BITBUCKET_PIPELINE_UUID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}"
        ),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{BITBUCKET_STEP_UUID}"),
    },
)
