"""Rules for Prometheus, from a `vsm.yaml`: as promtool finds them, and as they are asked for."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from harness.prometheus import program
from otel_vsm.cli import main as otel_vsm

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(otel_vsm, ["rules", *arguments])


def alerts(text: str) -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(text)["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def declared(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vsm.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def written() -> str:
    done = asked("--config", str(HERE / "vsm.yaml"), "--runbooks", "https://docs.example.com/runbooks")
    assert done.exit_code == 0, done.output
    return done.output


def test_they_fire_when_they_should_and_else_are_silent(written: str, tmp_path: Path) -> None:
    promtool = program("promtool")
    (tmp_path / "rules.yaml").write_text(written)
    shutil.copy(HERE / "cases.yaml", tmp_path)
    for command in (["check", "rules", "rules.yaml"], ["test", "rules", "cases.yaml"]):
        done = subprocess.run([promtool, *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_that_expects_something_else_fails(written: str, tmp_path: Path) -> None:
    promtool = program("promtool")
    (tmp_path / "rules.yaml").write_text(written.replace("> 172800", "> 999999"))
    shutil.copy(HERE / "cases.yaml", tmp_path)
    done = subprocess.run([promtool, "test", "rules", "cases.yaml"], cwd=tmp_path, capture_output=True)
    assert done.returncode != 0


def test_every_alert_has_a_case_and_a_runbook(written: str) -> None:
    cases = (HERE / "cases.yaml").read_text()
    page = (ROOT / "docs/runbooks.md").read_text()
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", page, re.M)}
    linked = set()
    for name, rule in alerts(written).items():
        assert f'alertname="{name}"' in cases
        address, _, section = rule["annotations"]["runbook_url"].partition("#")
        assert address == "https://docs.example.com/runbooks"
        linked.add(section)
    assert linked == sections


def test_a_limit_that_is_null_has_no_alert_and_by_default_nothing_is_aimed_at(tmp_path: Path) -> None:
    by_default = alerts(asked().output)
    assert not [name for name in by_default if "Objective" in name]
    limits = ("lead_time", "change_fail_rate", "time_to_restore", "change_age", "unlinked", "lag")
    none = "{" + ", ".join(f"{limit}: null" for limit in limits) + "}"
    found = alerts(asked("--config", str(declared(tmp_path, f"limits: {none}"))).output)
    assert by_default.keys() - found.keys() == {
        "VsmLeadTimeOverLimit",
        "VsmChangeFailRateOverLimit",
        "VsmTimeToRestoreOverLimit",
        "VsmIncidentNotRestored",
        "VsmChangeTooOld",
        "VsmUnlinkedShareHigh",
        "VsmCollectorBehind",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{limits: {lead_time: 6d}, objectives: {lead_time: 0.9}}",
            "objectives.lead_time counts what is within limits.lead_time, which is 6d",
        ),
        (
            "{limits: {time_to_restore: null}, objectives: {time_to_restore: 0.9}}",
            "limits.time_to_restore, which is null",
        ),
        ("{objectives: {deployments: 0.5}}", "aim at more than 0.67"),
        ("{objectives: {deployments: 1}}", "objectives.deployments"),
        ("{objectives: {deployment: 0.9}}", "did you mean deployments?"),
    ],
)
def test_an_objective_that_cannot_be_computed_is_told(tmp_path: Path, text: str, said: str) -> None:
    done = asked("--config", str(declared(tmp_path, text)))
    assert done.exit_code == 2
    assert said in done.output
