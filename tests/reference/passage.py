"""How runs and deployments pass: what comes back, what changes hands, what is promoted or taken back."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

from reference.changes import SECOND
from reference.incidents import PRODUCTION
from reference.runs import BAD, Run, flaky_runs
from reference.statistics import ratio, statistic
from reference.story import Story
from scenarios.question import Question


def passing_runs(story: Story, question: Question) -> list[Run]:
    """The runs that pass the filters, of any time; work before any deployment is for every environment."""
    return [run for run in story.facts.runs if story.passes_row(run.row, question)]


def runs_that_ended(story: Story, question: Question) -> list[Run]:
    """Those of them that ended in the window."""
    return [run for run in passing_runs(story, question) if question.within(run.end)]


def rates(runs: list[Run], question: Question) -> dict[str, float]:
    """How many changes a day arrived in a stage, and left it, of all runs of the stage."""
    arrived = [run for run in runs if run.first_run and question.within(run.start)]
    left = [run for run in runs if run.complete_accurate is not None and question.within(run.end)]
    return {
        "arrivals_per_day": len(arrived) / question.days,
        "departures_per_day": len(left) / question.days,
    }


def flaky_among(story: Story, runs: list[Run]) -> list[Run]:
    """The runs that passed where the same had failed before, although nothing had changed."""
    flaky = [run for change in story.facts.changes.values() for run in flaky_runs(story.runs_of(change))]
    return [run for run in runs if run in flaky]


def passage(story: Story, question: Question) -> dict[str, Any]:
    """Rework, rolled %C/A, pipelines and tests; stages in quarantine are no part of them."""
    ended = runs_that_ended(story, question)
    sound = [run for run in ended if not run.row["quarantined"]]
    rework = len([run for run in sound if run.rework])
    tests = _tests(sound)
    return {
        "rework": {
            "rework_runs": rework,
            "runs": len(sound),
            "ratio": ratio(rework, len(sound)),
            "flaky_runs": len(flaky_among(story, sound)),
        },
        "rolled_complete_accurate": _rolled(sound),
        "pipeline": _pipelines(sound),
        "tests": tests | {"quarantined": _tests([run for run in ended if run.row["quarantined"]])},
    }


def _rolled(runs: list[Run]) -> float | None:
    """The product over the stages that any change left."""
    left: dict[str, list[bool]] = defaultdict(list)
    for run in runs:
        if run.complete_accurate is not None:
            left[run.stage].append(run.complete_accurate)
    return prod(sum(of_stage) / len(of_stage) for of_stage in left.values()) if left else None


def _pipelines(runs: list[Run]) -> dict[str, Any]:
    """Of the changes' revisions that were worked on, how many went through without a failure."""
    groups: dict[tuple[str, str], bool] = {}
    for run in runs:
        if run.change is not None and run.row["revision"] is not None and run.row["stage_type"] != "deploy":
            key = (run.change, run.row["revision"])
            groups[key] = groups.get(key, True) and run.row["result"] not in BAD
    succeeded = sum(groups.values())
    return {"pipelines": len(groups), "succeeded": succeeded, "ratio": ratio(succeeded, len(groups))}


def _tests(runs: list[Run]) -> dict[str, Any]:
    """Of the runs of tests that came to a result, how many passed."""
    tests = [run for run in runs if run.row["stage_type"] == "test"]
    passed = len([run for run in tests if run.succeeded])
    failed = len([run for run in tests if run.row["result"] in BAD])
    return {"passed": passed, "failed": failed, "ratio": ratio(passed, passed + failed)}


def handoffs(story: Story, question: Question) -> dict[str, Any]:
    """Neighbouring runs of different teams: how often, and how long the work lay between them."""
    pairs: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for change in story.changes(question):
        if question.service is not None and question.service not in change.services:
            continue
        ordered = sorted(story.runs_of(change), key=lambda run: run.begun_order)
        for before, run in pairwise(ordered):
            teams = before.row["team"], run.row["team"]
            if None not in teams and teams[0] != teams[1] and question.within(run.start):
                pairs[teams].append(run.wait_s)
    waits = [wait for of_pair in pairs.values() for wait in of_pair]
    order = sorted(pairs, key=lambda teams: (-len(pairs[teams]), teams))
    return {
        "count": len(waits),
        "wait_time": statistic(waits, story.profile.median),
        "pairs": [
            {
                "from_team": teams[0],
                "to_team": teams[1],
                "count": len(pairs[teams]),
                "wait_time": statistic(pairs[teams], story.profile.median),
            }
            for teams in order
        ],
    }


def promotion_times(story: Story, question: Question) -> list[float]:
    """How long an artifact took from another environment to the one that is asked for."""
    there = replace(question, environment=question.environment or PRODUCTION)
    here: dict[tuple[str, str], int] = {}
    elsewhere: dict[tuple[str, str], int] = {}
    for deployment in story.deployments(replace(question, environment=None)):
        if deployment.done and deployment.artifact is not None:
            key = (deployment.service, deployment.artifact)
            place = here if story.in_environment(deployment.environment, there) else elsewhere
            place[key] = min(deployment.finished_at, place.get(key, deployment.finished_at))
    return [
        (at - elsewhere[key]) / SECOND
        for key, at in here.items()
        if key in elsewhere and at > elsewhere[key] and question.within(at)
    ]


def rollbacks(story: Story, question: Question) -> dict[str, Any]:
    """The rollbacks among the successful deployments of the window."""
    done = [
        deployment
        for deployment in story.deployments(question)
        if deployment.done and question.within(deployment.finished_at)
    ]
    back = [one for one in done if one.id in story.remedies and story.remedies[one.id].method == "rollback"]
    return {
        "rollbacks": len(back),
        "deployments": len(done),
        "ratio": ratio(len(back), len(done)),
        "per_day": len(back) / question.days,
    }
