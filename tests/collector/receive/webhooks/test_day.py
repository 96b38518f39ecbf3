"""Webhooks as they are sent to a collector, and the figures that follow from them alone."""

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from handmade.webhooks import GITHUB, GITLAB, SECRET, Hook, github, github_day, gitlab_day, signed
from otel_vsm.testing import RunningCollector, collector


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]


def post(running: RunningCollector, path: str, hook: Hook) -> Answer:
    connection = http.client.HTTPConnection(running.otlp().removeprefix("http://"), timeout=20)
    connection.request("POST", path, hook.body, dict(hook.headers))
    response = connection.getresponse()
    return Answer(response.status, json.load(response))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    folder = tmp_path_factory.mktemp("webhooks")
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "webhooks.yaml").write_text(
        f"webhooks:\n  github: {{secret_file: secret}}\n  gitlab: {{secret: {SECRET}}}\n"
    )
    with collector("--webhooks", str(folder / "webhooks.yaml")) as one:
        yield one


@pytest.fixture(scope="module")
def told(running: RunningCollector) -> RunningCollector:
    """Both days, in any order, and some of it twice."""
    hooks = [("/webhooks/github", hook) for hook in github_day()]
    hooks += [("/webhooks/gitlab", hook) for hook in gitlab_day()]
    shuffled = random.Random(5)
    hooks += shuffled.sample(hooks, 12)
    shuffled.shuffle(hooks)
    for path, hook in hooks:
        assert post(running, path, hook).status == 200
    return running


DAYS = pytest.mark.parametrize(("service", "repository"), [("shop", GITHUB), ("till", GITLAB)])
WINDOW = {"from_": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}


@DAYS
def test_a_day_gives_figures(told: RunningCollector, service: str, repository: str) -> None:
    dora = told.get("/api/v1/dora", service=service, **WINDOW)
    assert dora["change_lead_time"]["count"] == 2
    assert dora["change_lead_time"]["mean"] == (13_200 + 2_700) / 2
    assert dora["deployment_frequency"]["deployments"] == 2
    assert (dora["change_fail_rate"]["failed"], dora["change_fail_rate"]["ratio"]) == (1, 0.5)
    assert (dora["time_to_restore"]["count"], dora["time_to_restore"]["mean"]) == (1, 3_600)
    # From 11:40, when it was deployed, to 13:00, when the incident was over.
    assert dora["failed_deployment_recovery_time"]["mean"] == 4_800


@DAYS
def test_a_lead_time_has_all_its_legs(told: RunningCollector, service: str, repository: str) -> None:
    change = told.get(f"/api/v1/changes/{quote(f'{repository}#12', safe='')}")
    assert change["lead_time_s"] == 13_200
    legs = {name: length for name, length in change["legs"].items() if length is not None}
    assert legs == {
        "coding_s": 3_600,
        "pickup_s": 3_600,
        "review_s": 3_600,
        "release_s": 1_800,
        "deploy_s": 600,
        "merge_to_deployed_s": 2_400,
    }


@DAYS
def test_nothing_is_told_of_twice(told: RunningCollector, service: str, repository: str) -> None:
    changes = told.get("/api/v1/changes", repository=repository, **WINDOW)["items"]
    assert sorted(change["id"] for change in changes) == [f"{repository}#12", f"{repository}#13"]
    stages = told.get("/api/v1/stages", repository=repository, **WINDOW)["items"]
    build = next(stage for stage in stages if stage["name"] == "build")
    assert build["runs"] == 1
    assert build["process_time"]["mean"] == 300
    assert build["queue_time"]["mean"] == 60
    incidents = told.get("/api/v1/incidents", service=service, **WINDOW)["items"]
    assert [(one["severity"], one["attribution"]) for one in incidents] == [("high", "incident_window")]


def test_who_does_not_know_the_secret_is_refused(running: RunningCollector) -> None:
    hook = github("ping", {}, secret="another")
    unsigned = Hook({**hook.headers, "x-hub-signature-256": ""}, hook.body)
    changed = github("ping", {})._replace(body=hook.body + b" ")
    for wrong in (hook, unsigned, changed):
        answer = post(running, "/webhooks/github", wrong)
        assert answer.status == 401
        assert SECRET not in str(answer.body)


def test_what_is_not_switched_on_says_how(running: RunningCollector) -> None:
    answer = post(running, "/webhooks/pagerduty", github("ping", {}))
    assert answer.status == 404
    assert "--webhooks" in answer.body["message"]
    answer = post(running, "/webhooks/pagerdooty", github("ping", {}))
    assert answer.status == 404
    assert "/webhooks/pagerduty" in answer.body["message"]


def test_a_webhook_that_is_sent_as_otlp_is_shown_its_place(running: RunningCollector) -> None:
    answer = post(running, "/v1/traces", github("ping", {"zen": "Keep it logically awesome."}))
    assert answer.status == 400
    assert "/webhooks/github" in answer.body["message"]


def test_the_answer_says_what_was_made_of_it(running: RunningCollector) -> None:
    nothing = post(running, "/webhooks/github", github("ping", {}))
    assert nothing.body["spans"] == 0
    assert nothing.body["message"]
    merge = github_day()[8]
    assert post(running, "/webhooks/github", merge).body == {"spans": 2}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"5"])
def test_what_is_no_object_is_refused(running: RunningCollector, body: bytes) -> None:
    assert post(running, "/webhooks/github", signed({}, body)).status == 400
