"""Late and wrong data heal: whatever way spans come to a collector, it answers the same, byte for byte.

All that the scenarios tell is sent to two collectors: at once and in order to the one, to the other permuted,
partly twice, in many requests, with a power cut in between.
"""

import hashlib
import json
import random
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from otel_vsm.semconv import VSM_LINK_KIND
from otel_vsm.testing import RunningCollector, collector
from otel_vsm_collector.figures.registry import EXPLAINED
from otel_vsm_collector.spans.mappings.mapping import Attribute
from otel_vsm_collector.spans.mappings.otel_vsm import MAPPING
from scenarios.events import Span

WINDOW = "from=2025-12-01&to=2026-04-01"
REQUESTS = 30
_FIELDS = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}


def encoded(ledger: Sequence[Span]) -> bytes:
    """An OTLP request of these spans."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for row, links in ledger:
        span = spans.add(
            trace_id=_id(row["trace_id"], 16),
            span_id=_id(row["span_id"], 8),
            name=row["name"],
            start_time_unix_nano=row["started_at"],
            end_time_unix_nano=row["ended_at"],
        )
        if row.get("parent_span_id"):
            span.parent_span_id = _id(row["parent_span_id"], 8)
        for column, (source, *_) in MAPPING.columns.items():
            if isinstance(source, Attribute) and row.get(column) is not None:
                span.attributes.append(_attribute(source.key, row[column]))
        for link in links:
            linked = OtlpSpan.Link(
                trace_id=_id(link["linked_trace_id"], 16), span_id=_id(link["linked_span_id"], 8)
            )
            if link.get("kind"):
                linked.attributes.append(_attribute(VSM_LINK_KIND, link["kind"]))
            span.links.append(linked)
    return request.SerializeToString()


def _attribute(key: str, value: Any) -> KeyValue:
    pair = KeyValue(key=key)
    setattr(pair.value, _FIELDS[type(value)], value)
    return pair


def _id(name: str, size: int) -> bytes:
    """The id that the name is, or stands for: scenarios also give traces short names."""
    try:
        found = bytes.fromhex(name)
    except ValueError:
        found = b""
    sound = len(found) == size and any(found)
    return found if sound else hashlib.sha256(name.encode()).digest()[:size]


def send(running: RunningCollector, ledger: Sequence[Span]) -> None:
    request = urllib.request.Request(
        f"{running.otlp()}/v1/traces",
        encoded(ledger),
        {"content-type": "application/x-protobuf"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        response = ExportTraceServiceResponse.FromString(answer.read())
    assert response.partial_success.rejected_spans == 0, response.partial_success.error_message


def asked() -> Iterator[str]:
    """Everything that the API can be asked of the window."""
    for profile in ("dora", "devlake"):
        for path in ("dora", "flow", "stages", "dora/series"):
            yield f"{path}?{WINDOW}&profile={profile}"
        for figure in EXPLAINED:
            yield f"explain?{WINDOW}&profile={profile}&figure={figure}&limit=1000"
    for path in ("changes", "deployments", "incidents"):
        for environment in ("production", "staging"):
            yield f"{path}?{WINDOW}&environment={environment}&limit=1000"
    yield f"compare?{WINDOW}&figure=change_lead_time&with=gitlab&limit=1000"
    yield f"dora/series?{WINDOW}&step=day&time_zone={quote('Europe/Berlin')}"


def answers(running: RunningCollector) -> dict[str, bytes]:
    found = {}
    for target in asked():
        with urllib.request.urlopen(f"{running.web}/api/v1/{target}", timeout=60) as answer:
            assert answer.headers["vsm-lag-seconds"] == "0"
            found[target] = answer.read()
    with urllib.request.urlopen(f"{running.web}/api/v1/measurement?{WINDOW}", timeout=60) as answer:
        # How often a span was sent is the only thing that may differ.
        measured = {name: value for name, value in json.load(answer).items() if name != "received"}
        found["measurement"] = json.dumps(measured).encode()
    return found


@pytest.mark.worlds
@pytest.mark.kill
def test_arrival_changes_no_answer(side_by_side: list[Span], tmp_path: Path) -> None:
    with collector() as running:
        send(running, side_by_side)
        in_order = answers(running)
    assert sum(len(answer) for answer in in_order.values()) > 100_000

    chosen = random.Random(20260501)
    shuffled = [*side_by_side, *chosen.sample(side_by_side, len(side_by_side) // 3)]
    chosen.shuffle(shuffled)
    parts = [shuffled[start::REQUESTS] for start in range(REQUESTS)]
    with collector(data=tmp_path / "data") as running:
        for part in parts[: REQUESTS // 2]:
            send(running, part)
        running.kill()
    with collector(data=tmp_path / "data") as running:
        for part in parts[REQUESTS // 2 :]:
            send(running, part)
        anyhow = answers(running)
    different = [target for target, answer in in_order.items() if anyhow[target] != answer]
    assert different == []
