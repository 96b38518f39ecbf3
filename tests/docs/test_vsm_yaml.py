"""The reference of `vsm.yaml`, its schema and its example are those of the model."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from otel_vsm_collector.declared.load import load
from otel_vsm_collector.declared.model import Declared

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "vsm-yaml.md").read_text()


def keys(model: type[BaseModel], section: str = "All sections") -> Iterator[tuple[str, str]]:
    """Each key with the section that it is in."""
    for name, field in model.model_fields.items():
        yield section, field.alias or name
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys(inner, name)


@pytest.mark.parametrize(("section", "key"), list(keys(Declared)))
def test_every_key_is_in_the_reference(section: str, key: str) -> None:
    _, _, rest = PAGE.partition(f"\n## {section}\n")
    assert f"\n| `{key}` |" in rest.partition("\n## ")[0]


def test_the_example_uses_every_section_and_is_right() -> None:
    assert load(DOCS / "vsm.yaml").model_fields_set == Declared.model_fields.keys()


def test_the_schema_accepts_the_example_and_refuses_what_it_does_not_know() -> None:
    schema = Draft202012Validator(json.loads((DOCS / "vsm.schema.json").read_text()))
    example: dict[str, Any] = yaml.safe_load((DOCS / "vsm.yaml").read_text())
    assert list(schema.iter_errors(example)) == []
    example["limits"]["approval_wait"] = "8"
    example["stages"]["* / e2e"]["kind"] = "test"
    assert len(list(schema.iter_errors(example))) == 2


def test_what_is_generated_is_current() -> None:
    done = subprocess.run([sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
