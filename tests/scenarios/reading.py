"""Scenario files, read."""

from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"


def scenario_files() -> list[Path]:
    return sorted(CASES.glob("*.yaml"))


def load(path: Path) -> dict[str, Any]:
    scenario: dict[str, Any] = yaml.safe_load(path.read_text())
    assert set(scenario) <= {"topic", "why", "events", "expect", "settings", "window"}, path
    return scenario
