"""Gitea Actions, which has GitHub's variables and events: https://docs.gitea.com/usage/actions/comparison"""

from otel_vsm import semconv
from otel_vsm.ci import github_actions
from otel_vsm.ci.source import Text

SYSTEM = github_actions.SYSTEM._replace(
    name="Gitea Actions",
    attributes={
        **github_actions.SYSTEM.attributes,
        semconv.VCS_PROVIDER_NAME: Text("gitea"),
        # Its pages count the runs of the repository, and not those of the server.
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_NUMBER}"
        ),
    },
)
