"""What other emitters send: the same rows whichever way it comes, each understood by its own mapping."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm_collector.spans.accept import CLASSIFIER, accept
from otel_vsm_collector.spans.decode import decode
from otel_vsm_collector.spans.mappings import EMITTERS, MAPPINGS, otel_vsm
from otel_vsm_collector.spans.rows import Numbered, ledger_rows
from scenarios.otlp import otlp_request
from scenarios.reading import EMITTERS as FOLDER
from scenarios.reading import load

FILES = sorted(FOLDER.glob("*.yaml"))
OF_EACH = {path.stem: otlp_request(load(path).events) for path in FILES}
Row = dict[str, Any]


def rows(*requests: ExportTraceServiceRequest) -> list[Row]:
    """What becomes of requests that come together, by trace and span."""
    payloads = [request.SerializeToString() for request in requests]
    spans = accept(payloads).spans
    if spans is None:
        return []
    found = ledger_rows([Numbered([1] * len(payloads), spans)]).span.to_pylist()
    return sorted(found, key=lambda row: (row["trace_id"], row["span_id"]))


def distinct(found: Iterable[Row]) -> list[Row]:
    """Each row once, in the order of `rows`: what several spans say is said as often."""
    once = {(row["trace_id"], row["span_id"], repr(row)): row for row in found}
    return [once[key] for key in sorted(once)]


def one_by_one(request: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    """A request for each span."""
    alone = []
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                alone.append(ExportTraceServiceRequest())
                of_resource = alone[-1].resource_spans.add(resource=resource_spans.resource)
                of_resource.scope_spans.add(scope=scope_spans.scope, spans=[span])
    return alone


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_same_follows_from_spans_that_come_one_by_one_and_backwards(path: Path) -> None:
    request = OF_EACH[path.stem]
    together = rows(request)
    assert distinct(row for part in one_by_one(request) for row in rows(part)) == together
    assert rows(*one_by_one(request)[::-1]) == together
    assert together


def test_the_same_follows_from_spans_of_all_emitters_and_of_ours_together() -> None:
    of_each = [row for request in OF_EACH.values() for row in rows(request)]
    found = rows(*OF_EACH.values())
    assert sorted(found, key=repr) == sorted(of_each, key=repr)


@pytest.mark.parametrize("mapping", EMITTERS, ids=lambda mapping: mapping.name)
def test_each_mapping_has_spans_to_be_tried_with(mapping: Any) -> None:
    """In a file of its own, all of whose spans are understood by it or dropped by it."""
    request = OF_EACH[mapping.name.lower().replace(" ", "_").replace("-", "_")]
    decoded = decode([request.SerializeToString()], CLASSIFIER.known_keys)
    understood = CLASSIFIER.classify(decoded)
    assert set(understood[understood >= 0]) == {MAPPINGS.index(mapping)}
    assert mapping.url.startswith("https://")
    assert mapping.missing


def test_our_own_names_come_first_whoever_sends_them() -> None:
    ours = {name: sources[0] for name, sources in otel_vsm.MAPPING.columns.items()}
    for mapping in EMITTERS:
        for name, sources in mapping.columns.items():
            if getattr(ours[name], "key", "").startswith("vsm."):
                assert sources[0] == ours[name], (mapping.name, name)
