"""The signals of OTLP: traces, and of logs what tells of delivery.

A Collector that is told to send everything here must not try again for ever: other logs, and metrics, are
answered with success, counted, and not kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm_collector.receive.body import INLINE_BYTES
from otel_vsm_collector.receive.logs import events_of
from otel_vsm_collector.receive.response import response
from otel_vsm_collector.spans.accept import Outcome, Verdict

Export = Callable[[bytes], Awaitable[Verdict]]
_Made = TypeVar("_Made")
Count = Callable[[int, int], None]
"""Is told how many of a request came, and how many of them were not kept."""


class Signal(NamedTuple):
    path: str
    """Of OTLP/HTTP."""
    service: str
    """Of OTLP/gRPC."""
    request: type[Message]
    export: Export
    """Takes a request in protobuf and gives the verdict on it."""
    response: Callable[[Verdict], Message]


def traces(export: Export) -> Signal:
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    return Signal("/v1/traces", service, ExportTraceServiceRequest, export, response)


def logs(export: Export, count: Count) -> Signal:
    """`export` takes the OTLP trace request that is made of the events among the log records."""

    async def take(payload: bytes) -> Verdict:
        try:
            events = await _off_the_loop(events_of, payload)
        except DecodeError as error:
            return Verdict(Outcome.MALFORMED, f"the body is no {_LOGS.DESCRIPTOR.name}: {error}")
        verdict = await export(events.request) if events.request else Verdict(Outcome.ACCEPTED)
        if verdict.outcome is not Outcome.ACCEPTED:
            return verdict
        count(events.received, events.filtered)
        if not events.problems:
            return verdict
        message = "; ".join(filter(None, (verdict.message, *dict.fromkeys(events.problems))))
        return Verdict(Outcome.ACCEPTED, message, verdict.rejected + len(events.problems))

    def answer(verdict: Verdict) -> Message:
        if not verdict.message:
            return ExportLogsServiceResponse()
        partial = ExportLogsPartialSuccess(
            rejected_log_records=verdict.rejected, error_message=verdict.message
        )
        return ExportLogsServiceResponse(partial_success=partial)

    service = "opentelemetry.proto.collector.logs.v1.LogsService"
    return Signal("/v1/logs", service, _LOGS, take, answer)


def metrics(count: Count) -> Signal:
    """Of metrics nothing is kept."""

    async def take(payload: bytes) -> Verdict:
        try:
            points = await _off_the_loop(_count_points, payload)
        except DecodeError as error:
            return Verdict(Outcome.MALFORMED, f"the body is no {_METRICS.DESCRIPTOR.name}: {error}")
        count(points, points)
        return Verdict(Outcome.ACCEPTED)

    service = "opentelemetry.proto.collector.metrics.v1.MetricsService"
    return Signal("/v1/metrics", service, _METRICS, take, lambda verdict: ExportMetricsServiceResponse())


_LOGS, _METRICS = ExportLogsServiceRequest, ExportMetricsServiceRequest


async def _off_the_loop(make: Callable[[bytes], _Made], payload: bytes) -> _Made:
    return make(payload) if len(payload) <= INLINE_BYTES else await asyncio.to_thread(make, payload)


def _count_points(payload: bytes) -> int:
    request = ExportMetricsServiceRequest.FromString(payload)
    metrics = (
        metric
        for resource_metrics in request.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    )
    points = 0
    for metric in metrics:
        if kind := metric.WhichOneof("data"):
            points += len(getattr(metric, kind).data_points)
    return points
