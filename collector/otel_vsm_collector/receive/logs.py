"""Log records that are events of delivery, as the spans that otel-vsm's commands tell the same by.

An event is one of our convention by its name, with our attributes on the record or its resource, or a CDEvent
as the body of a record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vsm import semconv
from otel_vsm.emit import RECURRING
from otel_vsm.export.encode import request_of
from otel_vsm.export.parcel import Parcel
from otel_vsm.identity import (
    SpanReference,
    change_of_commit,
    change_of_request,
    change_root,
    digest,
    event_span_id,
    incident_root,
    normalise_change_id,
    normalise_repository,
    work_item_root,
)
from otel_vsm.semconv import EventName
from otel_vsm_collector.receive.webhooks import cdevents

_NAME = "event.name"
"""Where SDKs before the field of that name put what happened."""
_EVENTS = {str(event): event for event in EventName if event is not EventName.EVENT_RETRACTED}
_CDEVENT = "dev.cdevents."
_SUBJECTS = {
    "approval": semconv.VSM_APPROVAL_GATE,
    "deployment": semconv.DEPLOYMENT_ID,
    "stage": semconv.VSM_STAGE_NAME,
    "service": semconv.SERVICE_INSTANCE_ID,
}
"""By which of its attributes an event is told apart from others of its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What of a request tells of delivery."""

    request: bytes
    """An OTLP trace request with a span for each; empty where there is none."""
    received: int
    filtered: int
    """Log records that are no events of delivery."""
    problems: list[str] = field(default_factory=list)
    """Why events were not understood, one for each of those."""


def events_of(payload: bytes) -> Events:
    """The events of an OTLP logs request in protobuf. DecodeError where it is none."""
    received = filtered = 0
    problems: list[str] = []
    made = ExportTraceServiceRequest()
    for resource_logs in ExportLogsServiceRequest.FromString(payload).resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            spans = []
            for record in scope_logs.log_records:
                received += 1
                own = _attributes(record.attributes)
                name = record.event_name or str(own.get(_NAME, ""))
                if event := _EVENTS.get(name):
                    spans.append(_span(record, event, {**resource, **own}))
                elif name.startswith(_CDEVENT):
                    try:
                        request = _of_cdevent(record.body)
                        filtered += not request.resource_spans
                        made.MergeFrom(request)
                    except (ValueError, RecursionError) as error:
                        problems.append(f"a log record is called {_CDEVENT}* and is none: {error}")
                else:
                    filtered += 1
            if spans:
                resource_spans = made.resource_spans.add(resource=resource_logs.resource)
                resource_spans.scope_spans.add(scope=scope_logs.scope, spans=spans)
    return Events(request=made.SerializeToString(), received=received, filtered=filtered, problems=problems)


def _span(record: LogRecord, event: EventName, known: Mapping[str, Any]) -> Span:
    at_ns = record.time_unix_nano or record.observed_time_unix_nano
    owner, root = _owner(event, known)
    kind = event.partition(".")[0]
    subject = str(known.get(_SUBJECTS.get(kind, ""), ""))
    if event in RECURRING:
        subject = str(at_ns // 1_000_000_000)
    elif kind == "stage" and record.span_id:
        subject = record.span_id.hex()
    revision = known.get(semconv.VCS_REF_HEAD_REVISION)
    trace_id = bytes.fromhex(root.trace_id) if root else record.trace_id
    if len(trace_id) != 16 or not any(trace_id):
        # Of nobody: it counts as that.
        trace_id = bytes.fromhex(digest(record.SerializeToString(deterministic=True).hex())[:32])
    span_id = event_span_id(owner or trace_id.hex(), event, subject, str(revision) if revision else None)
    attributes = [attribute for attribute in record.attributes if attribute.key != _NAME]
    attributes.append(KeyValue(key=semconv.VSM_EVENT_NAME, value=AnyValue(string_value=str(event))))
    is_of_run = kind == "stage" and record.trace_id == trace_id and record.span_id
    return Span(
        trace_id=trace_id,
        span_id=bytes.fromhex(span_id),
        parent_span_id=record.span_id if is_of_run else bytes.fromhex(root.span_id) if root else b"",
        name=str(event),
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=at_ns,
        end_time_unix_nano=at_ns,
        attributes=attributes,
    )


def _owner(event: EventName, known: Mapping[str, Any]) -> tuple[str | None, SpanReference | None]:
    """Whose event it is, and the root of that; None where nothing says it."""
    incident, item = known.get(semconv.VSM_INCIDENT_ID), known.get(semconv.VSM_WORK_ITEM_ID)
    if event.startswith("incident.") and incident:
        return str(incident), incident_root(str(incident))
    change = _change(known)
    if event.startswith("work_item.") and item:
        return str(item), change_root(change) if change else work_item_root(str(item))
    return change, change_root(change) if change else None


def _change(known: Mapping[str, Any]) -> str | None:
    if change := known.get(semconv.VSM_CHANGE_ID):
        return normalise_change_id(str(change))
    repository = normalise_repository(str(known.get(semconv.VCS_REPOSITORY_URL_FULL, "")))
    request, revision = known.get(semconv.VCS_CHANGE_ID), known.get(semconv.VCS_REF_HEAD_REVISION)
    if not repository or not (request or revision):
        return None
    return (
        change_of_request(repository, str(request))
        if request
        else change_of_commit(repository, str(revision))
    )


def _of_cdevent(body: AnyValue) -> ExportTraceServiceRequest:
    """ValueError where the body is none."""
    event = _plain(body)
    records = cdevents.translate(json.loads(event) if isinstance(event, str) else event).records
    return request_of([Parcel(resource={}, records=records)])


def _attributes(attributes: Any) -> dict[str, Any]:
    return {attribute.key: _plain(attribute.value) for attribute in attributes}


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None
