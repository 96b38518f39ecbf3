"""OTLP spans of a scenario: sent as an emitter sends them, and taken in as the collector does.

They become what the collector's mappings make of them. An event that tells one is named by the span's name:

    {at: 2h, for: 10m, otlp: build, scope: x, resource: {service.name: ci}, attributes: {ci.job: build},
     trace: run 7, parent: pipeline, links: [1], status: error}

Spans with equal resources come with one. `trace` is any name, or a change for that change's trace; without it
the span is in its parent's, or in one of its own. `parent` and `links` name other OTLP spans of the scenario
by their names, or changes for the roots of these.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_vsm.identity import change_root
from otel_vsm_collector.spans.accept import Outcome, accept
from otel_vsm_collector.spans.rows import Numbered, ledger_rows
from scenarios.keys import refuse_unknown
from scenarios.names import change_id
from scenarios.offsets import moment_ns, offset_ns

Event = dict[str, Any]
Row = dict[str, Any]
Ids = tuple[str, str]
"""Of a trace and of a span, in hexadecimal."""

WORD = "otlp"
"""Gives such an event away."""
_KEYS = ("at", "for", WORD, "scope", "resource", "attributes", "trace", "parent", "links", "status")
_STATUS = {
    "unset": Status.STATUS_CODE_UNSET,
    "ok": Status.STATUS_CODE_OK,
    "error": Status.STATUS_CODE_ERROR,
}
_KINDS = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}


def otlp_spans(events: Sequence[Event]) -> dict[int, tuple[Row, list[Row]]]:
    """Number of an event that tells an OTLP span → its rows in the ledger; spans that are not kept have none.

    Rows that the collector makes beside those of the spans have numbers below zero.

    Raises ValueError where an event says what means nothing, and where the collector refuses a span.
    """
    told = {number: event for number, event in enumerate(events) if WORD in event}
    for number, event in told.items():
        refuse_unknown(event, _KEYS, f"event {number + 1}: an OTLP span")
    ids = _ids(told)
    return _rows(_request(told, ids), ids) if told else {}


def otlp_request(events: Sequence[Event]) -> ExportTraceServiceRequest:
    """The OTLP spans among these events, as one request."""
    told = {number: event for number, event in enumerate(events) if WORD in event}
    return ExportTraceServiceRequest.FromString(_request(told, _ids(told)))


def _ids(told: Mapping[int, Event]) -> dict[int, Ids]:
    numbers = {event[WORD]: number for number, event in told.items()}

    def trace(number: int) -> str:
        event = told[number]
        if "trace" in event:
            return change_root(change_id(event["trace"])).trace_id
        if "parent" not in event:
            return f"{number + 1:032x}"
        parent = event["parent"]
        return trace(numbers[parent]) if parent in numbers else change_root(change_id(parent)).trace_id

    return {number: (trace(number), sha256(f"{number}".encode()).hexdigest()[:16]) for number in told}


def _request(told: Mapping[int, Event], ids: Mapping[int, Ids]) -> bytes:
    request = ExportTraceServiceRequest()
    resources: dict[str, ResourceSpans] = {}
    scopes: dict[str, ScopeSpans] = {}
    for number, event in told.items():
        resource = json.dumps(event.get("resource", {}), sort_keys=True)
        if resource not in resources:
            resources[resource] = request.resource_spans.add()
            resources[resource].resource.attributes.extend(_attributes(event.get("resource", {})))
        scope = f"{event.get('scope', '')} {resource}"
        if scope not in scopes:
            scopes[scope] = resources[resource].scope_spans.add()
            scopes[scope].scope.name = event.get("scope", "")
        scopes[scope].spans.append(_span(number, told, ids))
    return request.SerializeToString()


def _span(number: int, told: Mapping[int, Event], ids: Mapping[int, Ids]) -> Span:
    event, (trace_id, span_id) = told[number], ids[number]
    refuse_unknown([status := event.get("status", "unset")], _STATUS, "status")
    ended = moment_ns(event["at"])
    span = Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
        name=event[WORD],
        start_time_unix_nano=ended - offset_ns(event.get("for", "0s")),
        end_time_unix_nano=ended,
        attributes=_attributes(event.get("attributes", {})),
        status=Status(code=_STATUS[status]),
    )
    if "parent" in event:
        span.parent_span_id = bytes.fromhex(_named(event["parent"], told, ids)[1])
    for link in event.get("links", []):
        linked_trace, linked_span = _named(link, told, ids)
        span.links.add(trace_id=bytes.fromhex(linked_trace), span_id=bytes.fromhex(linked_span))
    return span


def _named(name: str | int, told: Mapping[int, Event], ids: Mapping[int, Ids]) -> Ids:
    """The span of this name, or the root of the change."""
    numbers = [number for number, event in told.items() if event[WORD] == name]
    if len(numbers) > 1:
        raise ValueError(f"{name!r} is the name of several spans; give each one its own")
    if numbers:
        return ids[numbers[0]]
    if isinstance(name, int) or "@" in name or "#" in name:
        root = change_root(change_id(name))
        return root.trace_id, root.span_id
    raise ValueError(f"no OTLP span is called {name!r}, and it is no change")


def _attributes(given: Mapping[str, Any]) -> list[KeyValue]:
    attributes = []
    for key, value in given.items():
        if type(value) not in _KINDS:
            raise ValueError(f"{key} cannot be {value!r}; write text, a number, true or false")
        attributes.append(KeyValue(key=key))
        setattr(attributes[-1].value, _KINDS[type(value)], value)
    return attributes


def _rows(request: bytes, ids: Mapping[int, Ids]) -> dict[int, tuple[Row, list[Row]]]:
    accepted = accept([request])
    (verdict,) = accepted.verdicts
    if verdict.outcome is not Outcome.ACCEPTED or verdict.rejected:
        raise ValueError(f"the collector does not take the spans: {verdict.message}")
    if accepted.spans is None:
        return {}
    tables = ledger_rows([Numbered([1], accepted.spans)])
    span, span_link = (table.drop_columns("seq").to_pylist() for table in tables)
    number_of = {its_ids: number for number, its_ids in ids.items()}
    rows = {}
    for beside, row in enumerate(span, start=1):
        key = row["trace_id"], row["span_id"]
        links = [link for link in span_link if (link["trace_id"], link["span_id"]) == key]
        rows[number_of.get(key, -beside)] = (
            {name: value for name, value in row.items() if value is not None},
            links,
        )
    return rows
