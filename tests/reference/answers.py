"""The reference's answers by the names of the figures, in the shape of the product's side."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from reference import lists
from reference.dora import dora
from reference.flow import flow
from reference.health import health
from reference.stages import stages
from reference.story import Story, cuts
from scenarios.question import Question

Place = tuple[str | None, str]
"""A service and an environment."""


def dora_by_service(story: Story, question: Question) -> dict[Place, Any]:
    """By service and environment."""
    places = {
        deployment.place
        for deployment in story.facts.deployments.values()
        if story.in_environment(deployment.environment, question)
        and question.service in (None, deployment.service)
    }
    places |= {
        (service, incident.environment)
        for incident in story.incidents(question)
        for service in incident.services
        if question.service in (None, service)
    }
    return with_something(
        {
            (service, environment): dora(
                story,
                replace(question, service=service, environment=environment, environment_is_name=True),
            )
            for service, environment in places
        }
    )


def with_something(figures: Mapping[Any, Any]) -> dict[Place, Any]:
    """Those of a service that tell of anything: an empty row says nothing."""
    return {
        place: rows
        for place, rows in figures.items()
        if place[0] is not None
        and any(row.get("count") or row.get("deployments") or row.get("failed") for row in rows.values())
    }


def series(story: Story, question: Question) -> list[dict[str, Any]]:
    """The parts of the window, one by one."""
    return [
        dora(story, replace(question, from_ns=start, to_ns=end))
        for start, end in pairwise(cuts(question.from_ns, question.to_ns))
    ]


ANSWERS: dict[str, Callable[[Story, Question], Any]] = {
    "dora": dora,
    "dora_by_service": dora_by_service,
    "series": series,
    "stages": lambda story, question: {row["name"]: row for row in stages(story, question)},
    "flow": flow,
    "health": health,
    "changes": lambda story, question: _by_id(lists.changes(story, question)),
    "deployments": lambda story, question: _by_id(lists.deployments(story, question)),
    "incidents": lambda story, question: _by_id(lists.incidents(story, question)),
}


def _by_id(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in items}
