"""The glossary names each word once, and what it points to is there."""

import ast
import re
from pathlib import Path

import pytest

from otel_vsm.semconv import attributes, enums, metrics
from otel_vsm_collector.derive.tables import FACTS, LEDGER

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT, ROOT / "collector" / "otel_vsm_collector")
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
# The first table; in it the cells of a row.
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
POINTERS = [(row[0], pointer) for row in ROWS for pointer in re.findall(r"`([^`]+)`", row[2])]
NAMES = {
    *(value for name, value in vars(attributes).items() if name.isupper()),
    *(metric.name for metric in metrics.METRICS),
    *enums.EventName,
}


def test_every_row_says_what_a_word_means_and_where_it_lives() -> None:
    assert all(len(row) == 3 and all(row) and "`" in row[2] for row in ROWS)


def test_the_words_are_in_order_and_each_is_there_once() -> None:
    words = [row[0].lower() for row in ROWS]
    assert words == sorted(set(words))


@pytest.mark.parametrize(("word", "pointer"), POINTERS, ids=[f"{word}: {to}" for word, to in POINTERS])
def test_what_a_word_points_to_is_there(word: str, pointer: str) -> None:
    if table := re.fullmatch(r"table (\w+)", pointer):
        assert table[1] in FACTS | LEDGER
        return
    path, _, name = pointer.partition(": ")
    if "/" not in path:
        assert path in NAMES
        return
    [found] = [folder / path for folder in FOLDERS if (folder / path).exists()]
    if name:
        assert name in defined(found)


def defined(path: Path) -> set[str]:
    """What a module defines at its top level."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names
