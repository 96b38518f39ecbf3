"""Every scenario file, told by the reference: what it expects is no peculiarity of the product."""

from collections.abc import Callable
from dataclasses import replace
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
from reference.story import Facts, Story
from reference.tables import change_row, delivery_table, deployment_row, incident_row, run_row
from scenarios.comparison import check, check_rows
from scenarios.events import spans
from scenarios.product import definitions
from scenarios.question import Question
from scenarios.reading import TABLES, load, scenario_files


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    scenario = load(path)
    ledger = spans(scenario.events)
    declared = definitions(scenario.settings).declared
    facts = Facts((row for row, _ in ledger), (link for _, links in ledger for link in links), declared)
    for expectation in scenario.expectations:
        story, question = Story(facts, declared.profile_named(expectation.profile)), expectation.question
        parts = dict(expectation.parts)
        # The reference knows changes by their names only, and no names without a change.
        parts.pop("identity", None)
        if series := parts.pop("series", None):
            cuts = edges(expectation.step, question.time_zone, question.from_ns, question.to_ns, 1000)
            each = [dora(story, replace(question, from_ns=start, to_ns=end)) for start, end in pairwise(cuts)]
            check(each, series, "series")
        for name, expected in parts.items():
            expected = _without(NOT_KEPT.get(name, set()), expected)
            (check_rows if name in TABLES else check)(ANSWERS[name](story, question), expected, name)


def _without(keys: set[str], expected: Any) -> Any:
    if isinstance(expected, dict):
        return {key: _without(keys, part) for key, part in expected.items() if key not in keys}
    return expected


def _with_start(change: Change, profile: Profile) -> dict[str, Any]:
    method, at = change.start(profile) or (None, None)
    return change_row(change) | {"start_method": method, "started_at": at}


ANSWERS: dict[str, Callable[[Story, Question], Any]] = {
    "figures": dora,
    "flow": flow,
    "stages": lambda story, question: {row["name"]: row for row in stages(story, question)},
    "carried": lambda story, _: {name: set(changes) for name, changes in story.carried.items()},
    "legs": lambda story, question: {row["id"]: row["legs"] for row in lists.changes(story, question)},
    "change": lambda story, _: {
        name: _with_start(change, story.profile) for name, change in story.facts.changes.items()
    },
    "deployment": lambda story, _: {
        name: deployment_row(story, one) for name, one in story.facts.deployments.items()
    },
    "incident": lambda story, _: {
        name: incident_row(story, one) for name, one in story.facts.incidents.items()
    },
    "stage_run": lambda story, _: {run.stage: run_row(run) for run in story.facts.runs},
    "delivery": lambda story, _: {key[0]: row for key, row in delivery_table(story).items()},
}
"""Part of an expectation → what the reference says of it."""
NOT_KEPT = {"change": {"current_stage", "current_stage_at"}, "flow": {"reason"}}
"""Part of an expectation → what in it is left to the product's own test: where a change is the reference says
only with the work in progress, and why something is a bottleneck in a word instead of a sentence."""
