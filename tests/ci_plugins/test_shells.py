"""Plugins that are scripts, run as their systems run them, against a collector."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from ci_plugins.conftest import PLUGINS, OpenShop, deployments, stages
from harness.shop import Shop

WITHOUT = ["env", "PATH=/usr/bin:/bin"]


def run(
    shop: Shop, command: list[str], env: Mapping[str, str] = MappingProxyType({}), *, code: int = 0
) -> str:
    done = subprocess.run(
        command, cwd=shop.path, env={**shop.env, **env}, capture_output=True, text=True, timeout=120
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert "otel-vsm: warning" not in output, output
    return output


def test_buildkite(open_shop: OpenShop) -> None:
    """The hooks around three commands: one that succeeds, one that fails, one that the agent ends."""
    shop = open_shop("github.com/acme/buildkite")
    job = {
        "BUILDKITE": "true",
        "BUILDKITE_REPO": f"git@{shop.name.replace('/', ':', 1)}.git",
        "BUILDKITE_COMMIT": shop.git("rev-parse", "HEAD"),
        "BUILDKITE_BRANCH": "main",
        "BUILDKITE_PULL_REQUEST": "12",
        "BUILDKITE_BUILD_ID": "b1",
        "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/shop/builds/1",
        "BUILDKITE_RETRY_COUNT": "0",
        "BUILDKITE_LABEL": ":hammer: build it",
        "BUILDKITE_STEP_KEY": "build",
    }
    agent = (
        f'source {PLUGINS}/buildkite/hooks/pre-command; (eval "$COMMAND");'
        f" export BUILDKITE_COMMAND_EXIT_STATUS=$?; source {PLUGINS}/buildkite/hooks/pre-exit"
    )
    run(shop, ["bash", "-c", agent], {**job, "BUILDKITE_JOB_ID": "1", "COMMAND": "true"})
    options = {"BUILDKITE_PLUGIN_OTEL_VSM_NAME": "unit tests", "BUILDKITE_PLUGIN_OTEL_VSM_TYPE": "test"}
    run(shop, ["bash", "-c", agent], {**job, **options, "BUILDKITE_JOB_ID": "2", "COMMAND": "exit 3"})
    run(shop, ["bash", "-c", agent], {**job, "BUILDKITE_JOB_ID": "3", "COMMAND": "exit 143"})
    assert stages(shop) == {"build": ("build", 2, 0.5), "unit tests": ("test", 1, 0)}
    assert shop.change("#12")["id"] == f"{shop.name}#12"
    # Where the checkout failed, there was no command and nothing to end.
    run(shop, ["bash", "-c", f"source {PLUGINS}/buildkite/hooks/pre-exit"], {**job, "BUILDKITE_JOB_ID": "4"})
    bare = run(shop, [*WITHOUT, "bash", "-ec", agent], {**job, "COMMAND": "echo ran"})
    assert "ran" in bare and "is not installed on this agent" in bare


def step_of_azure(**parameters: str) -> tuple[str, dict[str, str]]:
    [step] = yaml.safe_load((PLUGINS / "azure/stage.yml").read_text())["steps"]

    def filled(text: str) -> str:
        for name in ("name", "script", "type", "service"):
            text = text.replace(f"${{{{ parameters.{name} }}}}", parameters.get(name, ""))
        return text.replace("$(OTEL_EXPORTER_OTLP_HEADERS)", "")

    return step["bash"], {name: filled(text) for name, text in step["env"].items()}


def step_of_circleci(**parameters: str) -> tuple[str, dict[str, str]]:
    command = yaml.safe_load((PLUGINS / "circleci/orb.yml").read_text())["commands"]["stage"]
    [step] = [step["run"] for step in command["steps"]]
    told = {"name": "", "type": "", "service": "", "command": parameters.get("script", ""), **parameters}

    def filled(text: str) -> str:
        for name in command["parameters"]:
            text = text.replace(f"<< parameters.{name} >>", told[name])
        return text

    return step["command"], {name: filled(text) for name, text in step["environment"].items()}


@pytest.mark.parametrize("step", [step_of_azure, step_of_circleci], ids=["azure", "circleci"])
def test_a_step_that_runs_a_script(step: Any, open_shop: OpenShop) -> None:
    shop = open_shop(f"github.com/acme/{step.__name__}")

    def told(code: int, prefix: list[str], **parameters: str) -> str:
        script, env = step(**parameters)
        return run(shop, [*prefix, "bash", "-eo", "pipefail", "-c", script], env, code=code)

    told(0, [], name="test", script="true")
    told(3, [], name="test", script="exit 3\n")
    told(1, [], name='we "pack" it', type="package", service="shop", script="false\ntrue")
    assert stages(shop) == {"test": ("test", 2, 0.5), 'we "pack" it': ("package", 1, 0)}


def test_circleci_goes_on_without(open_shop: OpenShop) -> None:
    shop = open_shop("github.com/acme/without")
    script, env = step_of_circleci(name="test", script="exit 3")
    output = run(shop, [*WITHOUT, "bash", "-eo", "pipefail", "-c", script], env, code=3)
    assert "is not told" in output
    assert stages(shop) == {}


def test_bitbucket(open_shop: OpenShop) -> None:
    shop = open_shop("bitbucket.org/acme/shop")
    job = {
        "BITBUCKET_BUILD_NUMBER": "17",
        "BITBUCKET_COMMIT": shop.git("rev-parse", "HEAD"),
        "BITBUCKET_GIT_HTTP_ORIGIN": f"http://{shop.name}",
    }
    pipe = [str(PLUGINS / "bitbucket/pipe.sh")]
    run(shop, pipe, {**job, "SERVICE": "shop", "ENVIRONMENT": "production", "VERSION": "1.4"})
    assert "no deployment is told" in run(shop, pipe, {**job, "SERVICE": "shop"})
    assert deployments(shop) == [("shop", "production", "success")]


TASKS = {
    "make": ["make", "test"],
    "just": ["just", "test"],
    "npm": ["npm", "run", "test"],
    "tox": ["tox"],
    "nox": ["nox"],
}


@pytest.mark.parametrize("tool", TASKS)
def test_a_task(tool: str, open_shop: OpenShop, tmp_path: Path) -> None:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is missing")
    shop = open_shop(f"github.com/acme/{tool}")
    shutil.copytree(PLUGINS / "tasks", shop.path, dirs_exist_ok=True)
    run(shop, TASKS[tool])
    told = stages(shop)
    assert told.pop("test") == ("test", 1, 1)
    assert set(told) <= {"build"}
    # Without otel-vsm it runs as well.
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / tool).symlink_to(os.path.realpath(shutil.which(tool) or ""))
    run(shop, TASKS[tool], {"PATH": f"{folder}:/usr/bin:/bin"})
    assert stages(shop)["test"] == ("test", 1, 1)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is missing")
def test_terraform(open_shop: OpenShop) -> None:
    """A plan is applied, the same again changes nothing, and the third cannot be applied."""
    shop = open_shop("github.com/acme/terraform")
    shutil.copy(PLUGINS / "terraform/main.tf", shop.path)
    run(shop, ["terraform", "init", "-input=false"])
    apply = [str(PLUGINS / "terraform/apply.sh"), "network", "production", "-no-color", "-var"]
    run(shop, [*apply, "version_deployed=1"])
    assert "nothing is deployed" in run(shop, [*apply, "version_deployed=1"])
    run(shop, [*apply, "no_such=1"], code=1)
    assert deployments(shop) == [("network", "production", "success")]
