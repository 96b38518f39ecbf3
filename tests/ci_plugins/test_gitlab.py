"""The component for GitLab, run by gitlab-ci-local: what was written down before is its example gives."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from ci_plugins.conftest import PLUGINS
from harness.gitlab_ci_local import pipeline
from harness.shop import Shop
from otel_vsm.testing import RunningCollector

GITLAB = shutil.which("gitlab-ci-local")
NAME = "gitlab.com/acme/component"


@pytest.mark.skipif(
    GITLAB is None, reason="gitlab-ci-local is missing: npm install --global gitlab-ci-local, with Node.js 22"
)
def test_the_example_gives_the_figures_of_its_pipelines(
    tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector
) -> None:
    """A push whose tests fail in both legs, and one that mends them and is deployed, after a day."""
    shop = Shop(tmp_path / "repository", plain_env, running_collector, NAME)
    shutil.copytree(PLUGINS / "gitlab", shop.path / "ci_plugins" / "gitlab")
    shutil.copy(PLUGINS / "gitlab" / "example.yml", shop.path / ".gitlab-ci.yml")
    shop.git("add", ".")
    shop.commit("Start", ago=timedelta(days=3))
    variables = {
        "CI_COMMIT_BRANCH": "main",
        "CI_DEFAULT_BRANCH": "main",
        "OTEL_EXPORTER_OTLP_ENDPOINT": running_collector.environment()["OTEL_EXPORTER_OTLP_ENDPOINT"],
    }
    pipeline(GITLAB or "", shop, 1, {**variables, "BROKEN": "test"}, succeeds=False)
    mended = shop.commit("Mend", ago=timedelta(days=1))
    pipeline(GITLAB or "", shop, 2, variables)

    [deployment] = running_collector.get("/api/v1/deployments", repository=NAME)["items"]
    assert (deployment["change_ids"], deployment["environment"]) == ([f"{NAME}@{mended}"], "production")
    assert shop.change(f"@{mended}")["lead_time_s"] == shop.since(timedelta(days=1))
    items = running_collector.get("/api/v1/stages", repository=NAME, window="30d")["items"]
    stages = {stage["name"]: stage for stage in items}
    runs = {name: (stage["type"], stage["runs"]) for name, stage in stages.items()}
    assert runs == {"test": ("test", 4), "lint": ("test", 2), "deploy": ("deploy", 1)}
    assert {name: stage["first_pass_yield"] for name, stage in stages.items()} == {
        "test": 0.5,
        "lint": 1,
        "deploy": 1,
    }
