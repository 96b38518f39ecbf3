"""A YAML file: its data, and on which line each part of it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from otel_vsm_collector.declared.contradictions import Location
from otel_vsm_collector.declared.problems import Problem, UnreadableError

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Reads what looks like text as text, as YAML 1.2 does: `on`, `no`, `2026-05-01` and `12:30`."""


_Loader.yaml_implicit_resolvers = {}

for _name, _written, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_written})$"), _first)


class Document(NamedTuple):
    """A mapping with text as keys, and those that are given twice."""

    data: dict[str, Any]
    repeated: list[Problem]
    root: yaml.MappingNode

    def line_of(self, location: Location) -> int:
        """The line of a value, or of what it would stand in; an unknown key's location ends with the key."""
        node: yaml.Node = self.root
        line = 1
        for step in location:
            if isinstance(node, yaml.MappingNode):
                entries = [(key, value) for key, value in node.value if key.value == step]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                entries = [(item, item) for item in node.value[step : step + 1]]
            else:
                break
            if not entries:
                break
            # A merged mapping comes before the keys that win over it.
            key, node = entries[-1]
            line = key.start_mark.line + 1
        return line


def read_document(path: Path) -> Document:
    """The file's one mapping. Raises UnreadableError where there is none that could be looked at further."""
    text = _text(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            raise UnreadableError([Problem(1, (), "is empty; declare something in it, or leave it out")])
        if not isinstance(root, yaml.MappingNode):
            raise UnreadableError(
                [Problem(1, (), "has to be a mapping of settings, such as time_zone: Europe/Berlin")]
            )
        nodes = list(_nodes(root, (), set()))
        if problems := [problem for location, node in nodes for problem in _strange(loader, location, node)]:
            raise UnreadableError(problems)
        repeated = [problem for location, node in nodes for problem in _repeated(location, node)]
        return Document(loader.construct_document(root), repeated, root)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableError(
            [Problem(line, (), f"the character {chr(error.character)!a} has no place in YAML")]
        ) from None
    except yaml.MarkedYAMLError as error:
        raise UnreadableError([_of_syntax(error)]) from None
    except RecursionError:
        raise UnreadableError([Problem(1, (), "is nested too deeply to be read")]) from None


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableError([Problem(None, (), f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableError([Problem(line, (), "is not UTF-8; save it as that")]) from None


def _nodes(node: yaml.Node, location: Location, seen: set[int]) -> Iterator[tuple[Location, yaml.Node]]:
    """Every node once, wherever it is repeated by an alias, with the first location that leads to it."""
    if id(node) in seen:
        return
    seen.add(id(node))
    yield location, node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(value, (*location, str(key.value)), seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _nodes(item, (*location, index), seen)


def _strange(loader: Any, location: Location, node: yaml.Node) -> Iterator[Problem]:
    """Tags, and keys that are no text."""
    line = node.start_mark.line + 1
    if node.tag not in (f"{_TAG}str", loader.resolve(type(node), node.value, (True, False))):
        yield Problem(
            line, location, f"the tag {node.tag.replace(_TAG, '!!')} has no meaning here; leave it out"
        )
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
            written = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            yield Problem(
                key.start_mark.line + 1,
                location,
                f"{written} is no text, as a key has to be; put it in quotes",
            )


def _repeated(location: Location, node: yaml.Node) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        line = key.start_mark.line + 1
        if key.value in first:
            text = f"is given twice, first on line {first[key.value]}; a key is given once"
            yield Problem(line, (*location, key.value), text)
        first.setdefault(key.value, line)


def _of_syntax(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or "cannot be read"
    if "'\\t'" in problem:
        return Problem(line, (), "a tab stands where only spaces may; YAML is indented with spaces")
    if isinstance(error, yaml.composer.ComposerError) and "another document" in problem:
        return Problem(line, (), "a second document begins, after ---; all is declared in one")
    if error.context and error.context_mark:
        problem += f" ({error.context} that begins on line {error.context_mark.line + 1})"
    return Problem(line, (), f"is no YAML: {problem}")
