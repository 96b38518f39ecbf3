"""Times that other tools' spans tell become the events that the wrappers would have sent."""

from typing import Any

import pytest

from handmade.otlp import Otlp
from otel_vsm.change_times import ChangeTime
from otel_vsm.context import Context
from otel_vsm.emit import change_time
from otel_vsm.identity import ChangeId, Repository
from otel_vsm.semconv import EventName
from otel_vsm_collector.spans.accept import accept
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.mappings import otel_vsm
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping
from otel_vsm_collector.spans.rows import Numbered, ledger_rows

SHA = "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
TELLS = Mapping(
    name="test",
    span_prefixes=("x.",),
    columns=otel_vsm.convention_with(),
    moments={EventName.CHANGE_FIRST_COMMIT: (Attribute("x.committed"), Attribute("x.pushed"))},
)
CLASSIFIER = Classifier([TELLS, otel_vsm.MAPPING])
WHOSE = {"vcs.repository.url.full": "https://github.com/acme/shop", "vcs.ref.head.revision": SHA}


def events(
    otlp: Otlp, *spans: dict[str, Any], resource: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    payload = otlp.payload(
        *(otlp.span(span) for span in spans), resource=WHOSE if resource is None else resource
    )
    accepted = accept([payload], classifier=CLASSIFIER).spans
    assert accepted is not None
    found = ledger_rows([Numbered([7], accepted)]).span.to_pylist()
    assert len(found) >= len(spans)
    return [row for row in found if row["event_name"]]


def test_it_is_the_event_that_a_wrapper_would_have_sent(otlp: Otlp) -> None:
    (row,) = events(otlp, {"x.committed": "2026-01-01T10:00:00+01:00"})
    at_ns = 1_767_258_000 * 10**9
    context = Context(
        change=ChangeId(f"github.com/acme/shop@{SHA}"),
        repository=Repository("github.com/acme/shop"),
        revision=SHA,
    )
    sent = change_time(ChangeTime(EventName.CHANGE_FIRST_COMMIT, at_ns, context))
    for name in ("trace_id", "span_id", "parent_span_id", "name"):
        assert row[name] == getattr(sent, name)
    assert (row["started_at"], row["ended_at"]) == (sent.start_ns, sent.end_ns)
    assert row["event_name"] == sent.attributes["vsm.event.name"]
    assert row["change_id"] == sent.attributes["vsm.change.id"]
    assert (row["revision"], row["backfilled"], row["seq"]) == (SHA, True, 7)
    assert (row["stage_name"], row["result"]) == (None, None)


def test_many_spans_tell_of_one_event(otlp: Otlp) -> None:
    said = {"x.committed": "2026-01-01T09:00:00Z"}
    assert len(events(otlp, said, said, said | {"vsm.stage.name": "build"}, {"vsm.stage.name": "ours"})) == 1


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-01T09:00:00Z", 1_767_258_000 * 10**9),
        ("2026-01-01T09:00:00.25Z", 1_767_258_000 * 10**9 + 250_000_000),
        ("2026-01-01 09:00:00 UTC", 1_767_258_000 * 10**9),
        ("2026-01-01T09:00:00", None),
        ("2026-01-01 09:00:00 CET", None),
        ("yesterday", None),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (1_767_258_000, None),
    ],
)
def test_a_time_needs_a_zone(otlp: Otlp, text: Any, at: int | None) -> None:
    assert [row["started_at"] for row in events(otlp, {"x.committed": text})] == ([at] if at else [])


def test_c_16_a_time_that_cannot_be_is_marked(otlp: Otlp) -> None:
    told = [{"x.committed": text} for text in ("1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z")]
    assert [row["impossible"] for row in events(otlp, *told)] == [True, None]


def test_the_first_source_that_has_a_value_counts(otlp: Otlp) -> None:
    (row,) = events(otlp, {"x.pushed": "2026-01-01T09:00:00Z", "x.committed": "2026-01-01T08:00:00Z"})
    assert row["started_at"] == 1_767_254_400 * 10**9


@pytest.mark.parametrize("whose", [WHOSE | {"vcs.change.id": "12"}, {"vcs.ref.head.revision": SHA}, {}])
def test_of_a_request_or_of_nobody_nothing_is_told(otlp: Otlp, whose: dict[str, Any]) -> None:
    assert events(otlp, {"x.committed": "2026-01-01T09:00:00Z"}, resource=whose) == []
