"""By which definitions a scenario is derived, and asked."""

import json
from functools import cache
from typing import Any

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.derive.definitions import Definitions
from otel_vsm_collector.facts.by_profile import Facts


def definitions(scenario: dict[str, Any], profile: str | None = None) -> Definitions:
    """What a scenario is derived by, or asks a figure to be computed by."""
    return _definitions(json.dumps(scenario.get("settings", {})), profile)


def facts(scenario: dict[str, Any], profile: str | None = None) -> Facts:
    """The facts as a profile has them, the same object each time: compiled questions are known by it."""
    return _facts(json.dumps(scenario.get("settings", {})), profile)


@cache
def _facts(settings: str, profile: str | None) -> Facts:
    return Facts(_definitions(settings, profile), _definitions(settings, None))


@cache
def _definitions(settings: str, profile: str | None) -> Definitions:
    declared = Declared.model_validate(json.loads(settings))
    return Definitions(declared, declared.profile_named(profile))
