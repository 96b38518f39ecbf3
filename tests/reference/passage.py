"""How runs and deployments pass: what comes back, what changes hands, what is promoted or taken back."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

from reference.changes import SECOND
from reference.executions import Execution
from reference.incidents import PRODUCTION
from reference.rows import distinct, smallest
from reference.runs import BAD, Run
from reference.statistics import ratio, statistic
from reference.story import Story, in_stream
from scenarios.question import Question


def passing_runs(story: Story, question: Question) -> list[Run]:
    """The runs that pass the filters, of any time; work before any deployment is for every environment."""
    return [run for run in story.facts.runs if story.passes_row(run.row, question)]


def passing_executions(story: Story, question: Question) -> list[Execution]:
    """The same of executions; one of several teams is each one's."""
    return [one for one in story.facts.executions if _passes(story, question, one.runs)]


def _passes(story: Story, question: Question, runs: list[Run]) -> bool:
    rows = [run.row for run in runs]
    service, environment, repository = (
        rows[0]["service"],
        rows[0]["environment"],
        smallest(rows, "repository"),
    )
    return (
        question.service in (None, service)
        and (environment is None or story.in_environment(environment, question))
        and question.repository in (None, repository)
        and (question.team is None or question.team in distinct(rows, "team"))
        and in_stream(
            story.facts.declared,
            question,
            named=distinct(rows, "value_stream"),
            services=[service],
            repository=repository,
            teams=distinct(rows, "team"),
            stage=rows[0]["stage_name"],
        )
    )


def rates(executions: list[Execution], question: Question) -> dict[str, float]:
    """How many changes a day arrived in a stage, and left it, of all executions of the stage."""
    arrived = [one for one in executions if one.first_execution and question.within(one.start)]
    left = [one for one in executions if one.complete_accurate is not None and question.within(one.end)]
    return {
        "arrivals_per_day": len(arrived) / question.days,
        "departures_per_day": len(left) / question.days,
    }


def passage(story: Story, question: Question) -> dict[str, Any]:
    """Rework, rolled %C/A, pipelines and tests; stages in quarantine are no part of them."""
    every = [one for one in passing_executions(story, question) if not one.quarantined]
    ended = [one for one in every if question.within(one.end)]
    rework = len([one for one in ended if one.rework])
    runs = [run for run in passing_runs(story, question) if question.within(run.end)]
    return {
        "rework": {
            "rework_runs": rework,
            "executions": len(ended),
            "ratio": ratio(rework, len(ended)),
            "flaky_runs": len([one for one in ended if one.flaky]),
        },
        "rolled_complete_accurate": _rolled(ended),
        "pipeline": _pipelines(every, question),
        "tests": _tests([run for run in runs if not run.row["quarantined"]])
        | {"quarantined": _tests([run for run in runs if run.row["quarantined"]])},
    }


def _rolled(executions: list[Execution]) -> float | None:
    """The product over the stages that any change left."""
    left: dict[str, list[bool]] = defaultdict(list)
    for one in executions:
        if one.complete_accurate is not None:
            left[one.stage].append(one.complete_accurate)
    return prod(sum(of_stage) / len(of_stage) for of_stage in left.values()) if left else None


def _pipelines(executions: list[Execution], question: Question) -> dict[str, Any]:
    """Of the runs of pipelines that ended, of how many the last attempt went through."""
    groups: dict[tuple[str, str], list[Execution]] = defaultdict(list)
    for one in executions:
        if one.change is not None and one.pipeline_run is not None and one.last_attempt:
            groups[one.change, one.pipeline_run].append(one)
    results = [
        {one.result for one in group} - {"skip"}
        for group in groups.values()
        if question.within(max(one.end for one in group))
    ]
    counted = [of_run for of_run in results if of_run]
    succeeded = len([of_run for of_run in counted if of_run == {"success"}])
    return {"pipelines": len(counted), "succeeded": succeeded, "ratio": ratio(succeeded, len(counted))}


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
