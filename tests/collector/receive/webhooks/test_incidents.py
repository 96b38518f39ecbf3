"""What tools for incidents and alerts tell, as the events that follow from it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from otel_vsm_collector.receive.webhooks import alertmanager, github, grafana, opsgenie, pagerduty
from otel_vsm_collector.receive.webhooks.declared import Webhook
from otel_vsm_collector.receive.webhooks.notification import Translate, Translation, severity_of

WEBHOOK = Webhook(secret="s", environment="live", services={"Shop (EU)": "shop"})
SECOND_NS = 1_000_000_000
START_S = 1_772_452_800  # 2026-03-02T12:00:00Z


def events(translation: Translation) -> dict[str, int]:
    """The events by their names, in seconds after noon."""
    return {str(one.name): one.start_ns // SECOND_NS - START_S for one in translation.records}


def said(translation: Translation) -> set[tuple[Any, ...]]:
    keys = (
        "vsm.incident.id",
        "service.name",
        "deployment.environment.name",
        "vsm.incident.severity",
    )
    return {tuple(one.attributes.get(key) for key in keys) for one in translation.records}


def pager(kind: str, **more: Any) -> dict[str, Any]:
    data = {
        "id": "Q1",
        "created_at": "2026-03-02T12:00:00Z",
        "service": {"summary": "Shop (EU)"},
        "urgency": "low",
        "priority": {"summary": "P1"},
    }
    return {
        "event": {"id": "01", "event_type": kind, "occurred_at": "2026-03-02T12:30:00Z", "data": data, **more}
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("incident.triggered", {"incident.detected": 0}),
        ("incident.acknowledged", {"incident.detected": 0, "incident.acknowledged": 1800}),
        ("incident.resolved", {"incident.detected": 0, "incident.resolved": 1800}),
        ("incident.annotated", {}),
    ],
)
def test_pagerduty(kind: str, expected: dict[str, int]) -> None:
    told = pagerduty.translate({}, pager(kind), WEBHOOK)
    assert events(told) == expected
    if expected:
        assert said(told) == {("Q1", "shop", "live", "critical")}
        assert {one.attributes["cloudevents.event_id"] for one in told.records} == {"01"}


def test_pagerduty_opened_again_is_detected_again() -> None:
    told = pagerduty.translate({}, pager("incident.reopened"), WEBHOOK)
    assert [(str(one.name), one.start_ns // SECOND_NS - START_S) for one in told.records] == [
        ("incident.detected", 0),
        ("incident.detected", 1800),
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("Create", {"incident.detected": 0}),
        ("Acknowledge", {"incident.detected": 0, "incident.acknowledged": 600}),
        ("Close", {"incident.detected": 0, "incident.resolved": 600}),
        ("AddNote", {}),
    ],
)
def test_opsgenie(action: str, expected: dict[str, int]) -> None:
    alert = {
        "alertId": "A1",
        "createdAt": START_S * 1000,
        "updatedAt": (START_S + 600) * SECOND_NS,
        "priority": "P3",
        "details": {"service": "shop", "environment": "production"},
    }
    told = opsgenie.translate({}, {"action": action, "alert": alert}, WEBHOOK)
    assert events(told) == expected
    assert said(told) == ({("A1", "shop", "production", "medium")} if expected else set())


def test_opsgenie_without_a_service_says_what_to_do() -> None:
    told = opsgenie.translate({}, {"action": "Create", "alert": {"alertId": "A1"}}, WEBHOOK)
    assert not told.records
    assert "service" in told.missing


@pytest.mark.parametrize("translate", [alertmanager.translate, grafana.translate])
def test_alerts(translate: Translate) -> None:
    labels = {"service": "shop", "env": "production", "severity": "warning"}
    firing = {
        "status": "firing",
        "fingerprint": "f1",
        "labels": labels,
        "startsAt": "2026-03-02T12:00:00.5Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    over = {**firing, "status": "resolved", "endsAt": "2026-03-02T12:10:00Z"}
    nobody = {**firing, "labels": {"severity": "critical"}}
    first = translate({}, {"alerts": [firing, nobody]}, WEBHOOK)
    last = translate({}, {"alerts": [over]}, WEBHOOK)
    assert events(first) == {"incident.started": 0}
    assert events(last) == {"incident.started": 0, "incident.resolved": 600}
    assert said(first) == said(last) == {(f"f1-{START_S}", "shop", "production", "medium")}


def test_alerts_of_no_service_say_what_to_do() -> None:
    told = alertmanager.translate({}, {"alerts": [{"status": "firing", "labels": {}}]}, WEBHOOK)
    assert not told.records
    assert "service" in told.missing


def test_only_issues_with_the_label_are_incidents() -> None:
    def opened(*labels: str, **more: Any) -> Translation:
        issue = {
            "number": 3,
            "created_at": "2026-03-02T12:00:00Z",
            "labels": [{"name": label} for label in labels],
            **more,
        }
        repository = {"html_url": "https://github.com/acme/shop"}
        body = {"action": "opened", "repository": repository, "issue": issue}
        return github.translate(
            {"x-github-event": "issues"}, body, Webhook(secret="s", incident_label="Outage")
        )

    assert not opened("bug").records
    assert not opened("outage", pull_request={}).records
    told = opened("outage", "sev-2", "service: checkout", "env: staging")
    assert said(told) == {("github.com/acme/shop/issues/3", "checkout", "staging", "high")}
    assert said(opened("outage")) == {("github.com/acme/shop/issues/3", "shop", "production", None)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("P1",), "critical"),
        (("SEV-2",), "high"),
        (("severity::medium",), "medium"),
        (("unknown", "priority: low"), "low"),
        ((None, "bug"), None),
    ],
)
def test_words_for_severities(words: tuple[Any, ...], expected: str | None) -> None:
    assert severity_of(*words) == expected


ODD: list[Mapping[str, Any]] = [
    {},
    {"event": 5},
    {"event": {"event_type": "incident.triggered", "data": []}},
    {"alerts": 5},
    {"alerts": [None, {"labels": 5, "startsAt": [], "fingerprint": {}}]},
    {"action": "Close", "alert": {"alertId": 5, "entity": "x", "createdAt": "soon", "updatedAt": True}},
    json.loads('{"action": "Create", "alert": {"alertId": "a", "details": [1], "entity": {"a": 1}}}'),
]


@pytest.mark.parametrize("body", ODD)
@pytest.mark.parametrize("source", [alertmanager, opsgenie, pagerduty])
def test_what_is_not_as_documented_tells_nothing(source: Any, body: Mapping[str, Any]) -> None:
    assert source.translate({}, body, WEBHOOK).records == ()
