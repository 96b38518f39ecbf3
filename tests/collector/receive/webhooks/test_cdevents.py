"""CDEvents over HTTP, in each of its modes, and what is made of them."""

import asyncio
import json
from typing import Any

import pytest

from otel_vsm_collector.receive.webhooks.cdevents import BATCH, STRUCTURED, NoEventError, translate
from otel_vsm_collector.receive.webhooks.declared import Webhooks
from otel_vsm_collector.receive.webhooks.http import WebhookReceiver
from otel_vsm_collector.spans.accept import Verdict, accept

PACKAGE = "pkg:oci/shop@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
DIGEST = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
ENVIRONMENT = {"id": "production"}
REPOSITORY = {"id": "acme/shop", "source": "https://git.example.org"}


def event(kind: str, subject: str, content: dict[str, Any], **context: Any) -> dict[str, Any]:
    """As version 0.4 has them."""
    said = {
        "version": "0.4.1",
        "id": f"id of {kind}",
        "source": "/ci/1",
        "type": f"dev.cdevents.{kind}.0.2.0",
        "timestamp": "2026-03-02T12:00:00.5Z",
    }
    return {"context": {**said, **context}, "subject": {"id": subject, "content": content}}


DEPLOYED = event("service.deployed", "shop", {"environment": ENVIRONMENT, "artifactId": PACKAGE})


@pytest.mark.parametrize(
    ("kind", "subject", "content", "expected"),
    [
        (
            "change.created",
            "12",
            {"repository": REPOSITORY},
            {"vsm.event.name": "change.opened", "vsm.change.id": "git.example.org/acme/shop#12"},
        ),
        (
            "change.merged",
            "a" * 40,
            {"repository": REPOSITORY},
            {"vsm.event.name": "change.merged", "vsm.change.id": f"git.example.org/acme/shop@{'a' * 40}"},
        ),
        ("change.reviewed", "12", {"repository": REPOSITORY}, {"vsm.event.name": "change.reviewed"}),
        ("change.abandoned", "12", {"repository": REPOSITORY}, {"vsm.event.name": "change.abandoned"}),
        (
            "artifact.packaged",
            PACKAGE,
            {"change": {"id": "12", "source": "git.example.org/acme/shop"}},
            {
                "vsm.stage.type": "package",
                "artifact.hash": DIGEST,
                "vsm.change.id": "git.example.org/acme/shop#12",
            },
        ),
        (
            "service.deployed",
            "shop",
            {"environment": ENVIRONMENT, "artifactId": PACKAGE},
            {
                "service.name": "shop",
                "deployment.environment.name": "production",
                "vsm.deployment.kind": "rollout",
                "artifact.hash": DIGEST,
                "deployment.id": "id of service.deployed",
            },
        ),
        ("service.rolledback", "shop", {"environment": ENVIRONMENT}, {"vsm.deployment.kind": "rollback"}),
        (
            "incident.detected",
            "I1",
            {"environment": ENVIRONMENT, "service": {"id": "shop"}},
            {"vsm.event.name": "incident.detected", "vsm.incident.id": "I1", "service.name": "shop"},
        ),
        (
            "incident.resolved",
            "I1",
            {"environment": ENVIRONMENT, "service": {"id": "shop"}},
            {"vsm.event.name": "incident.resolved"},
        ),
        ("ticket.created", "T1", {}, {"vsm.event.name": "work_item.created", "vsm.work_item.id": "T1"}),
    ],
)
def test_what_is_made_of_an_event(
    kind: str, subject: str, content: dict[str, Any], expected: dict[str, Any]
) -> None:
    (record,) = translate(event(kind, subject, content)).records
    assert {key: record.attributes.get(key) for key in expected} == expected
    assert record.start_ns == record.end_ns == 1_772_452_800_500_000_000
    assert record.attributes["cloudevents.event_id"] == f"id of {kind}"
    assert record.attributes["cloudevents.event_source"] == "/ci/1"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("taskrun.finished", {"taskName": "build", "outcome": "success"}),
        ("pipelinerun.started", {}),
        ("environment.created", {}),
        ("service.removed", {"environment": ENVIRONMENT}),
        ("service.deployed", {}),
        ("change.merged", {}),
        ("incident.detected", {"environment": ENVIRONMENT}),
    ],
)
def test_what_nothing_follows_from_is_taken_and_said(kind: str, content: dict[str, Any]) -> None:
    told = translate(event(kind, "one", content))
    assert told.records == ()
    assert kind.partition(".")[0] in told.missing


def test_version_0_5_calls_its_version_otherwise() -> None:
    newer = event("change.merged", "12", {"repository": REPOSITORY}, specversion="0.5.0", links=[])
    del newer["context"]["version"]
    older = event("change.merged", "12", {"repository": REPOSITORY})
    assert translate(newer) == translate(older)


@pytest.mark.parametrize("odd", [5, [], {}, {"context": 5}, {"context": {"type": "com.example.thing"}}])
def test_what_is_no_cdevent_is_refused(odd: Any) -> None:
    with pytest.raises(NoEventError, match=r"dev\.cdevents"):
        translate(odd)


def posted(content: Any, **headers: str) -> tuple[int, dict[str, Any], int]:
    """Status and body of the answer, and how many spans were handed on."""
    spans = 0

    async def export(payload: bytes) -> Verdict:
        nonlocal spans
        accepted = accept([payload])
        spans += accepted.counts.kept
        return accepted.verdicts[0]

    events = [{"type": "http.request", "body": json.dumps(content).encode(), "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "path": "/events",
        "method": "POST",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(WebhookReceiver(export, Webhooks(None))(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]), spans


CLOUD = {"specversion": "1.0", "id": "1", "source": "/ci/1", "type": "dev.cdevents.service.deployed.0.2.0"}


def test_binary_mode() -> None:
    ce = {f"ce_{name}": value for name, value in CLOUD.items()}
    assert posted(DEPLOYED, content_type="application/json", **ce) == (200, {"spans": 1}, 1)


@pytest.mark.parametrize("media_type", [f"{STRUCTURED}; charset=utf-8", "application/json"])
@pytest.mark.parametrize("data", [DEPLOYED, json.dumps(DEPLOYED)])
def test_structured_mode(media_type: str, data: Any) -> None:
    assert posted({**CLOUD, "data": data}, content_type=media_type) == (200, {"spans": 1}, 1)


def test_a_batch() -> None:
    merged = event("change.merged", "12", {"repository": REPOSITORY})
    task = event("taskrun.started", "1", {})
    batch = [{**CLOUD, "data": one} for one in (DEPLOYED, merged, task)]
    status, answer, spans = posted(batch, content_type=BATCH)
    assert (status, answer["spans"], spans) == (200, 2, 2)
    assert "taskrun" in answer["message"]


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        ([{**CLOUD, "data": DEPLOYED}] * 10_001, BATCH, 400),
        ({**CLOUD}, STRUCTURED, 400),
        ({**CLOUD, "data": "{"}, STRUCTURED, 400),
        (DEPLOYED, BATCH, 400),
        ({"a": 1}, "application/json", 400),
        (DEPLOYED, "text/plain", 415),
    ],
)
def test_what_cannot_be_an_event_is_refused(content: Any, media_type: str, status: int) -> None:
    answered, answer, spans = posted(content, content_type=media_type)
    assert (answered, spans) == (status, 0)
    assert answer["message"]
