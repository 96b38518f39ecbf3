"""Logs that are events of delivery, other logs, and metrics: over both transports, to a collector."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_vsm.export.endpoint import Protocol
from otel_vsm.identity import change_root, event_span_id, incident_root
from otel_vsm.testing import RunningCollector, collector
from otel_vsm_collector.receive.logs import events_of
from otel_vsm_collector.spans.accept import accept

CHANGE, REVISION = "github.com/acme/shop#12", "a" * 40
NS = 1_000_000_000
NOON_S = 1_772_452_800  # 2026-03-02T12:00:00Z
CDEVENT: dict[str, Any] = {
    "context": {
        "version": "0.4.1",
        "id": "e1",
        "source": "/ci",
        "type": "dev.cdevents.change.merged.0.2.0",
        "timestamp": "2026-03-02T13:00:00Z",
    },
    "subject": {
        "id": "12",
        "content": {"repository": {"id": "acme/shop", "source": "https://github.com"}},
    },
}


def log(name: str = "", at_s: int = NOON_S, body: str = "", **said: str) -> LogRecord:
    attributes = [
        KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value))
        for key, value in said.items()
    ]
    return LogRecord(
        event_name=name, time_unix_nano=at_s * NS, attributes=attributes, body=AnyValue(string_value=body)
    )


def logs(*records: LogRecord, **resource: str) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(log("", NOON_S, "", **resource).attributes)
    of_resource.scope_logs.add().log_records.extend(records)
    return request


def spans(request: ExportLogsServiceRequest) -> list[Any]:
    made = ExportTraceServiceRequest.FromString(events_of(request.SerializeToString()).request)
    return [
        span
        for of_resource in made.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def test_an_event_is_the_span_that_the_commands_tell_of_it() -> None:
    (span,) = spans(logs(log("change.merged", vsm__change__id=CHANGE, vcs__ref__head__revision=REVISION)))
    root = change_root(CHANGE)
    assert span.trace_id.hex() == root.trace_id
    assert span.parent_span_id.hex() == root.span_id
    assert span.span_id.hex() == event_span_id(CHANGE, "change.merged", "", REVISION)
    assert span.start_time_unix_nano == span.end_time_unix_nano == NOON_S * NS


def test_the_name_may_be_an_attribute_and_the_change_on_the_resource() -> None:
    named = log(event__name="change.opened")
    resource = {"vcs__repository__url__full": "https://github.com/acme/shop", "vcs__change__id": "12"}
    (span,) = spans(logs(named, **resource))
    assert span.trace_id.hex() == change_root(CHANGE).trace_id
    assert span.span_id.hex() == event_span_id(CHANGE, "change.opened")


def test_an_incident_has_a_trace_of_its_own() -> None:
    (span,) = spans(logs(log("incident.resolved", vsm__incident__id="I1", vsm__change__id=CHANGE)))
    assert span.trace_id.hex() == incident_root("I1").trace_id
    assert span.span_id.hex() == event_span_id("I1", "incident.resolved", str(NOON_S))


def test_what_is_of_nobody_is_taken_and_told_apart() -> None:
    request = logs(log("change.merged"), log("change.merged", NOON_S + 1))
    first, second = spans(request)
    assert first.trace_id != second.trace_id
    assert spans(request) == [first, second]
    assert accept([events_of(request.SerializeToString()).request]).counts.kept == 2


def test_the_rest_is_counted() -> None:
    broken = log("dev.cdevents.change.merged.0.2.0", body="no JSON")
    task = {**CDEVENT, "context": {**CDEVENT["context"], "type": "dev.cdevents.taskrun.finished.0.2.0"}}
    nothing = log("dev.cdevents.taskrun.finished.0.2.0", body=json.dumps(task))
    merged = log("change.merged", vsm__change__id=CHANGE)
    request = logs(log(body="GET /"), log("user.login"), merged, broken, nothing)
    events = events_of(request.SerializeToString())
    assert (events.received, events.filtered, len(events.problems)) == (5, 3, 1)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCollector]:
    with collector() as one:
        yield one


def post(running: RunningCollector, path: str, body: bytes, media_type: str) -> bytes:
    request = urllib.request.Request(f"{running.otlp()}{path}", body, {"content-type": media_type})
    with urllib.request.urlopen(request, timeout=20) as response:
        answer: bytes = response.read()
    return answer


def call(running: RunningCollector, service: str, request: Message) -> bytes:
    with grpc.insecure_channel(running.otlp(Protocol.GRPC).removeprefix("http://")) as channel:
        path = f"/opentelemetry.proto.collector.{service}/Export"
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
        return export(request.SerializeToString(), timeout=20)


def counted(running: RunningCollector) -> dict[str, float]:
    with urllib.request.urlopen(f"{running.web}/metrics", timeout=20) as response:
        text = response.read().decode()
    found = re.findall(
        r"^vsm_collector_((?:log_record|data_point)_[a-z]+)_total\S* (\S+)$", text, re.MULTILINE
    )
    return {name: float(value) for name, value in found}


def test_a_collector_takes_all_signals(running: RunningCollector) -> None:
    opened = log("change.opened", vsm__change__id=CHANGE)
    request = logs(opened, log(body="GET /"))
    assert post(running, "/v1/logs", request.SerializeToString(), "application/x-protobuf") == b""
    assert call(running, "logs.v1.LogsService", request) == b""
    named = log("dev.cdevents.change.merged.0.2.0", body=json.dumps(CDEVENT))
    assert call(running, "logs.v1.LogsService", logs(named)) == b""
    metric = {"name": "requests", "sum": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}}
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    assert json.loads(post(running, "/v1/metrics", json.dumps(metrics).encode(), "application/json")) == {}
    in_protobuf = ExportMetricsServiceRequest()
    in_protobuf.resource_metrics.add().scope_metrics.add().metrics.add().gauge.data_points.add()
    assert call(running, "metrics.v1.MetricsService", in_protobuf) == b""
    change = running.get(f"/api/v1/changes/{quote(CHANGE, safe='')}")
    assert change["id"] == CHANGE
    assert change["events"] == {
        "change.opened": "2026-03-02T12:00:00Z",
        "change.merged": "2026-03-02T13:00:00Z",
    }
    assert counted(running) == {"log_record_received": 5, "log_record_filtered": 2, "data_point_filtered": 3}


def test_a_broken_event_is_rejected_and_said(running: RunningCollector) -> None:
    broken = logs(log("dev.cdevents.change.merged.0.2.0", body="{}"))
    answer = ExportLogsServiceResponse.FromString(call(running, "logs.v1.LogsService", broken))
    assert answer.partial_success.rejected_log_records == 1
    assert "dev.cdevents" in answer.partial_success.error_message


@pytest.mark.parametrize("service", ["logs.v1.LogsService", "metrics.v1.MetricsService"])
def test_what_cannot_be_decoded_is_an_invalid_argument(running: RunningCollector, service: str) -> None:
    with grpc.insecure_channel(running.otlp(Protocol.GRPC).removeprefix("http://")) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            f"/opentelemetry.proto.collector.{service}/Export"
        )
        with pytest.raises(grpc.RpcError) as caught:
            export(b"not protobuf", timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
