"""What the packages import is what the distribution asks for, and where it asks for it."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"otel_vsm", "otel_vsm_collector"}


ALLOWED = {
    # The testing module has fixtures for pytest, and only pytest imports those.
    "otel_vsm/testing": {"pytest"},
    # The collector does not offer this store: only tests import it.
    "collector/otel_vsm_collector/stores/clickhouse": {"clickhouse-connect", "sqlglot"},
}


def declared(*extras: str) -> set[str]:
    requirements = [
        *PROJECT["dependencies"],
        *(one for extra in extras for one in PROJECT["optional-dependencies"][extra]),
    ]
    return {normal(re.split(r"[<>=!~ ;[]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imports(folder: Path) -> dict[str, Path]:
    """Modules of others that the files in the folder import, with one of the files that do."""
    imported: dict[str, Path] = {}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                # What is imported may itself be a module: `from opentelemetry.sdk import trace`.
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            imported |= {
                name: file for name in names if name.partition(".")[0] not in OWN | sys.stdlib_module_names
            }
    return imported


@cache
def owners() -> dict[Path, str]:
    """Installed file → distribution."""
    return {
        Path(str(distribution.locate_file(file))): normal(distribution.name)
        for distribution in distributions()
        for file in distribution.files or ()
        if file.suffix in (".py", ".so", ".pyi")
    }


def distribution_of(name: str) -> str:
    """The distribution that brings the innermost module of a dotted name."""
    module = name
    while module:
        try:
            spec = find_spec(module)
        except ModuleNotFoundError:
            spec = None
        if spec and spec.origin and Path(spec.origin) in owners():
            return owners()[Path(spec.origin)]
        module = module.rpartition(".")[0]
    raise AssertionError(f"nobody brings {name}")


@pytest.mark.parametrize(
    ("package", "extras"),
    [("otel_vsm", ("grpc", "init", "sdk", "testing")), ("collector/otel_vsm_collector", ("collector",))],
    ids=["otel_vsm", "otel_vsm_collector"],
)
def test_every_import_is_of_a_declared_dependency(package: str, extras: tuple[str, ...]) -> None:
    undeclared = []
    for name, file in imports(ROOT / package).items():
        owner, where = distribution_of(name), file.relative_to(ROOT)
        if owner not in declared(*extras) | ALLOWED.get(str(where.parent), set()):
            undeclared.append(f"{where} imports {name}, which comes with {owner}")
    assert not undeclared
