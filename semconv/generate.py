"""Writes what follows from the registry: the constants in otel_vsm/semconv/ and the pages in docs/semconv/.

`python semconv/generate.py` writes, `python semconv/generate.py --check` writes nothing and exits 1 with
the names of the files that lag.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
ROOT = HERE.parent
OUTPUTS = {
    "attributes.py.j2": "otel_vsm/semconv/attributes.py",
    "enums.py.j2": "otel_vsm/semconv/enums.py",
    "metrics.py.j2": "otel_vsm/semconv/metrics.py",
    "init.py.j2": "otel_vsm/semconv/__init__.py",
    "attributes.md.j2": "docs/semconv/attributes.md",
    "spans.md.j2": "docs/semconv/spans.md",
    "metrics.md.j2": "docs/semconv/metrics.md",
}
"""Template to the file that it gives, from the root of the project."""
LINE_LENGTH = 110


class RegistryError(Exception):
    """The registry contradicts itself; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    name: str
    value: str
    brief: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    key: str
    type: str
    """A type of the registry's format, or `enum`."""
    brief: str
    note: str
    examples: tuple[Any, ...]
    own: bool
    """Whether it is defined here, and not OpenTelemetry's."""
    enum: str | None
    """The name of the class of its values."""
    members: tuple[Member, ...]

    @property
    def constant(self) -> str:
        return constant(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An attribute as a signal refers to it."""

    attribute: Attribute
    level: str
    condition: str
    brief: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A span, a metric or a public group of attributes."""

    name: str
    brief: str
    note: str
    uses: tuple[Use, ...]
    level: str = ""
    """Of a span or metric."""
    span_name: str = ""
    instrument: str = ""
    unit: str = ""

    @property
    def constant(self) -> str:
        return constant(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    schema_url: str
    attributes: tuple[Attribute, ...]
    """In the order of their keys: own ones, and those of OpenTelemetry's that a signal refers to."""
    groups: tuple[Signal, ...]
    spans: tuple[Signal, ...]
    metrics: tuple[Signal, ...]

    @property
    def enums(self) -> list[Attribute]:
        return sorted((a for a in self.attributes if a.enum), key=lambda a: a.enum or "")


def constant(name: str) -> str:
    """The Python constant for a dotted name."""
    return name.replace(".", "_").upper()


def load(here: Path = HERE) -> Registry:
    """Reads and resolves the registry in a folder; RegistryError where it contradicts itself."""
    manifest = yaml.safe_load((here / "model/manifest.yaml").read_text())
    reused = yaml.safe_load((here / "opentelemetry.yaml").read_text())
    files = [yaml.safe_load(path.read_text()) for path in sorted(here.glob("model/*.yaml"))]

    def every(kind: str) -> Iterator[dict[str, Any]]:
        for file in files:
            yield from file.get(kind, ())

    known = {key: _reused(key, entry) for key, entry in reused.items()}
    for definition in every("attributes"):
        if definition["key"] in known:
            raise RegistryError(f"{definition['key']} is defined twice, or is OpenTelemetry's: refer to it")
        known[definition["key"]] = _own(definition)
    groups = {group["id"]: group for group in every("attribute_groups")}

    def signal(name: str, source: dict[str, Any], **more: str) -> Signal:
        uses = _uses(source, groups, known, name)
        return Signal(
            name=name, brief=source["brief"], note=source.get("note", ""), uses=tuple(uses.values()), **more
        )

    spans = tuple(
        signal(s["type"], s, level=_level(s, s["type"]), span_name=s["name"]["note"]) for s in every("spans")
    )
    metrics = tuple(
        signal(m["name"], m, level=_level(m, m["name"]), instrument=m["instrument"], unit=m["unit"])
        for m in sorted(every("metrics"), key=lambda m: str(m["name"]))
    )
    public = tuple(signal(g["id"], g) for g in groups.values() if g["visibility"] == "public")
    used = {use.attribute.key for s in (*spans, *metrics, *public) for use in s.uses}
    if unused := known.keys() - used:
        raise RegistryError(f"no signal refers to {', '.join(sorted(unused))}")
    return Registry(
        schema_url=manifest["schema_url"],
        attributes=tuple(known[key] for key in sorted(known)),
        groups=public,
        spans=spans,
        metrics=metrics,
    )


def _level(signal: dict[str, Any], name: str) -> str:
    if not (level := str(signal.get("requirement_level", ""))):
        raise RegistryError(f"{name} has no requirement_level: say recommended or opt_in")
    return level.replace("_", " ")


def _own(definition: dict[str, Any]) -> Attribute:
    key, type_ = definition["key"], definition["type"]
    listed = isinstance(type_, dict)
    examples = definition.get("examples", [])
    return Attribute(
        key=key,
        type="enum" if listed else type_,
        brief=definition["brief"],
        note=definition.get("note", ""),
        examples=tuple(examples if isinstance(examples, list) else [examples]),
        own=True,
        # vsm.stage.type → StageType
        enum=key.removeprefix("vsm.").replace(".", " ").title().replace(" ", "") if listed else None,
        members=tuple(
            Member(name=m["id"].upper(), value=m["value"], brief=m["brief"])
            for m in (type_["members"] if listed else ())
        ),
    )


def _reused(key: str, entry: dict[str, Any]) -> Attribute:
    return Attribute(
        key=key,
        type="enum" if "enum" in entry else entry["type"],
        brief=entry["brief"],
        note="",
        examples=(),
        own=False,
        enum=entry.get("enum"),
        members=tuple(
            Member(name=value.upper(), value=value, brief=brief)
            for value, brief in entry.get("values", {}).items()
        ),
    )


def _uses(
    source: dict[str, Any], groups: dict[str, Any], known: dict[str, Attribute], where: str
) -> dict[str, Use]:
    """The attributes of a signal or group, with those of the groups it refers to, in order, by key."""
    uses: dict[str, Use] = {}
    inherited: dict[str, Use] = {}
    for entry in source.get("attributes", ()):
        if group := entry.get("ref_group"):
            if group not in groups:
                raise RegistryError(f"{where} refers to the group {group}, which is not defined")
            more = _uses(groups[group], groups, known, group)
            if twice := sorted(inherited.keys() & more.keys()):
                raise RegistryError(f"{where} gets {', '.join(twice)} from two groups, which Weaver refuses")
            inherited |= more
        elif entry["ref"] not in known:
            raise RegistryError(
                f"{where} refers to {entry['ref']}, which is neither defined nor in opentelemetry.yaml"
            )
        else:
            uses[entry["ref"]] = _use(entry, known[entry["ref"]])
    # What is said on the spot refines what comes with a group.
    return uses | {key: use for key, use in inherited.items() if key not in uses}


def _use(entry: dict[str, Any], attribute: Attribute) -> Use:
    level = entry.get("requirement_level", "recommended")
    name, condition = next(iter(level.items())) if isinstance(level, dict) else (level, "")
    return Use(
        attribute=attribute,
        level=name.replace("_", " "),
        condition=condition,
        brief=entry.get("brief", attribute.brief),
        note=entry.get("note", ""),
    )


def _docstring(text: str, indent: int = 0) -> str:
    """A Python docstring of the text, wrapped."""
    lines = textwrap.wrap(text, LINE_LENGTH - indent - len('"""') * 2)
    pad = " " * indent
    if len(lines) == 1:
        return f'{pad}"""{lines[0]}"""'
    return "\n".join((f'{pad}"""{lines[0]}', *(pad + line for line in lines[1:]), f'{pad}"""'))


def _fill(text: str) -> str:
    """A paragraph, wrapped; names in it stay whole."""
    return textwrap.fill(text, LINE_LENGTH, break_long_words=False, break_on_hyphens=False)


def _names(registry: Registry) -> list[str]:
    """What the Python package re-exports, sorted as ruff sorts `__all__`."""
    constants = sorted([a.constant for a in registry.attributes] + ["SCHEMA_URL", "SCOPE_NAME"])
    return constants + [a.enum for a in registry.enums if a.enum]


def render(registry: Registry) -> dict[str, str]:
    """The text of each generated file, by its path from the root of the project."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"docstring": _docstring, "fill": _fill}
    return {
        path: environment.get_template(template).render(registry=registry, names=_names(registry))
        for template, path in OUTPUTS.items()
    }


def lagging(files: dict[str, str], root: Path = ROOT) -> list[str]:
    """The generated files that are missing, differ from what they should be, or should not be there."""

    def differs(name: str) -> bool:
        path = root / name
        return not path.is_file() or path.read_text() != files[name]

    folders = {(root / name).parent for name in files}
    strays = (path.relative_to(root).as_posix() for folder in folders for path in folder.glob("*.*"))
    return sorted({name for name in files if differs(name)} | set(strays) - files.keys())


def write(files: dict[str, str], names: Iterable[str], root: Path = ROOT) -> None:
    """Writes the named files and removes those that nothing generates any more."""
    for name in names:
        path = root / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name])
            print(f"wrote {name}")
        else:
            path.unlink()
            print(f"removed {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where a file lags")
    only_check = parser.parse_args().check
    files = render(load())
    names = lagging(files)
    if only_check and names:
        print("These files lag behind semconv/. Run `python semconv/generate.py`:", file=sys.stderr)
        print(*(f"  {name}" for name in names), sep="\n", file=sys.stderr)
        return 1
    write(files, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
