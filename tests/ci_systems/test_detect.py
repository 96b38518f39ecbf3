"""Which CI runs us, if one does."""

import importlib

import pytest

from otel_vsm.ci import PRESENT, detect, is_automation
from otel_vsm.ci.source import JobEnvironment, Text
from otel_vsm.semconv import attributes


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"CI": "true"},
        {"GITHUB_ACTIONS": "false"},
        {"GITLAB_CI": "1"},
        # For its command line, and not of a build.
        {"JENKINS_URL": "https://ci.example.com"},
        {"TEAMCITY_VERSION": ""},
    ],
)
def test_no_known_system(env: dict[str, str]) -> None:
    assert detect(env) is None


@pytest.mark.parametrize(
    ("env", "automation"),
    [
        ({}, False),
        ({"CI": "false"}, False),
        ({"CI": ""}, False),
        ({"CI": "true"}, True),
        ({"CI": "1"}, True),
        ({"CI": "True"}, True),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"GITLAB_CI": "true", "CI": "false"}, True),
        ({"CI": "woodpecker"}, True),
        ({"TEAMCITY_VERSION": "2025.07"}, True),
        ({"JENKINS_URL": "https://ci.example.com"}, False),
    ],
)
def test_any_ci_is_automation(env: dict[str, str], automation: bool) -> None:
    assert is_automation(env) is automation


def test_a_text_is_known_where_all_its_variables_are() -> None:
    job = JobEnvironment({"A": "a", "B": "b{A}", "EMPTY": "", "RAW": "\udcff"}, None)
    assert Text("{A}/{B}").read(job) == "a/b{A}"
    assert Text("{A}/{MISSING}").read(job) is None
    assert Text("{A}/{EMPTY}").read(job) is None
    assert Text("{A}", r"(?P<value>b)").read(job) is None
    assert Text("constant").read(job) == "constant"
    assert Text("{RAW}").read(job) == "?"


@pytest.mark.parametrize("module", [module for module, _ in PRESENT])
def test_a_systems_attributes_are_of_the_registry(module: str) -> None:
    known = {value for name, value in vars(attributes).items() if name.isupper()}
    assert set(importlib.import_module(f"otel_vsm.ci.{module}").SYSTEM.attributes) <= known
