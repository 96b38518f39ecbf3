"""Each CI system by a job's environment as its documentation has it: everything that is to be told of it, and
nothing else."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_vsm import ci
from otel_vsm.ci import CiContext, detect

GOLDEN = Path(__file__).with_name("golden")
TESTED_BY_ITSELF = {"github_actions", "gitlab"}
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in GOLDEN.glob("*.yaml")}
CASES = [(system, name) for system, golden in sorted(FILES.items()) for name in golden["cases"]]


def told(context: CiContext | None) -> dict[str, Any]:
    assert context is not None
    fields = {name: value for name, value in context._asdict().items() if value}
    fields.pop("whole_history")
    return fields


def environment(system: str, case: dict[str, Any], folder: Path) -> dict[str, str]:
    golden = FILES[system]
    for name, text in {**golden.get("files", {}), **case.get("files", {})}.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)), encoding="utf-8")
    env = {
        name: value.replace("{folder}", str(folder))
        for name, value in {**golden["job"], **case.get("env", {})}.items()
    }
    if "event" in case:
        (folder / "event.json").write_text(json.dumps(case["event"]))
        env["GITHUB_EVENT_PATH"] = str(folder / "event.json")
    return env


@pytest.mark.parametrize(("system", "name"), CASES, ids=[f"{system}: {name}" for system, name in CASES])
def test_a_job(system: str, name: str, tmp_path: Path) -> None:
    golden = FILES[system]
    assert set(golden) <= {"source", "job", "files", "every", "cases"}
    case = golden["cases"][name]
    assert set(case) <= {"env", "files", "event", "expect"}
    assert told(detect(environment(system, case, tmp_path))) == {**golden["every"], **case["expect"]}


def test_each_system_has_a_golden_environment() -> None:
    assert {module for module, _ in ci.PRESENT} == set(FILES) | TESTED_BY_ITSELF


@pytest.mark.parametrize("system", sorted(FILES))
def test_only_the_system_at_hand_is_loaded(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, _ in ci.PRESENT:
        monkeypatch.delitem(sys.modules, f"otel_vsm.ci.{module}", raising=False)
        monkeypatch.delattr(ci, module, raising=False)
    [case, *_] = FILES[system]["cases"].values()
    assert detect(environment(system, case, tmp_path))
    others = {"gitea": {"github_actions"}, "forgejo": {"github_actions", "gitea"}}.get(system, set())
    loaded = {module for module, _ in ci.PRESENT if f"otel_vsm.ci.{module}" in sys.modules}
    assert loaded == {system, *others}
