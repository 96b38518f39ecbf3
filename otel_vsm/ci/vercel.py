"""Vercel: https://vercel.com/docs/environment-variables/system-environment-variables"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

_SLUG = "{VERCEL_GIT_REPO_OWNER}/{VERCEL_GIT_REPO_SLUG}"

SYSTEM = System(
    name="Vercel",
    repository=(
        Text(f"https://{{VERCEL_GIT_PROVIDER}}.com/{_SLUG}", r"^(?P<value>https://git(?:hub|lab)\.com/.+)$"),
        Text(f"https://{{VERCEL_GIT_PROVIDER}}.org/{_SLUG}", r"^(?P<value>https://bitbucket\.org/.+)$"),
    ),
    request=(Text("{VERCEL_GIT_PULL_REQUEST_ID}", r"^(?P<value>\d+)$"),),
    revision=(Text("{VERCEL_GIT_COMMIT_SHA}"),),
    branch=(Text("{VERCEL_GIT_COMMIT_REF}"),),
    whole_history="VERCEL_DEEP_CLONE=true",
    job=(Text("{VERCEL_DEPLOYMENT_ID}"),),
    attributes={
        semconv.VCS_PROVIDER_NAME: Text("{VERCEL_GIT_PROVIDER}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{VERCEL_DEPLOYMENT_ID}"),
    },
)
