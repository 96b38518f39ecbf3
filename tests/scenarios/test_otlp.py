"""OTLP spans in scenarios: what they become, and what is refused."""

from typing import Any

import pytest

from otel_vsm.identity import change_root
from scenarios.events import Event, spans, spans_of_each
from scenarios.offsets import moment_ns
from scenarios.reading import CASES, load

RUN: Event = {
    "at": "2h",
    "for": "10m",
    "otlp": "build",
    "resource": {"vcs.repository.url.full": "https://github.com/acme/shop"},
    "attributes": {"vsm.stage.name": "build", "vcs.change.id": 7, "vsm.stage.queue.duration": 1.5},
}


def test_a_span_becomes_the_row_that_the_collector_makes_of_it() -> None:
    ((row, links),) = spans([RUN])
    assert links == []
    assert row == {
        "trace_id": f"{1:032x}",
        "span_id": row["span_id"],
        "name": "build",
        "started_at": moment_ns("1h50m"),
        "ended_at": moment_ns("2h"),
        "failed": False,
        "change_id": "github.com/acme/shop#7",
        "repository": "github.com/acme/shop",
        "request": "7",
        "stage_name": "build",
        "queue_s": 1.5,
        "result": "success",
    }


def test_status_parents_and_links_are_told_by_name() -> None:
    events = [
        RUN,
        RUN | {"otlp": "unit", "parent": "build", "status": "error", "links": ["lint", "@c1"]},
        RUN | {"otlp": "lint", "parent": 7},
    ]
    (build, _), (unit, unit_links), (lint, _) = spans(events)
    assert (unit["trace_id"], unit["parent_span_id"]) == (build["trace_id"], build["span_id"])
    assert (unit["failed"], unit["result"]) == (True, "failure")
    assert (lint["trace_id"], lint["parent_span_id"]) == change_root("github.com/acme/shop#7")
    linked = [(link["linked_trace_id"], link["linked_span_id"]) for link in unit_links]
    assert linked == [(lint["trace_id"], lint["span_id"]), change_root("github.com/acme/shop@c1")]


def test_a_trace_has_a_name_or_is_a_changes() -> None:
    one, other, of_change = ({**RUN, "trace": name} for name in ("x", "x", 7))
    traces = [row["trace_id"] for row, _ in spans([one, other, of_change])]
    assert traces[0] == traces[1] != traces[2] == change_root("github.com/acme/shop#7").trace_id


def test_what_the_collector_does_not_keep_has_no_span() -> None:
    nobodys = RUN | {"otlp": "GET /", "attributes": {"http.request.method": "GET"}}
    event = {"at": "1h", "change": 1, "event": "change.merged"}
    each = spans_of_each([nobodys, event, RUN])
    assert [span and span[0]["name"] for span in each] == [None, "change.merged", "build"]
    assert spans([nobodys]) == []


def test_events_and_otlp_spans_tell_one_story() -> None:
    deployed = {"vsm.stage.name": "deploy", "vsm.stage.type": "deploy", "deployment.id": "D1"}
    rollback = {"at": "3h", "deploy": "D2", "links": ["D1"]}
    (first, _), (_, (link,)) = spans([RUN | {"attributes": deployed}, rollback])
    assert (link["linked_trace_id"], link["linked_span_id"]) == (first["trace_id"], first["span_id"])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"revision": "abc"}, "event 1: an OTLP span has no 'revision'"),
        ({"status": "failed"}, "status has no 'failed'; allowed are error, ok and unset"),
        ({"attributes": {"vsm.stage.name": ["a"]}}, r"vsm.stage.name cannot be \['a'\]"),
        ({"resource": {"vsm.team": None}}, "vsm.team cannot be None"),
        ({"parent": "biuld"}, "no OTLP span is called 'biuld', and it is no change"),
        ({"links": ["biuld"]}, "no OTLP span is called 'biuld', and it is no change"),
    ],
)
def test_what_means_nothing_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        spans([RUN | changed])


def test_a_name_of_several_spans_names_none() -> None:
    with pytest.raises(ValueError, match="'build' is the name of several spans"):
        spans([RUN, RUN, RUN | {"otlp": "unit", "parent": "build"}])


def test_told_as_it_is_sent_or_as_events_the_same_has_to_follow() -> None:
    sent, told = (load(CASES / f"{name}.yaml") for name in ("data_as_it_is_sent", "identity_matrix_jobs"))
    assert sent.expectations == told.expectations
