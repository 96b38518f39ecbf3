"""What is worth a look in the figures, asked of the API."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from demo.history import DAYS
from otel_vsm.semconv import DeploymentKind, EventName, FailureMethod

WINDOW = f"{DAYS}d"

# By the methods that the API names.
_FAILED = {
    FailureMethod.INCIDENT_LINK: "{}, which names it",
    FailureMethod.INCIDENT_WINDOW: "{}, which began soon after it",
    FailureMethod.ROLLBACK: "it was rolled back",
    FailureMethod.HOTFIX: "a hotfix followed",
}
_RECOVERED = {
    "incident": "the end of the incident",
    DeploymentKind.ROLLBACK: "a rollback",
    DeploymentKind.HOTFIX: "a hotfix",
}


def findings(web: str) -> Iterator[str]:
    """One line each; `web` is HOST:PORT."""
    yield from _failed_deployments(web)
    yield from _incidents(web)
    yield from _approvals(web)
    yield from _tests(web)


def _failed_deployments(web: str) -> Iterator[str]:
    for deployment in items(web, "deployments"):
        if not deployment["failed"]:
            continue
        failure, recovery = deployment["failure"], deployment["recovery"]
        cause = _FAILED.get(failure["method"], failure["method"]).format(failure["incident_id"])
        line = f"{_deployment_name(deployment)} failed: {cause}"
        if deployment["recovered_at"]:
            took = _duration(deployment["finished_at"], deployment["recovered_at"])
            line += f"; users were well after {took}, by {_RECOVERED[recovery['method']]}"
        yield line + "."


def _incidents(web: str) -> Iterator[str]:
    for incident in items(web, "incidents"):
        if incident["resolved_at"] is None:
            cause = incident["deployment_id"] or "no deployment that is known"
            yield f"{incident['id']} of {incident['service']} is not over; behind it is {cause}."
        elif incident["deployment_id"] is None:
            yield f"{incident['id']} of {incident['service']} had no deployment behind it."


def _approvals(web: str) -> Iterator[str]:
    answers = {EventName.APPROVAL_GRANTED, EventName.APPROVAL_DENIED}
    waiting = {
        change["id"]: change["events"][EventName.APPROVAL_REQUESTED]
        for change in items(web, "changes")
        if EventName.APPROVAL_REQUESTED in change["events"] and not answers & change["events"].keys()
    }
    if waiting:
        first = min(waiting, key=lambda change: waiting[change])
        wait = "1 change waits" if len(waiting) == 1 else f"{len(waiting)} changes wait"
        yield f"{wait} for an approval, {first} since {_day(waiting[first])}."


def _tests(web: str) -> Iterator[str]:
    for stage in items(web, "stages"):
        if stage["name"] == "test":
            share = f"{100 * (1 - stage['first_pass_yield']):.0f} %"
            yield f"{share} of the changes failed their first test; some passed the second without a change."


def items(web: str, collection: str) -> list[dict[str, Any]]:
    """All items of a list of the API in the window, page by page."""
    results: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        paging = {"cursor": cursor} if cursor else {}
        query = urlencode({"window": WINDOW, **paging})
        with urlopen(f"http://{web}/api/v1/{collection}?{query}", timeout=30) as response:
            page = json.load(response)
        results += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return results


def _deployment_name(deployment: dict[str, Any]) -> str:
    return f"{deployment['service']} {deployment['version']} of {_day(deployment['finished_at'])}"


def _duration(start: str, end: str) -> str:
    minutes = round((_time(end) - _time(start)) / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _day(at: str) -> str:
    return f"{_time(at):%d %B}".lstrip("0")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
