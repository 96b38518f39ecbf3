"""Every scenario file, told by the reference: what it expects is no peculiarity of the product.

What the reference keeps in another shape, or not at all, is left to the product's own test.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.zones import edges
from reference import lists
from reference.changes import Change
from reference.dora import dora
from reference.flow import flow
from reference.stages import stages
from reference.story import Facts, Question, Story
from reference.tables import change_row, delivery_table, deployment_row, incident_row, run_row
from scenarios.definitions import definitions
from scenarios.events import change_id, spans
from scenarios.offsets import BEGIN_NS, offset_ns
from scenarios.reading import load, scenario_files

_COMPLETE = ("stages", "carried", "legs", "change", "deployment", "incident", "stage_run", "delivery")
"""Where every row that is expected has to be there; of their columns the reference may know fewer."""


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    scenario = load(path)
    ledger = spans(scenario["events"])
    declared = definitions(scenario).declared
    facts = Facts((row for row, _ in ledger), (link for _, links in ledger for link in links), declared)
    for expect in scenario["expect"] if isinstance(scenario["expect"], list) else [scenario["expect"]]:
        asked = dict(expect.get("asked", {}))
        story = Story(facts, declared.profile_named(asked.pop("profile", None)))
        step = asked.pop("step", None)
        window = asked.pop("window", scenario.get("window", ["-1000d", "1000d"]))
        from_ns, to_ns = (BEGIN_NS + offset_ns(edge) for edge in window)
        question = Question(from_ns=from_ns, to_ns=to_ns, **asked)
        if step:
            cuts = edges(step, question.time_zone, from_ns, to_ns, 1000)
            parts = [
                dora(story, Question(from_ns=start, to_ns=end, **asked)) for start, end in pairwise(cuts)
            ]
            _compare(parts, expect["series"], "series")
        for name, found in _told(story, question, expect).items():
            _compare(found, _spelled(name, expect[name]), name)


def _told(story: Story, question: Question, expect: dict[str, Any]) -> dict[str, Any]:
    """What the reference says of the parts of a scenario's expectations."""
    facts = story.facts
    told = {
        "figures": lambda: dora(story, question),
        "flow": lambda: flow(story, question),
        "stages": lambda: {row["name"]: row for row in stages(story, question)},
        "carried": lambda: {name: set(changes) for name, changes in story.carried.items()},
        "legs": lambda: {row["id"]: row["legs"] for row in lists.changes(story, question)},
        "change": lambda: {
            name: change_row(change) | _start(change, story.profile) for name, change in facts.changes.items()
        },
        "deployment": lambda: {name: deployment_row(story, one) for name, one in facts.deployments.items()},
        "incident": lambda: {name: incident_row(story, one) for name, one in facts.incidents.items()},
        "stage_run": lambda: {run.stage: run_row(run) for run in facts.runs},
        "delivery": lambda: {key[0]: row for key, row in delivery_table(story).items()},
    }
    return {name: tell() for name, tell in told.items() if name in expect}


def _start(change: Change, profile: Profile) -> dict[str, Any]:
    method, at = change.start(profile) or (None, None)
    return {"start_method": method, "started_at": at}


def _spelled(name: str, expected: Any) -> Any:
    """Expectations with changes and times as the reference has them."""
    if name == "carried":
        return {key: {change_id(change) for change in changes} for key, changes in expected.items()}
    if name in ("change", "delivery", "legs"):
        expected = {change_id(key): row for key, row in expected.items()}
    if name in ("figures", "flow", "stages", "legs"):
        return expected
    return {
        key: row
        and {
            column: BEGIN_NS + offset_ns(value) if column.endswith("_at") and value is not None else value
            for column, value in row.items()
        }
        for key, row in expected.items()
    }


def _compare(found: Any, expected: Any, where: str) -> None:
    """Compares key by key and item by item; a row of which nothing is expected must not be there."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if value is None and where in ("change", "deployment", "delivery"):
                assert key not in found, (where, key)
            elif key in found or where in _COMPLETE:
                _compare(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            _compare(found[place], value, f"{where}[{place}]")
    elif not where.endswith(".reason"):  # in the reference a word, in the product a sentence
        assert found == _plain(expected), where


def _plain(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
