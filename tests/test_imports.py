"""What is imported when: the user's command waits for every module that comes before it."""

import ast
from pathlib import Path

import otel_vsm
from harness.factories import RunPython

PACKAGE = Path(otel_vsm.__file__).parent

# Modules of the standard library that are slow and not needed to find the change and start the command.
SLOW = {"subprocess", "json", "dataclasses", "pathlib", "tempfile", "socket", "logging", "asyncio", "ssl"} | {
    "threading",
    "inspect",
    "hashlib",
}


def test_until_the_command_runs_nothing_else_is_imported(run_python: RunPython, tmp_path: Path) -> None:
    done = run_python(
        "import sys\n"
        "bare = set(sys.modules)\n"
        "from otel_vsm import process\n"
        "from otel_vsm.__main__ import main\n"
        "def spawn(*_, **__):\n"
        "    new = set(sys.modules) - bare\n"
        "    print(sorted({name.partition('.')[0] for name in new} - sys.stdlib_module_names))\n"
        f"    print(sorted(new & {SLOW!r}))\n"
        "    print(sorted(name for name in new if name.startswith('otel_vsm.')))\n"
        "    sys.stdout.flush()\n"
        "    process.os._exit(0)\n"
        "process._spawn = spawn\n"
        "sys.argv = ['otel-vsm', 'stage', 'build', '--', 'true']\n"
        "main()",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    foreign, slow, ours = map(ast.literal_eval, done.stdout.splitlines())
    assert foreign == ["otel_vsm"], done.stderr
    assert slow == []
    late = {"export", "emit", "record", "semconv.enums", "cli"}
    assert not {f"otel_vsm.{name}" for name in late} & set(ours)


def test_the_program_never_imports_the_collector_but_where_it_runs_it() -> None:
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if any(name.partition(".")[0] == "otel_vsm_collector" for name in _imported(node))
    }
    assert importing == {"cli/collector.py", "cli/rules.py"}


def test_the_collector_is_imported_late(run_python: RunPython) -> None:
    done = run_python(
        "import sys, otel_vsm.cli.collector\n"
        "print([name for name in sys.modules if name.startswith(('otel_vsm_collector', 'duckdb'))])"
    )
    assert done.stdout == "[]\n"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []
