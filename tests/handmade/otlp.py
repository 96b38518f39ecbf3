"""Spans and requests for what receives."""

import os
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """OTLP's attributes; None stands for a value that is not there."""
    found = []
    for key, value in attributes.items():
        found.append(KeyValue(key=key))
        if value is not None:
            kind = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
            setattr(found[-1].value, kind.get(type(value), "string_value"), value)
    return found


class Otlp:
    """Spans and requests; what is left out is as in a sound span of delivery."""

    @staticmethod
    def span(attributes: Mapping[str, Any] | None = None, **fields: Any) -> Span:
        given = {"vsm.stage.name": "build"} if attributes is None else attributes
        sound: dict[str, Any] = {
            "trace_id": os.urandom(16),
            "span_id": os.urandom(8),
            "name": "build",
            "start_time_unix_nano": 1_700_000_000 * 10**9,
            "end_time_unix_nano": 1_700_000_060 * 10**9,
        }
        return Span(**(sound | fields), attributes=key_values(given))

    @staticmethod
    def request(*spans: Span, resource: Mapping[str, Any] | None = None) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(key_values(resource or {}))
        resource_spans.scope_spans.add().spans.extend(spans)
        return request

    def payload(self, *spans: Span, resource: Mapping[str, Any] | None = None) -> bytes:
        return self.request(*spans, resource=resource).SerializeToString()
