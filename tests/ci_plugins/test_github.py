"""The actions for GitHub, run by act: what was written down before is what the example workflow gives."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ci_plugins.conftest import PLUGINS, stages
from harness.act import GitHub
from harness.github_api import GitHubApi, at, job
from harness.shop import Shop
from otel_vsm.testing import RunningCollector

ACT = shutil.which("act")
needs_act = pytest.mark.skipif(ACT is None, reason="act is missing: go install github.com/nektos/act@latest")
NAME = "github.com/acme/actions"
CACHE_COMMIT = "5a3ec84eff668545956fd18022155c47e93e2684"
CACHE = "name: cache\nruns: {using: composite, steps: [{shell: bash, run: 'true'}]}\n"


def started(
    name: str, example: str, folder: Path, env: dict[str, str], collector: RunningCollector
) -> GitHub:
    """A repository with the actions in it, whose workflow is the example."""
    shop = Shop(folder / "repository", env, collector, name)
    shutil.copytree(PLUGINS / "github", shop.path / "ci_plugins" / "github")
    (shop.path / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(PLUGINS / example, shop.path / ".github" / "workflows" / "example.yaml")
    (folder / "cache").mkdir()
    (folder / "cache" / "action.yml").write_text(CACHE)
    shop.git("add", ".")
    return GitHub(ACT or "", shop, folder)


def options_of(folder: Path, collector: RunningCollector) -> tuple[str, ...]:
    endpoint = collector.environment()["OTEL_EXPORTER_OTLP_ENDPOINT"]
    return (
        *("--local-repository", f"actions/cache@{CACHE_COMMIT}={folder / 'cache'}"),
        *("--secret", "GITHUB_TOKEN=secret", "--var", f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}"),
    )


@needs_act
def test_the_example_gives_the_figures_of_its_run(
    github_api: GitHubApi, tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector
) -> None:
    """A push whose tests fail in both legs, and are then mended and deployed.

    By the wrappers: four runs of `test`, of which two failed, side by side; one deployment, the first. By the
    API: the linters failed before their wrapper, `docs` was skipped. A job of an earlier attempt is not told.
    """
    github = started(NAME, "github/example.yaml", tmp_path, plain_env, running_collector)
    shop = github.shop
    options = options_of(tmp_path, running_collector)

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
    by_name = {stage["name"]: stage for stage in items}
    assert set(by_name) == {"test", "lint", "docs", "deploy"}
    assert {name: stage["runs"] for name, stage in by_name.items()} == {
        "test": 4,
        "lint": 1,
        "docs": 1,
        "deploy": 1,
    }
    assert (by_name["test"]["success_ratio"], by_name["test"]["first_pass_yield"]) == (0.5, 0.5)
    explained = running_collector.get("/api/v1/explain", figure="rework", repository=NAME, window="30d")
    legs = [
        {run["leg"] for run in row["execution"]["runs"]}
        for row in explained["items"]
        if row["stage"] == "test"
    ]
    assert legs == [{"sh", "bash"}, {"sh", "bash"}]
    assert by_name["lint"]["success_ratio"] == 0
    assert by_name["lint"]["queue_time"]["mean"] == 30
    assert by_name["lint"]["process_time"]["mean"] == 20


@needs_act
@pytest.mark.parametrize("system", ["gitea", "forgejo"])
def test_gitea_and_forgejo_run_the_same_actions(
    system: str, tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector
) -> None:
    name = f"{system}.example.com/acme/actions"
    github = started(name, "gitea/example.yaml", tmp_path, plain_env, running_collector)
    commit = github.shop.commit("Start", ago=timedelta(days=2))
    host = {f"{system.upper()}_ACTIONS": "true", "GITHUB_SERVER_URL": f"https://{system}.example.com"}
    github.push(1, "example", env=host, options=options_of(tmp_path, running_collector))
    [deployment] = running_collector.get("/api/v1/deployments", repository=name)["items"]
    assert deployment["change_ids"] == [f"{name}@{commit}"]
    assert github.shop.change(f"@{commit}")["lead_time_s"] == github.shop.since(timedelta(days=2))
    assert {stage: runs for stage, (_, runs, _) in stages(github.shop).items()} == {"test": 1, "deploy": 1}
