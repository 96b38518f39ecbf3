"""Every dependency has its reason on docs/dependencies.md, under the extra that brings it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {None: PROJECT["dependencies"]} | PROJECT["optional-dependencies"]


def section(extra: str | None) -> str:
    name = f"'otel-vsm[{extra}]'" if extra else "otel-vsm"
    page = (ROOT / "docs/dependencies.md").read_text()
    (text,) = re.findall(
        rf"^## `pip install {re.escape(name)}`.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    return str(text)


def explained(extra: str | None) -> set[str]:
    """The names in the first cells of the section's table."""
    cells = [line.split("|")[1] for line in section(extra).splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("extra", DECLARED)
def test_every_dependency_is_explained_where_it_comes_in(extra: str | None) -> None:
    declared = {re.split(r"[<>=!~ ;[]", requirement)[0] for requirement in DECLARED[extra]}
    assert declared <= explained(extra)


@pytest.mark.parametrize("extra", DECLARED)
def test_nothing_is_explained_that_is_not_declared(extra: str | None) -> None:
    declared = {re.split(r"[<>=!~ ;[]", requirement)[0] for requirement in DECLARED[extra] + DECLARED[None]}
    assert explained(extra) <= declared
