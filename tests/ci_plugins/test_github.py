"""The actions for GitHub, run by act: what was written down before is what the example workflow gives."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.act import GitHub
from harness.github_api import GitHubApi, at, job
from harness.shop import Shop
from otel_vsm.testing import RunningCollector

ACT = shutil.which("act")
needs_act = pytest.mark.skipif(ACT is None, reason="act is missing: go install github.com/nektos/act@latest")
PLUGINS = Path(__file__).parents[2] / "ci_plugins"
NAME = "github.com/acme/actions"
CACHE = "name: cache\nruns: {using: composite, steps: [{shell: bash, run: 'true'}]}\n"


@needs_act
def test_the_example_gives_the_figures_of_its_run(
    github_api: GitHubApi, tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector
) -> None:
    """A push whose tests fail in both legs, and are then mended and deployed.

    By the wrappers: four runs of `test`, of which two failed, side by side; one deployment, the first. By the
    API: the linters failed before their wrapper, `docs` was skipped. A job of an earlier attempt is not told.
    """
    shop = Shop(tmp_path / "repository", plain_env, running_collector, NAME)
    shutil.copytree(PLUGINS / "github", shop.path / "ci_plugins" / "github")
    (shop.path / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(PLUGINS / "github" / "example.yaml", shop.path / ".github" / "workflows" / "example.yaml")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "action.yml").write_text(CACHE)
    shop.git("add", ".")
    github = GitHub(ACT or "", shop, tmp_path)
    options = (
        *(
            "--local-repository",
            f"actions/cache@5a3ec84eff668545956fd18022155c47e93e2684={tmp_path / 'cache'}",
        ),
        *("--secret", "GITHUB_TOKEN=secret"),
        *(
            "--var",
            f"OTEL_EXPORTER_OTLP_ENDPOINT={running_collector.environment()['OTEL_EXPORTER_OTLP_ENDPOINT']}",
        ),
    )

    def push(run: int, **settings: Any) -> None:
        github.push(run, "example", env={"GITHUB_API_URL": github_api.url}, options=options, **settings)

    wrapped = ("Run acme/otel-vsm/ci_plugins/github/stage@1", "failure")
    github_api.jobs = [
        job(1, "test (sh)", "failure", wrapped),
        job(2, "test (bash)", "failure", wrapped),
        job(
            3,
            "linters (py3.12)",
            "failure",
            ("Run actions/checkout@v4", "failure"),
            ("Run otel-vsm stage", "skipped"),
        ),
        job(4, "docs", "skipped", created_at=at(-69), completed_at=at(-70)),
        job(5, "report", None, completed_at=None),
        job(6, "earlier", "success", completed_at=at(-300), started_at=at(-310)),
    ]
    first = shop.commit("Start", ago=timedelta(days=3))
    push(100, broken="test")
    assert github_api.tokens and set(github_api.tokens) == {"Bearer secret"}
    github_api.jobs = []
    second = shop.commit("Mend", ago=timedelta(days=1))
    push(101)

    [deployment] = running_collector.get("/api/v1/deployments", repository=NAME)["items"]
    assert deployment["change_ids"] == [f"{NAME}@{second}"]
    assert shop.change(f"@{second}")["lead_time_s"] == shop.since(timedelta(days=1))
    assert shop.change(f"@{first}")["deployed"] == {}
    items = running_collector.get("/api/v1/stages", repository=NAME, window="30d")["items"]
    stages = {stage["name"]: stage for stage in items}
    assert set(stages) == {"test", "lint", "docs", "deploy"}
    assert {name: stage["runs"] for name, stage in stages.items()} == {
        "test": 4,
        "lint": 1,
        "docs": 1,
        "deploy": 1,
    }
    assert (stages["test"]["success_ratio"], stages["test"]["first_pass_yield"]) == (0.5, 0.5)
    explained = running_collector.get("/api/v1/explain", figure="rework", repository=NAME, window="30d")
    legs = [
        {run["leg"] for run in row["execution"]["runs"]}
        for row in explained["items"]
        if row["stage"] == "test"
    ]
    assert legs == [{"sh", "bash"}, {"sh", "bash"}]
    assert stages["lint"]["success_ratio"] == 0
    assert stages["lint"]["queue_time"]["mean"] == 30
    assert stages["lint"]["process_time"]["mean"] == 20
