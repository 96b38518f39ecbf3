"""GitLab CI/CD: https://docs.gitlab.com/ci/variables/predefined_variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="GitLab CI/CD",
    # A fork's pipeline may run in the fork; the request's number is the target project's.
    repository=(Text("{CI_MERGE_REQUEST_PROJECT_URL}"), Text("{CI_PROJECT_URL}")),
    request=(
        Text("{CI_MERGE_REQUEST_IID}"),
        # A branch's pipeline, where the branch has exactly one open request and that is in this project.
        Text("{CI_PROJECT_PATH}={CI_OPEN_MERGE_REQUESTS}", r"^([^=]+)=\1!(?P<value>\d+)$"),
    ),
    head_repository=(Text("{CI_MERGE_REQUEST_SOURCE_PROJECT_URL}"),),
    revision=(
        # CI_COMMIT_SHA of a merged results pipeline is a merge that GitLab makes up.
        Text("{CI_MERGE_REQUEST_SOURCE_BRANCH_SHA}"),
        Text("{CI_COMMIT_SHA}"),
    ),
    branch=(
        Text("{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}"),
        Text("{CI_COMMIT_BRANCH}"),
        Text("{CI_COMMIT_REF_NAME}"),
    ),
    tag=(Text("{CI_COMMIT_TAG}"),),
    message=(Text("{CI_COMMIT_MESSAGE}"),),
    whole_history="the variable GIT_DEPTH: 0",
    base_branch=(Text("{CI_MERGE_REQUEST_TARGET_BRANCH_NAME}"),),
    base_revision=(Text("{CI_MERGE_REQUEST_DIFF_BASE_SHA}"),),
    default_branch=(Text("{CI_DEFAULT_BRANCH}"),),
    committed_at=(Text("{CI_COMMIT_TIMESTAMP}"),),
    leg=(
        # `unit: [3.12, linux]` of `parallel: matrix`, `unit 1/4` of `parallel: 4`.
        Text("{CI_JOB_NAME}", r": \[(?P<value>.+)\]$"),
        Text("{CI_JOB_NAME}", r" (?P<value>\d+/\d+)$"),
    ),
    queued_at=(Text("{CI_PIPELINE_CREATED_AT}"),),
    started_at=(Text("{CI_JOB_STARTED_AT}"),),
    job=(Text("{CI_PROJECT_URL} {CI_JOB_ID}"),),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text("gitlab"),
        semconv.CICD_PIPELINE_NAME: Text("{CI_PIPELINE_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{CI_PIPELINE_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{CI_PIPELINE_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{CI_JOB_NAME}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{CI_JOB_ID}"),
        semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: Text("{CI_JOB_URL}"),
        semconv.CICD_WORKER_NAME: Text("{CI_RUNNER_DESCRIPTION}"),
    },
)
