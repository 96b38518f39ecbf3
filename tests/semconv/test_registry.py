"""The registry as it is written: read here without the generator, so that both must agree with it."""

import importlib
import json
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import opentelemetry.semconv._incubating.attributes as incubating
import opentelemetry.semconv.attributes as stable
import pytest
import yaml
from opentelemetry.semconv.schemas import Schemas

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "semconv/model"
SCHEMAS = ROOT.parent / "shared/schemas"
FILES = sorted(path for path in MODEL.glob("*.yaml") if path.name != "manifest.yaml")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def every(kind: str) -> list[dict[str, Any]]:
    return [entry for path in FILES for entry in read(path).get(kind, [])]


def refs(node: Any, key: str = "ref") -> Iterator[str]:
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from refs(item, key)


def opentelemetry_names() -> tuple[set[str], dict[str, set[str]]]:
    """The keys that OpenTelemetry's package knows, and the values of those with listed ones."""
    keys: set[str] = set()
    values: dict[str, set[str]] = {}
    for package in (stable, incubating):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            constants = {name: value for name, value in vars(module).items() if name.isupper()}
            keys |= {value for value in constants.values() if isinstance(value, str)}
            for name, key in constants.items():
                listed = getattr(module, name.title().replace("_", "") + "Values", None)
                if listed:
                    values[key] = {member.value for member in listed}
    return keys, values


OTEL_KEYS, OTEL_VALUES = opentelemetry_names()
REUSED: dict[str, dict[str, Any]] = read(ROOT / "semconv/opentelemetry.yaml")
OWN_KEYS = [entry["key"] for entry in every("attributes")]


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"the JSON schemas of the format are not in {SCHEMAS}")
@pytest.mark.parametrize("path", [MODEL / "manifest.yaml", *FILES], ids=lambda path: path.name)
def test_a_file_is_valid_by_the_schema_of_the_format(path: Path) -> None:
    name = "definition-manifest.v2.json" if path.name == "manifest.yaml" else "semconv.schema.v2.json"
    schema = json.loads((SCHEMAS / name).read_text())
    if url := schema["$defs"].get("SchemaUrl"):
        # The schema tells Weaver's inner shape of a URL; what it reads and writes in YAML is the string.
        url |= {"type": "string"}
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(read(path))] == []


def test_every_reference_leads_somewhere() -> None:
    known = {*OWN_KEYS, *REUSED}
    groups = {group["id"] for group in every("attribute_groups")}
    for path in FILES:
        assert set(refs(read(path))) <= known, path.name
        assert set(refs(read(path), "ref_group")) <= groups, path.name


def test_names_are_defined_once() -> None:
    # Metrics and attributes share one space of names with groups and spans, so that none is ambiguous.
    names = Counter(OWN_KEYS)
    for kind, key in (("attribute_groups", "id"), ("spans", "type"), ("metrics", "name")):
        names.update(entry[key] for entry in every(kind))
    assert [name for name, count in names.items() if count > 1] == []


def test_only_names_of_our_own_are_defined() -> None:
    assert set(OWN_KEYS) & OTEL_KEYS == set()
    names = [*OWN_KEYS, *(m["name"] for m in every("metrics")), *(s["type"] for s in every("spans"))]
    assert [name for name in names if not name.startswith("vsm.")] == []


@pytest.mark.parametrize("key", REUSED)
def test_a_reused_name_and_its_values_are_opentelemetrys(key: str) -> None:
    assert key in OTEL_KEYS
    assert set(REUSED[key].get("values", ())) <= OTEL_VALUES.get(key, set())


def test_no_result_that_opentelemetry_knows_is_missing() -> None:
    key = "cicd.pipeline.task.run.result"
    assert set(REUSED[key]["values"]) == OTEL_VALUES[key]


def test_the_version_it_depends_on_is_one_that_the_package_knows() -> None:
    (dependency,) = read(MODEL / "manifest.yaml")["dependencies"]
    assert dependency["schema_url"] in {schema.value for schema in Schemas}


def test_a_value_is_told_apart_from_its_neighbours() -> None:
    for attribute in every("attributes"):
        if isinstance(attribute["type"], dict):
            members = attribute["type"]["members"]
            assert len({member["value"] for member in members}) == len(members), attribute["key"]
            # The id becomes the name of the constant: `change.merged` → CHANGE_MERGED.
            assert [m["id"] for m in members] == [m["value"].replace(".", "_") for m in members]


def test_a_string_without_listed_values_has_an_example() -> None:
    # Weaver refuses it otherwise.
    free = [entry for entry in every("attributes") if entry["type"] == "string"]
    assert [entry["key"] for entry in free if not entry.get("examples")] == []


def test_times_are_in_seconds_and_counts_in_things() -> None:
    for metric in every("metrics"):
        if metric["instrument"] == "histogram":
            assert metric["unit"] == "s", metric["name"]
        if metric["instrument"] == "counter":
            assert metric["unit"].startswith("{"), metric["name"]
