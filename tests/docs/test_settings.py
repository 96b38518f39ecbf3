"""Every variable that the code reads is explained in docs/settings.md, and none that it does not read."""

import re
from pathlib import Path

from otel_vsm.resource import VARIABLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/settings.md").read_text()
OWN = re.compile(r"OTEL_VSM_[A-Z]+(?:_[A-Z]+)*")
SOURCES = [file.read_text() for folder in ("otel_vsm", "collector") for file in (ROOT / folder).rglob("*.py")]


def in_the_code(pattern: re.Pattern[str]) -> set[str]:
    return {name for text in SOURCES for name in pattern.findall(text)}


def test_every_variable_of_ours_is_explained() -> None:
    assert in_the_code(OWN) | set(VARIABLES.values()) <= set(OWN.findall(PAGE))


def test_none_of_ours_is_explained_that_does_not_exist() -> None:
    assert set(OWN.findall(PAGE)) <= in_the_code(OWN) | set(VARIABLES.values())


def test_every_standard_variable_that_is_read_is_explained() -> None:
    family = re.compile(r"\bOTEL_(?!VSM_)[A-Z]+(?:_[A-Z]+)+")
    # One line each stands for what applies to traces or to metrics alone; the last is a stem of names.
    apart = ("OTEL_EXPORTER_OTLP_TRACES", "OTEL_EXPORTER_OTLP_METRICS")
    read = {name for name in in_the_code(family) if not name.startswith(apart)} - {"OTEL_EXPORTER_OTLP"}
    assert read <= set(family.findall(PAGE))
