"""Scenario files, read: nothing in them goes by unseen."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scenarios.events import Event
from scenarios.keys import refuse_unknown
from scenarios.names import change_id
from scenarios.offsets import moment_ns
from scenarios.product import Settings
from scenarios.question import Question

CASES = Path(__file__).parent / "cases"
EMITTERS = Path(__file__).parent / "emitters"
"""Spans as other tools send them, a file or several for each."""
EVER = ("-1000d", "1000d")
TABLES = ("deployment", "incident", "change", "delivery", "identity", "stage_run")
"""Of facts that a scenario can look into."""
_OF_CHANGES = ("legs", "change", "delivery", "identity")
"""Parts whose rows are named as a scenario names changes."""
_PARTS = ("figures", "flow", "stages", "carried", "legs", "series", *TABLES)
_FILTERS = ("service", "environment", "repository", "team", "value_stream", "severity", "time_zone")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What has to follow, where this is asked."""

    question: Question
    profile: str | None
    step: Any
    """Into which parts the window is cut: `day`, `week` or `month`."""
    parts: dict[str, Any]
    """Part of the expectation → what it says, with ids and times as the ledger has them. Of rows that are
    None, none may be there."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    events: list[Event]
    settings: Settings
    expectations: list[Expectation]


def scenario_files() -> list[Path]:
    return [*sorted(CASES.glob("*.yaml")), *sorted(EMITTERS.glob("*.yaml"))]


def load(path: Path) -> Scenario:
    """The scenario of a file. Raises ValueError, with the file's name, where it says what means nothing."""
    try:
        return read(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def read(text: str) -> Scenario:
    """The scenario that a text describes. Raises ValueError where it says what means nothing."""
    said = yaml.load(text, _Loader)
    refuse_unknown(said, ("topic", "why", "events", "expect", "settings", "window"), "a scenario")
    expected = said["expect"] if isinstance(said["expect"], list) else [said["expect"]]
    settings = said.get("settings", {})
    around = {"window": said.get("window", EVER), "time_zone": settings.get("time_zone", "UTC")}
    return Scenario(
        events=said["events"],
        settings=settings,
        expectations=[_expectation(dict(one), around) for one in expected],
    )


def _expectation(said: dict[str, Any], around: dict[str, Any]) -> Expectation:
    asked = said.pop("asked", {})
    refuse_unknown(asked, ("window", "profile", "step", *_FILTERS), "asked")
    asked = around | asked
    refuse_unknown(said, ("asked", *_PARTS), "an expectation")
    for place in _silent(said, "an expectation" if not said else ""):
        raise ValueError(f"{place} says nothing: name what is expected, or leave it out")
    profile, step = asked.pop("profile", None), asked.pop("step", None)
    if ("series" in said) != (step is not None):
        raise ValueError("a series is what is expected where `asked` has a `step`, and nowhere else")
    from_ns, to_ns = (moment_ns(edge) for edge in asked.pop("window"))
    return Expectation(
        question=Question(from_ns=from_ns, to_ns=to_ns, **asked),
        profile=profile,
        step=step,
        parts={name: _spelled(name, part) for name, part in said.items()},
    )


def _silent(said: Any, where: str) -> Iterator[str]:
    """The places where an expectation is an empty mapping. An empty list says that there are none."""
    if said == {}:
        yield where
    within = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, part in within:
        yield from _silent(part, f"{where}.{key}" if where else str(key))


def _spelled(name: str, part: Any) -> Any:
    """A part with changes and times as the ledger has them."""
    if name == "carried":
        return {deployment: {change_id(change) for change in of} for deployment, of in part.items()}
    if name in _OF_CHANGES:
        part = {change_id(change): row for change, row in part.items()}
    if name in TABLES:
        return {
            key: row and {column: _value(column, one) for column, one in row.items()}
            for key, row in part.items()
        }
    return part


def _value(column: str, value: Any) -> Any:
    return moment_ns(value) if column.endswith("_at") and value is not None else value


class _Loader(yaml.SafeLoader):
    """Refuses keys that are given twice, of which YAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"line {node.start_mark.line + 1}: {key!r} is given twice")
        return super().construct_mapping(node, deep)
