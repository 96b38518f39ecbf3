"""No name of the registry is typed by hand in the source: a typo there would be silent."""

import ast
import re
from pathlib import Path

import pytest

from otel_vsm.semconv import EventName, attributes
from otel_vsm.semconv.metrics import METRICS

ROOT = Path(__file__).parents[2]
KNOWN = {
    *(value for name, value in vars(attributes).items() if name.isupper()),
    *(metric.name for metric in METRICS),
    *EventName,
}
OURS = re.compile(r"vsm\.[a-z_.]+")
QUOTED = re.compile(r"""(['"])([a-z_.]+)\1""")
"""A name in quotes inside a longer text, as in SQL."""
FILE = "vsm.yaml"
"""The name of the settings' file, which begins like ours."""
HASHED = {"vsm.change", "vsm.incident", "vsm.work_item", "vsm.event"}
"""What ids are hashed with, in identity.py: part of the ids for ever, and no names of telemetry."""


def names_in(text: str) -> list[str]:
    """The names of the registry that a text is, or quotes; also what only looks like one of ours."""
    if text in KNOWN or OURS.fullmatch(text):
        return [text]
    return [name for _, name in QUOTED.findall(text) if name in KNOWN or OURS.fullmatch(name)]


def typed_by_hand(source: str, allowed: frozenset[str] = frozenset()) -> list[str]:
    """The names in the string literals of a module; docstrings are not looked at."""
    tree = ast.parse(source)
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    literals = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    )
    return [name for literal in literals for name in names_in(literal) if name not in {*allowed, FILE}]


def sources() -> list[Path]:
    generated = ROOT / "otel_vsm/semconv"
    found = [*ROOT.glob("otel_vsm/**/*.py"), *ROOT.glob("collector/**/*.py")]
    return sorted(path for path in found if generated not in path.parents)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_name_is_typed_by_hand(path: Path) -> None:
    allowed = HASHED if path == ROOT / "otel_vsm/identity.py" else set()
    assert typed_by_hand(path.read_text(), frozenset(allowed)) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('x = span["vsm.team"]', ["vsm.team"]),
        ('x = "vsm.no_such"', ["vsm.no_such"]),
        ('x = {"service.name": 1}', ["service.name"]),
        ('x = f"vsm.team"', ["vsm.team"]),
        ("""x = f"SELECT {a} FROM t WHERE e = 'change.merged'" """, ["change.merged"]),
        ("""x = "json ->> 'vsm.no_such'" """, ["vsm.no_such"]),
        ('x = "EVENT, such as change.merged"', []),  # prose, not a name
        ('x = name == "change.merged"', ["change.merged"]),
        ('"""vsm.team"""', []),
        ('X = 1\n"""vsm.team"""', []),
        ('x = key.startswith("vsm.")', []),
    ],
)
def test_the_check_itself(source: str, found: list[str]) -> None:
    assert typed_by_hand(source) == found
