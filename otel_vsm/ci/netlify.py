"""Netlify: https://docs.netlify.com/build/configure-builds/environment-variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="Netlify",
    repository=(Text("{REPOSITORY_URL}"),),
    request=(Text("{PULL_REQUEST} {REVIEW_ID}", r"^true (?P<value>\d+)$"),),
    revision=(Text("{COMMIT_REF}", r"^(?P<value>[0-9a-f]{40})$"),),
    # BRANCH of a request is `pull/12/head`.
    branch=(Text("{HEAD}"), Text("{BRANCH}", r"^(?!pull/)(?P<value>.+)$")),
    whole_history="git fetch --unshallow at the start of the build",
    job=(Text("{BUILD_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{SITE_NAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BUILD_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "https://app.netlify.com/sites/{SITE_NAME}/deploys/{DEPLOY_ID}"
        ),
    },
)
