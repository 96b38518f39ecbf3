"""What needs no process and no socket: captured records, the clock, the ids."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from opentelemetry.sdk.trace import TracerProvider

from harness.factories import NewRecord
from otel_vsm.export import configured, export, export_all
from otel_vsm.testing import Captured, CountingIds, FakeClock, capture


def test_what_is_delivered_is_captured(captured: Captured, new_record: NewRecord) -> None:
    records = [new_record("one"), new_record("two"), new_record("three")]
    assert configured()
    export(records[:1])
    export_all(records[1:])
    assert captured.records == records
    captured.clear()
    assert captured.records == []


def test_captured_records_can_be_had_as_spans(
    captured: Captured, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    export([new_record()])
    (span,) = captured.get_finished_spans()
    assert span.name == "build"
    assert span.resource.attributes["service.name"] == "shop"


def test_capturing_ends_and_nests(new_record: NewRecord) -> None:
    with capture() as outer:
        with capture() as inner:
            export([new_record("inner")])
        export([new_record("outer")])
    assert not configured()
    assert [record.name for record in inner.records] == ["inner"]
    assert [record.name for record in outer.records] == ["outer"]


def test_the_clock_moves_when_it_is_told(fake_clock: FakeClock) -> None:
    start = fake_clock()
    assert start == fake_clock() == 1_767_225_600_000_000_000
    assert fake_clock.advance(1.5) == fake_clock() == start + 1_500_000_000
    fake_clock.advance(-2)
    assert fake_clock() == start - 500_000_000


def test_the_clock_starts_where_it_is_told() -> None:
    at = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert FakeClock(at)() == FakeClock(datetime(2026, 1, 1, tzinfo=UTC))()
    with pytest.raises(ValueError, match="has no time zone"):
        FakeClock(datetime(2026, 1, 1))


def test_ids_count(counting_ids: CountingIds) -> None:
    assert [counting_ids.span_id(), counting_ids.span_id()] == ["0000000000000001", "0000000000000002"]
    assert counting_ids.trace_id() == "00000000000000000000000000000001"


def test_ids_count_in_the_sdk_too() -> None:
    provider = TracerProvider(id_generator=CountingIds(), shutdown_on_exit=False)
    span = provider.get_tracer("test").start_span("one")
    assert (span.get_span_context().trace_id, span.get_span_context().span_id) == (1, 1)
