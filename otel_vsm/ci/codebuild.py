"""AWS CodeBuild: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="AWS CodeBuild",
    repository=(Text("{CODEBUILD_SOURCE_REPO_URL}"),),
    request=(
        Text("{CODEBUILD_WEBHOOK_TRIGGER}", r"^pr/(?P<value>\d+)$"),
        Text("{CODEBUILD_SOURCE_VERSION}", r"^pr/(?P<value>\d+)$"),
    ),
    # Of sources in S3 it is a version of theirs.
    revision=(Text("{CODEBUILD_RESOLVED_SOURCE_VERSION}", r"^(?P<value>[0-9a-f]{40})$"),),
    branch=(
        Text("{CODEBUILD_WEBHOOK_HEAD_REF}", r"^refs/(?:heads|tags)/(?P<value>.+)$"),
        Text("{CODEBUILD_WEBHOOK_TRIGGER}", r"^(?:branch|tag)/(?P<value>.+)$"),
    ),
    tag=(Text("{CODEBUILD_WEBHOOK_TRIGGER}", r"^tag/(?P<value>.+)$"),),
    whole_history="the Git clone depth Full of the project",
    base_branch=(Text("{CODEBUILD_WEBHOOK_BASE_REF}"),),
    job=(Text("{CODEBUILD_BUILD_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{CODEBUILD_BUILD_ID}", r"^(?P<value>[^:]+):"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{CODEBUILD_BUILD_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{CODEBUILD_PUBLIC_BUILD_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{CODEBUILD_BATCH_BUILD_IDENTIFIER}"),
    },
)
