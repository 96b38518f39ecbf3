"""A job never fails because of its telemetry: the plugins where otel-vsm cannot be had."""

import subprocess
from pathlib import Path

import pytest
import yaml

from ci_plugins.conftest import PLUGINS


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A runner with bash, and with a Python that is too old to do anything."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "date", "rm", "env", "cat", "true", "sh"):
        (programs / name).symlink_to(f"/bin/{name}")
    (programs / "python3").write_text("#!/bin/sh\nexit 1\n")
    (programs / "python3").chmod(0o755)
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
    for path in files.values():
        Path(path).touch()
    return {"PATH": str(programs), "HOME": str(tmp_path), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", **files}


def run(script: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", f"bash {PLUGINS / script}"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_set_up_warns_and_goes_on(env: dict[str, str], tmp_path: Path) -> None:
    assert run("github/setup/find.sh", {**env, "VSM_VERSION": "1.2"}).returncode == 0
    outputs = dict(line.split("=", 1) for line in Path(env["GITHUB_OUTPUT"]).read_text().splitlines())
    assert outputs["folder"].startswith(f"{tmp_path}/.cache/otel-vsm/1.2-")
    assert outputs["key"].startswith("otel-vsm-Linux-X64-")
    told = {
        "VSM_VERSION": "1.2",
        "VSM_FOLDER": outputs["folder"],
        "VSM_ENDPOINT": "http://x",
        "VSM_HEADERS": "",
    }
    done = run("github/setup/install.sh", {**env, **told, "VSM_LEG": "", "VSM_MATRIX": "null"})
    assert done.returncode == 0
    assert "::warning title=otel-vsm::could not be installed" in done.stdout
    assert Path(env["GITHUB_PATH"]).read_text() == ""


def test_the_leg_is_what_the_matrix_says(env: dict[str, str]) -> None:
    matrix = {"VSM_MATRIX": '{"python": "3.12", "fast": true, "shard": 2}', "VSM_LEG": "", "VSM_FOLDER": ""}
    told = {**matrix, "VSM_VERSION": "", "VSM_ENDPOINT": "", "VSM_HEADERS": "", "PATH": "/usr/bin:/bin"}
    assert run("github/setup/install.sh", {**env, **told}).returncode == 0
    assert Path(env["GITHUB_ENV"]).read_text() == "OTEL_VSM_LEG=3.12, true, 2\n"


def test_a_value_cannot_become_two_variables(env: dict[str, str]) -> None:
    told = {"VSM_VERSION": "", "VSM_FOLDER": "", "VSM_ENDPOINT": "http://x\nPATH=/evil", "VSM_HEADERS": ""}
    assert (
        run("github/setup/install.sh", {**env, **told, "VSM_LEG": "", "VSM_MATRIX": "null"}).returncode == 0
    )
    assert Path(env["GITHUB_ENV"]).read_text() == "OTEL_EXPORTER_OTLP_ENDPOINT=http://xPATH=/evil\n"


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("false\necho not reached", 1), ("true", 0)])
def test_a_stage_runs_without_its_wrapper(env: dict[str, str], script: str, code: int) -> None:
    stage = {"VSM_NAME": "build", "VSM_RUN": script, "VSM_TYPE": "", "VSM_SERVICE": "", "VSM_LEG": ""}
    done = run("github/stage/stage.sh", {**env, **stage})
    assert done.returncode == code
    assert "is not installed, so the stage build is not told" in done.stdout
    assert "not reached" not in done.stdout


def test_the_report_warns_and_goes_on(env: dict[str, str]) -> None:
    done = run("github/report/report.sh", {**env, "VSM_STAGES": "a=b\n", "VSM_WRAPPED": ""})
    assert (done.returncode, "were not told" in done.stdout) == (0, True)


def test_the_scripts_of_gitlab_go_on(env: dict[str, str], tmp_path: Path) -> None:
    _, component = yaml.safe_load_all((PLUGINS / "gitlab/templates/stage.yml").read_text())
    job = component[".otel-vsm"]
    for shell in ("sh", "bash"):
        for script in (*job["before_script"], *job["after_script"]):
            done = subprocess.run(
                [shell, "-ec", script],
                env={**env, "VSM_FOLDER": str(tmp_path / "none"), "CI_JOB_NAME": "unit: [a]"},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
