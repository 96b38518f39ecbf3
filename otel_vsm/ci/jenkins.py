"""Jenkins, with the variables of its Git and multibranch plugins:
https://www.jenkins.io/doc/book/pipeline/multibranch/ and the page /env-vars.html of every Jenkins"""

from otel_vsm import semconv
from otel_vsm.ci.source import FirstOf, System, Text

SYSTEM = System(
    name="Jenkins",
    repository=(
        # A request's own page, where the branch is in a fork.
        Text("{CHANGE_URL}", r"^(?P<value>.+?)/(?:-/merge_requests|pulls?|pull-requests)/\d+"),
        Text("{GIT_URL}"),
    ),
    request=(Text("{CHANGE_ID}", r"^(?P<value>\d+)$"),),
    head_repository=(Text("{CHANGE_FORK}"),),
    # Of a request it can be a merge that Jenkins makes up, with which nobody else can do anything.
    revision=(Text("{GIT_COMMIT}"),),
    branch=(
        Text("{CHANGE_BRANCH}"),
        Text("{BRANCH_NAME}", r"^(?!(?:PR|MR)-\d)(?P<value>.+)$"),
        Text("{GIT_BRANCH}", r"^(?:origin/)?(?!HEAD$|detached$|(?:PR|MR)-\d)(?P<value>.+)$"),
    ),
    tag=(Text("{TAG_NAME}"),),
    whole_history="the option shallow: false of the checkout (Advanced clone behaviours)",
    base_branch=(Text("{CHANGE_TARGET}"),),
    default_branch=(Text("{BRANCH_IS_PRIMARY}\n{BRANCH_NAME}", r"^true\n(?P<value>.+)$"),),
    job=(Text("{BUILD_TAG} {WORKSPACE}"),),
    attributes={
        # A multibranch job has one for each branch.
        semconv.CICD_PIPELINE_NAME: FirstOf(
            Text("{JOB_NAME}\n{BRANCH_NAME}", r"^(?P<value>.+)/[^/\n]+\n"), Text("{JOB_NAME}")
        ),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BUILD_TAG}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{BUILD_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{STAGE_NAME}"),
        semconv.CICD_WORKER_NAME: Text("{NODE_NAME}"),
    },
)
