"""Google Cloud Build, with `automapSubstitutions: true` of its options, without which a build has none of its
variables: https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    # It says owner and name of the repository, and not where that is.
    name="Google Cloud Build",
    request=(Text("{_PR_NUMBER}"),),
    revision=(Text("{COMMIT_SHA}"),),
    branch=(Text("{_HEAD_BRANCH}"), Text("{TAG_NAME}"), Text("{BRANCH_NAME}")),
    tag=(Text("{TAG_NAME}"),),
    whole_history="git fetch --unshallow as the first step",
    base_branch=(Text("{_BASE_BRANCH}"),),
    job=(Text("{BUILD_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{TRIGGER_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BUILD_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "https://console.cloud.google.com/cloud-build/builds;region={LOCATION}/{BUILD_ID}?project={PROJECT_ID}"
        ),
    },
)
