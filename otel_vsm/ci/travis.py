"""Travis CI: https://docs.travis-ci.com/user/environment-variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import FirstOf, System, Text

SYSTEM = System(
    # It says owner and name of the repository, and not where that is.
    name="Travis CI",
    request=(Text("{TRAVIS_PULL_REQUEST}", r"^(?P<value>\d+)$"),),
    head_repository=(Text("{TRAVIS_REPO_SLUG} {TRAVIS_PULL_REQUEST_SLUG}", r"^(\S+) (?!\1$)(?P<value>.+)$"),),
    revision=(
        # TRAVIS_COMMIT of a request is a merge that is made up.
        Text("{TRAVIS_PULL_REQUEST_SHA}"),
        Text("{TRAVIS_COMMIT}"),
    ),
    # TRAVIS_BRANCH of a request is where that goes, of a tag the tag.
    branch=(Text("{TRAVIS_PULL_REQUEST_BRANCH}"), Text("{TRAVIS_BRANCH}")),
    tag=(Text("{TRAVIS_TAG}"),),
    whole_history="depth: false of the option git",
    base_branch=(Text("{TRAVIS_PULL_REQUEST} {TRAVIS_BRANCH}", r"^\d+ (?P<value>.+)$"),),
    leg=(Text("{TRAVIS_JOB_NUMBER}", r"\.(?P<value>\d+)$"),),
    job=(Text("{TRAVIS_JOB_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{TRAVIS_REPO_SLUG}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{TRAVIS_BUILD_ID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text("{TRAVIS_BUILD_WEB_URL}"),
        semconv.CICD_PIPELINE_TASK_NAME: FirstOf(
            Text("{TRAVIS_JOB_NAME}"), Text("{TRAVIS_BUILD_STAGE_NAME}")
        ),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{TRAVIS_JOB_ID}"),
        semconv.CICD_PIPELINE_TASK_RUN_URL_FULL: Text("{TRAVIS_JOB_WEB_URL}"),
    },
)
