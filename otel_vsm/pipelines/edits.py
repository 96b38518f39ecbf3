"""Edits of a YAML file as text, at the positions of its nodes."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Left(NamedTuple):
    """A place that was left as it is, and why, in words for the user."""

    where: str
    why: str


class File:
    """The text of a YAML file, its nodes, and the edits to make. ValueError where it is no YAML."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        self.text = text
        self.left: list[Left] = []
        self._insertions: dict[int, str] = {}
        try:
            self.root: Any = YAML().compose(text)
        except YAMLError as error:
            raise ValueError(f"it is no YAML: {' '.join(str(error).split())}") from None

    def insert(self, position: int, text: str) -> None:
        """Text at a position; of several at one position, in the order in which they are given."""
        self._insertions[position] = self._insertions.get(position, "") + text

    def insert_key(self, before: Any, *lines: str) -> None:
        """Lines of a mapping, before one of its keys, as far to the right as that is."""
        indent = " " * before.start_mark.column
        self.insert(before.start_mark.index, "".join(f"{line}\n{indent}" for line in lines))

    def insert_below(self, key: Any, value: Any, *lines: str) -> None:
        """Lines of a mapping, below the line of one of its keys and its value."""
        end = self.text.find("\n", value.end_mark.index)
        indent = " " * key.start_mark.column
        self.insert(len(self.text) if end < 0 else end, "".join(f"\n{indent}{line}" for line in lines))

    def insert_item(self, before: Any, *lines: str) -> None:
        """An item of a sequence in block style, before another one and the comments above that."""
        start = self.text.rfind("\n", 0, before.start_mark.index) + 1
        dash = self.text.index("-", start)
        indent = " " * (dash - start)
        while start and (above := self._line_before(start)).lstrip().startswith("#"):
            start -= len(above)
        first, *rest = lines
        self.insert(start, "".join([f"{indent}- {first}\n", *(f"{indent}  {line}\n" for line in rest)]))

    def edited(self) -> str:
        text = self.text
        for position in sorted(self._insertions, reverse=True):
            text = text[:position] + self._insertions[position] + text[position:]
        return text

    def _line_before(self, start: int) -> str:
        return self.text[self.text.rfind("\n", 0, start - 1) + 1 : start]


def items(node: Any) -> Iterator[tuple[str, Any, Any]]:
    """The keys of a mapping as text, with their nodes and those of their values; nothing of another node."""
    if getattr(node, "id", None) == "mapping":
        for key, value in node.value:
            yield str(key.value), key, value


def get(node: Any, name: str) -> Any:
    """The value of a key; None where there is none."""
    return next((value for key, _, value in items(node) if key == name), None)


def key_of(node: Any, name: str) -> Any:
    return next((key for text, key, _ in items(node) if text == name), None)


def sequence(node: Any) -> list[Any]:
    return list(node.value) if getattr(node, "id", None) == "sequence" else []


def text_of(node: Any) -> str | None:
    """A scalar's text; None of another node."""
    return str(node.value) if getattr(node, "id", None) == "scalar" else None


def is_block(node: Any) -> bool:
    return not getattr(node, "flow_style", True)


def prefix(file: File, scalar: Any, text: str) -> bool:
    """Put text before what a scalar says; whether it is one that this can be done with."""
    if scalar.style in (None, "'", '"') and scalar.start_mark.line == scalar.end_mark.line:
        # Behind the quote, if there is one.
        file.insert(scalar.start_mark.index + (scalar.style is not None), text)
        return True
    return False
