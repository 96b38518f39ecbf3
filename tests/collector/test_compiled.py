"""What was compiled before is used as long as neither code nor definitions change; else it is made anew."""

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_vsm_collector import compiled
from otel_vsm_collector.compiled import Compiled
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.derive.refresh import steps
from otel_vsm_collector.derive.refresh.plan import Plan
from otel_vsm_collector.facts import reader
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.figures import groups
from scenarios.engines import InDuckDB
from scenarios.world import World

LATE = ("ibis", "sqlglot", "scipy", "fastapi", "pandas")


@pytest.fixture(autouse=True)
def nothing_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "PACKAGED", tmp_path / "package")


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> list[Declared]:
    """What plans were compiled by."""
    by: list[Declared] = []
    compile_plan = steps.refresh_plan

    def counted(definitions: Definitions) -> Plan:
        by.append(definitions.declared)
        return compile_plan(definitions)

    monkeypatch.setattr(steps, "refresh_plan", counted)
    return by


def test_a_plan_is_compiled_once(tmp_path: Path, compiling: list[Declared]) -> None:
    first = Compiled(tmp_path / "data").plan(Declared())
    assert first == Compiled(tmp_path / "data").plan(Declared()) == steps.refresh_plan(Definitions())
    assert len(compiling) == 1 + 1


def test_what_the_package_has_is_not_compiled_at_all(tmp_path: Path, compiling: list[Declared]) -> None:
    Compiled(tmp_path / "package").plan(Declared())
    Compiled(tmp_path / "data").plan(Declared())
    assert len(compiling) == 1
    assert not (tmp_path / "data").exists()


def test_other_definitions_and_other_code_are_compiled_anew(
    tmp_path: Path, compiling: list[Declared], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Compiled(tmp_path)
    made.plan(Declared())
    made.plan(Declared.model_validate({"teams": {"blue": {"services": ["shop"]}}}))
    monkeypatch.setattr(compiled, "_code", lambda: "other")
    made.plan(Declared())
    assert len(compiling) == 3
    assert len(list(tmp_path.glob("plan-*.json"))) == 1


@pytest.mark.parametrize("damaged", [b"", b"{", b"\xff", b"[]", b'{"steps": [["Scratch", {}]]}'])
def test_a_damaged_file_is_made_anew(tmp_path: Path, compiling: list[Declared], damaged: bytes) -> None:
    plan = Compiled(tmp_path).plan(Declared())
    (file,) = tmp_path.glob("plan-*.json")
    file.write_bytes(damaged)
    assert Compiled(tmp_path).plan(Declared()) == plan
    assert Plan.of_data(json.loads(file.read_bytes())) == plan


def test_where_nothing_can_be_written_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Compiled(tmp_path / "file" / "below").observed()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    Compiled(tmp_path / "data").observed()
    (file,) = (tmp_path / "data").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_service_starts_without_what_only_compiling_and_answering_need() -> None:
    code = (
        "import sys\n"
        "from otel_vsm_collector import process\n"
        "process.prepare()\n"
        "import otel_vsm_collector.service\n"
        f"print([name for name in {LATE!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def asked(folder: Path, *profiles: str | None) -> list[Any]:
    """What DORA's figures are by profiles, of an empty ledger, where what is in the folder is known."""
    reader._compiled.cache_clear()
    with closing(InDuckDB()) as engine:
        World(engine)
        facts = FactTables(Definitions(), compiled=Compiled(folder).questions(Declared()))
        selection = Selection(from_ns=0, to_ns=10**18, facts=facts)
        of_profiles = [replace(selection, facts=facts.named(profile)) for profile in profiles]
        return [groups.dora(engine.reader(facts), one) for one in of_profiles]


def test_a_question_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked(tmp_path, None)
    monkeypatch.setattr(reader, "_Compiler", None)
    assert asked(tmp_path, None) == first


def test_what_needs_temporary_tables_is_asked_by_those_of_its_process(tmp_path: Path) -> None:
    assert asked(tmp_path, "gitlab", "devlake", None) == asked(tmp_path, "gitlab", "devlake", None)
    assert asked(tmp_path, "devlake") == asked(tmp_path, None, "devlake")[1:]


def test_a_file_of_questions_that_is_damaged_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    first = asked(tmp_path, None)
    (file,) = tmp_path.glob("questions-*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join((*lines[1:], "[]\n", '{"a": 1}\n', lines[0][:40])))
    questions = Compiled(tmp_path).questions(Declared())
    assert len(questions) == len(lines) - 1
    assert asked(tmp_path, None) == first
