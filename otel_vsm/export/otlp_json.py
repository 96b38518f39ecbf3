"""OTLP/JSON, a request a line: as OpenTelemetry's file exporter writes it.

protobuf's own JSON is not that: it has ids in base64, and enums by their names.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = ("traceId", "spanId", "parentSpanId")


class NoTraces(ValueError):
    """The text is no request of traces in OTLP/JSON."""


def to_line(request: ExportTraceServiceRequest) -> str:
    """The request as one line, with its end."""
    content = MessageToDict(request, use_integers_for_enums=True)
    _convert_ids(content, lambda text: b64decode(text).hex())
    return json.dumps(content, separators=(",", ":")) + "\n"


def from_line(line: str) -> ExportTraceServiceRequest:
    """The request of a line; NoTraces where it is none."""
    try:
        content = json.loads(line)
        if not isinstance(content, dict) or "resourceSpans" not in content:
            raise NoTraces("there are no resourceSpans in it")
        _convert_ids(content, lambda text: b64encode(bytes.fromhex(text)).decode())
        return ParseDict(content, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    except (ValueError, TypeError, AttributeError, KeyError, ParseError, RecursionError) as error:
        raise NoTraces(str(error)) from error


def _convert_ids(request: dict[str, Any], convert: Callable[[str], str]) -> None:
    for node in _spans_and_links(request):
        for name in _IDS:
            if name in node:
                node[name] = convert(node[name])


def _spans_and_links(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in request.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield span
                yield from span.get("links", ())
