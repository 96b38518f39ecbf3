"""CircleCI: https://circleci.com/docs/reference/variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="CircleCI",
    repository=(Text("{CIRCLE_REPOSITORY_URL}"),),
    request=(
        # Those that a branch has open. One from the main branch is to release it, of which the work is not.
        Text("{CIRCLE_BRANCH} {CIRCLE_PULL_REQUESTS}", r"^(?!main |master )\S+ [^,]+/(?P<value>\d+)$"),
        # Of a fork.
        Text("{CIRCLE_BRANCH}", r"^pull/(?P<value>\d+)$"),
    ),
    # Set for forks alone.
    head_repository=(Text("https://github.com/{CIRCLE_PR_USERNAME}/{CIRCLE_PR_REPONAME}"),),
    revision=(Text("{CIRCLE_SHA1}"),),
    branch=(Text("{CIRCLE_BRANCH}", r"^(?!pull/\d+$)(?P<value>.+)$"), Text("{CIRCLE_TAG}")),
    tag=(Text("{CIRCLE_TAG}"),),
    whole_history="method: full for the step checkout",
    # Containers of one job that share its tests.
    leg=(Text("{CIRCLE_NODE_INDEX}/{CIRCLE_NODE_TOTAL}", r"^(?!.*/1$)(?P<value>.+)$"),),
    job=(Text("{CIRCLE_WORKFLOW_JOB_ID} {CIRCLE_NODE_INDEX}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{CIRCLE_PROJECT_REPONAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{CIRCLE_WORKFLOW_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "https://app.circleci.com/pipelines/workflows/{CIRCLE_WORKFLOW_ID}"
        ),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{CIRCLE_JOB}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{CIRCLE_WORKFLOW_JOB_ID}"),
        semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: Text("{CIRCLE_BUILD_URL}"),
    },
)
