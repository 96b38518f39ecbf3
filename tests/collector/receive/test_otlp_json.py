"""OTLP/JSON as its specification says, conformance A1.12, and not as protobuf's JSON mapping has it."""

import base64
import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vsm_collector.receive.otlp_json import NotOtlpError, request_from_json

TRACE_ID, SPAN_ID = "5B8EFFF798038103D269B633813FC60C", "eee19b7ec3c1b174"


def read(span: dict[str, Any], **around: Any) -> ExportTraceServiceRequest:
    data = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}], **around}]}
    return ExportTraceServiceRequest.FromString(request_from_json(json.dumps(data).encode()))


def read_span(span: dict[str, Any]) -> Span:
    return read(span).resource_spans[0].scope_spans[0].spans[0]


def test_ids_are_hexadecimal_in_either_case() -> None:
    span = read_span({"traceId": TRACE_ID, "spanId": SPAN_ID.upper(), "parentSpanId": SPAN_ID})
    assert (span.trace_id, span.span_id) == (bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID))
    assert span.parent_span_id == bytes.fromhex(SPAN_ID)


@pytest.mark.parametrize("odd", ["xyz", "0af7 651916cd43dd8448eb211c80319c", "0af7_651916", "٠٠", "abc"])
def test_a1_13_an_id_that_is_not_hexadecimal_is_none_and_harms_no_other_span(odd: str) -> None:
    assert read_span({"traceId": odd, "name": "build"}) == Span(name="build")


def test_ids_of_links_are_hexadecimal_too() -> None:
    (link,) = read_span({"links": [{"traceId": TRACE_ID, "spanId": SPAN_ID}]}).links
    assert (link.trace_id, link.span_id) == (bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID))


def test_keys_are_lower_camel_case_only() -> None:
    assert read_span({"trace_id": TRACE_ID, "start_time_unix_nano": 7}) == Span()


@pytest.mark.parametrize("written", [1544712660300000000, "1544712660300000000"])
def test_integers_of_64_bits_are_numbers_or_text(written: int | str) -> None:
    span = read_span(
        {"startTimeUnixNano": written, "attributes": [{"key": "k", "value": {"intValue": written}}]}
    )
    assert span.start_time_unix_nano == span.attributes[0].value.int_value == 1544712660300000000


def test_enums_are_integers_only() -> None:
    assert read_span({"kind": 2, "status": {"code": 2}}).kind == Span.SPAN_KIND_SERVER
    with pytest.raises(NotOtlpError, match="kind cannot be 'SPAN_KIND_SERVER'"):
        read_span({"kind": "SPAN_KIND_SERVER"})


def test_what_is_not_known_is_skipped_at_every_depth() -> None:
    strange = {"unknown": {"deep": [1, {"x": None}]}}
    request = read(
        {
            "name": "a",
            "attributes": [{"key": "k", "value": {"stringValue": "v", **strange}, **strange}],
            **strange,
        },
        resource={"attributes": [], **strange},
        **strange,
    )
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert (span.name, span.attributes[0].value.string_value) == ("a", "v")


def test_null_is_what_is_not_there() -> None:
    assert read_span({"name": None, "attributes": None, "status": None}) == Span()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "ü"}, "ü"),
        ({"boolValue": False}, False),
        ({"intValue": -5}, -5),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "Infinity"}, float("inf")),
        ({"bytesValue": base64.b64encode(b"\x00\xff").decode()}, b"\x00\xff"),
        ({"bytesValue": base64.urlsafe_b64encode(b"\x00\xff").decode().rstrip("=")}, b"\x00\xff"),
    ],
)
def test_values_keep_their_kind(value: dict[str, Any], expected: Any) -> None:
    (attribute,) = read_span({"attributes": [{"key": "k", "value": value}]}).attributes
    kind = attribute.value.WhichOneof("value")
    assert kind is not None
    assert getattr(attribute.value, kind) == expected


def test_an_empty_value_is_a_value() -> None:
    (attribute,) = read_span({"attributes": [{"key": "k", "value": {}}]}).attributes
    assert attribute.HasField("value")


@pytest.mark.parametrize(
    "span",
    [
        {"traceId": 5},
        {"startTimeUnixNano": " 1"},
        {"startTimeUnixNano": "1_790_000_000"},
        {"startTimeUnixNano": "١٧٩"},
        {"attributes": [{"key": "k", "value": {"doubleValue": "1_0"}}]},
        {"attributes": [{"key": "k", "value": {"doubleValue": True}}]},
        {"name": 5},
        {"name": "\ud800"},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": 2**64},
        {"startTimeUnixNano": "1e9"},
        {"startTimeUnixNano": 1.5},
        {"startTimeUnixNano": True},
        {"kind": True},
        {"kind": 2**40},
        {"attributes": {}},
        {"attributes": ["x"]},
        {"attributes": [{"key": "k", "value": {"bytesValue": "?"}}]},
        {"attributes": [{"key": "k", "value": {"boolValue": "true"}}]},
        {"status": "ok"},
    ],
    ids=repr,
)
def test_values_of_the_wrong_kind_are_named(span: dict[str, Any]) -> None:
    with pytest.raises(NotOtlpError, match="|".join([*span, "value|Value"])):
        read_span(span)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[]", b"5", b'{"resourceSpans": 5}'])
def test_what_is_no_request_is_refused(text: bytes) -> None:
    with pytest.raises(NotOtlpError):
        request_from_json(text)


@pytest.mark.parametrize("depth", [70, 20_000])
def test_deep_nesting_is_refused_and_not_followed(depth: int) -> None:
    value = b'{"arrayValue":{"values":[' * depth + b"{}" + b"]}}" * depth
    text = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + value + b"}]}}]}"
    with pytest.raises(NotOtlpError, match="nested too deeply"):
        request_from_json(text)
