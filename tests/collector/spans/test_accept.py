"""What is kept, refused or left out, and what the sender is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from handmade.otlp import Otlp
from otel_vsm_collector.spans.accept import Accepted, Counts, Outcome, Verdict, accept
from otel_vsm_collector.spans.rows import Numbered, ledger_rows

ALL_WELL = Verdict(Outcome.ACCEPTED)
RUNTIME = {"http.request.method": "GET"}

SOUND = ExportTraceServiceRequest(
    resource_spans=[
        ResourceSpans(
            scope_spans=[
                ScopeSpans(
                    spans=[
                        Span(
                            trace_id=b"t" * 16,
                            span_id=bytes([number] * 8),
                            start_time_unix_nano=1,
                            attributes=[KeyValue(key="vsm.stage.name", value=AnyValue(string_value="build"))],
                            links=[Span.Link(trace_id=b"l" * 16, span_id=b"l" * 8)],
                        )
                        for number in (1, 2, 3)
                    ]
                )
            ]
        )
    ]
).SerializeToString()


def kept_span_ids(accepted: Accepted) -> list[bytes]:
    """Of what goes into the journal."""
    request = ExportTraceServiceRequest.FromString(b"".join(accepted.journal))
    return [
        span.span_id
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def test_a_request_of_delivery_is_kept_as_it_came(otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span(), otlp.span())
    accepted = accept([payload])
    assert accepted.verdicts == [ALL_WELL]
    assert accepted.journal == [payload]
    assert accepted.counts == Counts(received=2, kept=2)


def test_an_empty_request_is_a_success_that_keeps_nothing() -> None:
    """Conformance A1.5."""
    accepted = accept([b""])
    assert (accepted.verdicts, accepted.journal, accepted.spans) == ([ALL_WELL], [], None)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"trace_id": b""}, "without a trace id of 16 bytes"),
        ({"trace_id": bytes(16)}, "without a trace id of 16 bytes"),
        ({"trace_id": b"x" * 24}, "without a trace id of 16 bytes"),
        ({"span_id": b""}, "without a span id of 8 bytes"),
        ({"span_id": bytes(8)}, "without a span id of 8 bytes"),
        ({"span_id": b"x" * 7}, "without a span id of 8 bytes"),
        ({"start_time_unix_nano": 0, "end_time_unix_nano": 0}, "with neither a start nor an end time"),
    ],
)
def test_a_span_that_cannot_be_one_is_rejected_alone(otlp: Otlp, fault: dict[str, Any], reason: str) -> None:
    """Conformance A1.6 and A1.13: exact numbers, and a message that says what was wrong."""
    sound = [otlp.span(), otlp.span()]
    accepted = accept([otlp.payload(sound[0], otlp.span(**fault), sound[1])])
    (verdict,) = accepted.verdicts
    assert (verdict.outcome, verdict.rejected) == (Outcome.ACCEPTED, 1)
    assert verdict.message.startswith(f"1 span was rejected: 1 {reason}")
    assert kept_span_ids(accepted) == [span.span_id for span in sound]
    assert accepted.counts == Counts(received=3, rejected=1, kept=2)


def test_each_span_is_rejected_for_one_reason(otlp: Otlp) -> None:
    nothing: dict[str, Any] = {
        "trace_id": b"",
        "span_id": b"",
        "start_time_unix_nano": 0,
        "end_time_unix_nano": 0,
    }
    (verdict,) = accept([otlp.payload(otlp.span(**nothing), otlp.span(span_id=b""))]).verdicts
    assert verdict.rejected == 2
    assert "1 without a trace id" in verdict.message
    assert "1 without a span id" in verdict.message
    assert "time" not in verdict.message


@pytest.mark.parametrize(
    ("attributes", "resource", "kept"),
    [
        ({"vsm.event.name": "change.merged"}, {}, True),
        ({"cicd.pipeline.task.name": "x"}, {}, True),
        ({"vcs.ref.head.revision": "abc"}, {}, True),
        ({"artifact.hash": "abc"}, {}, True),
        ({"deployment.id": "7"}, {}, True),
        ({"vsm.of.another.kind": "x"}, {}, True),
        ({"deployment.status": "x"}, {}, True),
        # What a pipeline runs has it on its resource: compilers, tests, and what those call.
        ({}, {"cicd.pipeline.run.id": "7", "cicd.pipeline.task.name": "test"}, False),
        ({"cicd.pipeline.run.id": "7", "cicd.pipeline.name": "main"}, {}, False),
        ({"cicd.of.another.kind": "main"}, {}, True),
        ({}, {"vsm.stage.name": "build"}, True),
        ({}, {"vcs.ref.head.revision": "abc"}, False),
        ({}, {"deployment.environment.name": "production"}, False),
        ({"deployment.environment.name": "production", "service.name": "shop"}, {}, False),
        ({"deployment.environment": "ci"}, {}, False),
        ({"deployment.environment.name": "production", "deployment.id": "7"}, {}, True),
        (
            {},
            {"vsm.change.id": "r#1", "vsm.team": "a", "vsm.value_stream": "b", "vsm.work_item.id": "c"},
            False,
        ),
        (RUNTIME, {"service.name": "shop"}, False),
        ({"service.name": "shop", "vsmart": "x"}, {}, False),
        ({}, {}, False),
    ],
)
def test_only_spans_with_delivery_in_them_are_kept(
    otlp: Otlp, attributes: dict[str, Any], resource: dict[str, Any], kept: bool
) -> None:
    accepted = accept([otlp.payload(otlp.span(attributes), resource=resource)])
    assert accepted.verdicts == [ALL_WELL]
    assert accepted.counts == Counts(received=1, kept=int(kept), filtered=int(not kept))
    assert len(accepted.journal) == int(kept)


def test_spans_that_are_left_out_leave_the_others_whole(otlp: Otlp) -> None:
    first, last = (
        otlp.span(),
        otlp.span({"vsm.team": "pay", "of.somebody": b"\x00"}, trace_state="a=b", flags=0x300),
    )
    accepted = accept([otlp.payload(first, otlp.span(RUNTIME), last, resource={"service.name": "ci"})])
    (journal,) = accepted.journal
    assert journal == otlp.payload(first, last, resource={"service.name": "ci"})
    assert accepted.spans is not None
    assert accepted.spans.count == 2


def test_requests_judged_together_are_judged_each_by_itself(otlp: Otlp) -> None:
    good, other = otlp.span(), otlp.span()
    payloads = [
        otlp.payload(good),
        b"\xff\xff",
        otlp.payload(otlp.span(trace_id=b"")),
        otlp.payload(otlp.span(RUNTIME)),
        b"",
        otlp.payload(other),
    ]
    accepted = accept(payloads)
    assert [verdict.outcome for verdict in accepted.verdicts] == [
        Outcome.ACCEPTED,
        Outcome.MALFORMED,
        *[Outcome.ACCEPTED] * 4,
    ]
    assert [verdict.rejected for verdict in accepted.verdicts] == [0, 0, 1, 0, 0, 0]
    assert kept_span_ids(accepted) == [good.span_id, other.span_id]
    assert accepted.counts == Counts(received=4, rejected=1, filtered=1, kept=2)


@pytest.mark.parametrize(
    "payload", [b"\xff\xff", b"not protobuf at all", b"\x0a\xff", b'{"resourceSpans":[]}'], ids=repr
)
def test_what_is_no_request_is_the_senders_fault(payload: bytes) -> None:
    """Conformance A1.9."""
    (verdict,) = accept([payload]).verdicts
    assert verdict.outcome is Outcome.MALFORMED
    assert verdict.message.startswith("the body is no OTLP trace request in protobuf: ")


def test_text_that_is_no_utf8_is_the_senders_fault(otlp: Otlp) -> None:
    payload = otlp.payload(otlp.span({"vsm.team": "pay"})).replace(b"pay", b"p\xffy")
    (verdict,) = accept([payload]).verdicts
    assert verdict.outcome is Outcome.MALFORMED


def test_a_fault_that_shows_only_when_a_request_is_written_anew_is_the_senders_too(otlp: Otlp) -> None:
    """Span events are not read, so they are looked at only where a span beside them is left out."""
    broken = otlp.span()
    broken.events.add(name="pay")
    payload = otlp.payload(broken, otlp.span(RUNTIME)).replace(b"pay", b"p\xffy")
    accepted = accept([payload, otlp.payload(otlp.span())])
    assert [verdict.outcome for verdict in accepted.verdicts] == [Outcome.MALFORMED, Outcome.ACCEPTED]
    assert accepted.counts.kept == len(kept_span_ids(accepted)) == 1


def test_every_kind_of_value_is_accepted(otlp: Otlp) -> None:
    """Conformance A1.13: empty values, bytes, maps, arrays, repeated keys, flags of the future."""
    span = otlp.span({"vsm.stage.name": "build", "none": None, "bytes": b"\x00"}, flags=0xFFFFFFFF)
    nested = span.attributes.add(key="map").value
    for _ in range(30):
        nested = nested.kvlist_value.values.add(key="map").value
    span.attributes.add(key="array").value.array_value.values.add().string_value = "x"
    span.attributes.add(key="vsm.stage.name").value.string_value = "again"
    accepted = accept([otlp.payload(span)])
    assert accepted.verdicts == [ALL_WELL]
    assert accepted.counts.kept == 1


@given(
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=6
    )
)
def test_bytes_of_any_kind_get_a_verdict(cuts: list[tuple[float, int, bytes]]) -> None:
    """Requests in which pieces were replaced: most are malformed, and the others make rows."""
    payload = SOUND
    for place, length, piece in cuts:
        start = int(place * len(payload))
        payload = payload[:start] + piece + payload[start + length :]
    accepted = accept([payload, SOUND])
    assert accepted.verdicts[1] == ALL_WELL
    assert accepted.spans is not None
    assert ledger_rows([Numbered([1, 2], accepted.spans)]).span.num_rows == accepted.counts.kept
