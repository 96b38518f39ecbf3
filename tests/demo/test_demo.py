"""`make demo` as a user sees it, from outside."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown() -> str:
    """What it prints with CI=true; it has ended by itself then."""
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_wrapped_command_ran(shown: str) -> None:
    commands = ("stage build", "stage test", "stage package", "deploy --service greeter", "approval granted")
    for command in commands:
        assert f"$ otel-vsm {command}" in shown


def test_every_figure_has_a_value(shown: str) -> None:
    figures = (
        "Change lead time",
        "Deployment frequency",
        "Change fail rate",
        "Recovery time",
        "Deployment rework rate",
        "Time to restore",
        "Time to detect",
    )
    for figure in figures:
        assert re.search(rf"{figure} +[0-9]", shown), figure


@pytest.mark.parametrize(
    "reason",
    [
        r"INC-\S+, which names it; users were well after .+, by a rollback",
        r"INC-\S+, which began soon after it; users were well after .+, by the end of the incident",
        "it was rolled back; users were well after .+, by a rollback",
        "a hotfix followed; users were well after .+, by a hotfix",
    ],
)
def test_failed_deployments_say_how_it_is_known(shown: str, reason: str) -> None:
    assert re.search(f"failed: {reason}", shown)


def test_what_has_not_ended_is_shown(shown: str) -> None:
    assert re.search(r"INC-\S+ of search is not over", shown)
    assert re.search(r"\d+ changes? waits? for an approval", shown)


def test_nothing_is_left_running(shown: str) -> None:
    data = re.search(r"It keeps what it takes in (\S+) until", shown)
    assert data and not Path(data[1]).exists()
