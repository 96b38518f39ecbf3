"""A merge request of GitLab and what follows it, run by gitlab-ci-local: what was written down before is what
its pipelines give."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from harness.gitlab_ci_local import pipeline
from harness.shop import NOW, Shop
from otel_vsm.testing import RunningCollector

GITLAB = shutil.which("gitlab-ci-local")
pytestmark = pytest.mark.skipif(
    GITLAB is None, reason="gitlab-ci-local is missing: npm install --global gitlab-ci-local, with Node.js 22"
)

NAME = "gitlab.com/acme/shop"
PIPELINE = """
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == "main"
stages: [test, deploy]
test:
  stage: test
  variables: {GIT_DEPTH: 0}
  parallel:
    matrix:
      - PYTHON: ["3.11", "3.12"]
  script: otel-vsm stage test -- true
production:
  stage: deploy
  variables: {GIT_DEPTH: 0}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
  script: otel-vsm deploy --service shop --environment production -- true
"""


@pytest.fixture
def shop(tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector) -> Shop:
    shop = Shop(tmp_path / "repository", plain_env, running_collector, NAME)
    (shop.path / ".gitlab-ci.yml").write_text(PIPELINE)
    shop.git("add", ".")
    return shop


def test_a_merge_request_that_is_merged_and_deployed(shop: Shop) -> None:
    """Two deployments: of the first commit, after 20 days, and of the request, after 9.

    All tests succeed at once; those of the request run once more on the main branch.
    """
    first = shop.commit("Start", ago=timedelta(days=20))
    pipeline(GITLAB or "", shop, 1)
    shop.git("switch", "--quiet", "--create", "cart")
    shop.commit("Begin a cart", ago=timedelta(days=9))
    shop.commit("Finish the cart", ago=timedelta(days=8))
    pipeline(
        GITLAB or "",
        shop,
        2,
        {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_PROJECT_URL": f"https://{NAME}",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "cart",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": first,
            "CI_COMMIT_BRANCH": "",
        },
    )
    shop.git("switch", "--quiet", "main")
    message = "Merge branch 'cart' into 'main'\n\nAdd a cart\n\nCloses #3\n\nSee merge request acme/shop!12"
    shop.git("merge", "--quiet", "--no-ff", "-m", message, "cart", ago=timedelta(days=6))
    pipeline(GITLAB or "", shop, 3)

    deployments = shop.collector.get("/api/v1/deployments", repository=NAME)["items"]
    carried = sorted((one["finished_at"], one["change_ids"]) for one in deployments)
    assert [changes for _, changes in carried] == [[f"{NAME}@{first}"], [f"{NAME}#12"]]
    assert shop.change(f"@{first}")["lead_time_s"] == shop.since(timedelta(days=20))
    request = shop.change("#12")
    assert request["lead_time_s"] == shop.since(timedelta(days=9))
    merged = (NOW - timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert request["events"]["change.merged"] == merged

    stages = shop.collector.get("/api/v1/stages", repository=NAME, window="30d")["items"]
    [tests] = [stage for stage in stages if stage["name"] == "test"]
    assert (tests["runs"], tests["first_pass_yield"]) == (6, 1.0)
    assert (tests["complete_accurate"], tests["rework_runs"]) == (0.5, 1)
    assert tests["queue_time"]["count"] > 0
