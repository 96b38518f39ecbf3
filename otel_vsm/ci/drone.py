"""Drone: https://docs.drone.io/pipeline/environment/reference/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="Drone",
    repository=(Text("{DRONE_GIT_HTTP_URL}"),),
    request=(Text("{DRONE_PULL_REQUEST}"),),
    revision=(Text("{DRONE_COMMIT_SHA}"),),
    # DRONE_BRANCH of a request is where that goes.
    branch=(Text("{DRONE_TAG}"), Text("{DRONE_SOURCE_BRANCH}"), Text("{DRONE_BRANCH}")),
    tag=(Text("{DRONE_TAG}"),),
    whole_history="the option clone without depth",
    base_branch=(Text("{DRONE_TARGET_BRANCH}"),),
    default_branch=(Text("{DRONE_REPO_BRANCH}"),),
    queued_at=(Text("{DRONE_BUILD_CREATED}"),),
    started_at=(Text("{DRONE_STAGE_STARTED}"),),
    job=(Text("{DRONE_BUILD_LINK} {DRONE_STAGE_NUMBER}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{DRONE_STAGE_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{DRONE_BUILD_NUMBER}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{DRONE_BUILD_LINK}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{DRONE_STEP_NAME}"),
        semconv.CICD_WORKER_NAME: Text("{DRONE_STAGE_MACHINE}"),
    },
)
