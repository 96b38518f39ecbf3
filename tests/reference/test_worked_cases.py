"""The reference is believed for a reason: it tells the worked cases of the definitions."""

from collections.abc import Iterable
from typing import Any

import pytest

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.declared.profiles import DORA
from reference.dora import dora
from reference.flow import flow_efficiency, flow_times
from reference.rows import settled
from reference.story import Facts, Story
from scenarios.events import spans
from scenarios.names import change_id
from scenarios.offsets import BEGIN_NS, offset_ns
from scenarios.question import Question

EVER = Question(from_ns=BEGIN_NS + offset_ns("-1000d"), to_ns=BEGIN_NS + offset_ns("1000d"))


def story_of(events: Iterable[dict[str, Any]]) -> Story:
    ledger = spans(events)
    return Story(
        Facts((row for row, _ in ledger), (link for _, links in ledger for link in links), Declared()), DORA
    )


def failed(story: Story) -> set[str]:
    return set(story.judged.failures)


@pytest.mark.parametrize(
    ("deployed", "opened", "expected", "rate"),
    [
        (["0h", "42h"], "24h", {"D0"}, 0.5),
        (["24h", "66h"], "0h", set(), 0.0),
        (["0h", "42h"], "47h", {"D1"}, 0.5),
        ([], "0h", set(), None),
    ],
)
def test_change_fail_rate(deployed: list[str], opened: str, expected: set[str], rate: float | None) -> None:
    story = story_of(
        [
            *({"at": at, "deploy": f"D{number}"} for number, at in enumerate(deployed)),
            {"at": opened, "incident": "I", "event": "started", "service": "shop"},
        ]
    )
    assert failed(story) == expected
    assert dora(story, EVER)["change_fail_rate"]["ratio"] == rate


def test_restore_times() -> None:
    story = story_of(
        {"at": at, "incident": name, "event": event, "service": "shop"}
        for name, length in (("I1", "100s"), ("I2", "300s"), ("I3", "800s"))
        for event, at in (("started", "0s"), ("resolved", length))
    )
    restored = dora(story, EVER)["time_to_restore"]
    assert (restored["mean"], restored["p50"], restored["count"]) == (400, 300, 3)


def test_lead_times_of_two_commits() -> None:
    story = story_of(
        [
            {"at": "1h", "deploy": "D1", "revision": "c1"},
            {"at": "15h", "change": "shop/a@c2", "event": "change.first_commit"},
            {"at": "16h", "change": "shop/a@c3", "event": "change.first_commit"},
            {"at": "19h", "deploy": "D2", "change": "shop/a@c3", "links": ["shop/a@c2"]},
        ]
    )
    lead_times = [delivery.lead_time_s for delivery in story.deliveries(EVER)]
    assert sorted(lead_times, key=lambda time_s: time_s or 0) == [3 * 3600, 4 * 3600]


def test_three_hours_active_in_five() -> None:
    story = story_of(
        [
            {"at": "10h", "for": "1h", "change": 1, "stage": "build"},
            {"at": "14h", "for": "2h", "change": 1, "deploy": "D1"},
        ]
    )
    assert [flow_time for _, flow_time in flow_times(story, EVER)] == [5 * 3600]
    assert flow_efficiency(story, EVER) == pytest.approx(3 / 5)


def test_parallel_stages_count_once() -> None:
    story = story_of(
        [
            {"at": "2h", "for": "2h", "change": 1, "stage": "build"},
            {"at": "2h", "for": "1h", "change": 1, "stage": "lint"},
            {"at": "4h", "change": 1, "deploy": "D1"},
        ]
    )
    assert flow_efficiency(story, EVER) == pytest.approx(2 / 4)


def test_a_rollback_blames_the_deployment_after_its_target() -> None:
    story = story_of(
        {"at": f"{day}d", "deploy": f"D{day}", "revision": revision}
        for day, revision in enumerate(("v1", "v2", "v3", "v1"))
    )
    assert failed(story) == {"D1"}


def test_a_redeploy_is_no_rollback() -> None:
    story = story_of(
        {"at": f"{day}d", "deploy": f"D{day}", "revision": revision}
        for day, revision in enumerate(("v1", "v1", "v2", "v2"))
    )
    assert failed(story) == set()
    assert story.judged.rework == set()


def test_contradicting_tellings_of_one_span() -> None:
    rows = [
        row
        for row, _ in spans(
            [
                {"at": "2h", "for": "1h", "change": 1, "stage": "build", "span": "a", "team": "red"},
                {"at": "3h", "for": "2h", "change": 1, "stage": "build", "span": "a", "team": "red"},
                {"at": "3h", "for": "2h", "change": 1, "stage": "build", "span": "a", "team": "blue"},
            ]
        )
    ]
    for order in (rows, rows[::-1]):
        (row,) = settled(order, Declared())
        assert (row["ended_at"], row["team"]) == (BEGIN_NS + offset_ns("3h"), "blue")


def test_names_join_whatever_the_trace() -> None:
    """A branch, its request, its squash, a fork's commit are one change; two strangers in a trace two."""
    sha = "0123456789abcdef0123456789abcdef01234567"
    story = story_of(
        [
            {"at": "1h", "change": "@head", "stage": "build", "revision": "head", "trace": "aaaa"},
            {"at": "2h", "change": 7, "stage": "test", "revision": "HEAD", "request": "7", "trace": "bbbb"},
            {"at": "3h", "change": 7, "event": "change.merged", "revision": sha},
            {"at": "4h", "stage": "lint", "repository": "github.com/fork/shop", "revision": sha}
            | {"change": f"github.com/fork/shop@{sha}"},
            {"at": "4h", "change": 8, "stage": "build", "trace": "aaaa"},
        ]
    )
    assert set(story.facts.changes) == {change_id(7), change_id(8)}
    assert story.facts.changes[change_id(7)].aliases == [
        f"github.com/acme/shop@{sha}",
        "github.com/acme/shop@head",
        f"github.com/fork/shop@{sha}",
    ]
