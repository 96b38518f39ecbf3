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
HASHED = {"vsm.change", "vsm.incident", "vsm.work_item", "vsm.event"}
"""What ids are hashed with, in identity.py: part of the ids for ever, and no names of telemetry."""


def typed_by_hand(source: str, allowed: frozenset[str] = frozenset()) -> list[str]:
    """The string literals of a module that are names of the registry, or look like ours."""
    tree = ast.parse(source)
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in prose
        and node.value not in allowed
        and (node.value in KNOWN or OURS.fullmatch(node.value))
    ]


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
        ('x = f"{a}" "change.merged"', []),  # part of a longer text
        ('x = name == "change.merged"', ["change.merged"]),
        ('"""vsm.team"""', []),
        ('X = 1\n"""vsm.team"""', []),
        ('x = key.startswith("vsm.")', []),
    ],
)
def test_the_check_itself(source: str, found: list[str]) -> None:
    assert typed_by_hand(source) == found
