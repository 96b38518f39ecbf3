"""What was sent, by who sent it: from the collector's API, and as `otel-vsm doctor --telemetry` says it."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handmade.otlp import Otlp
from otel_vsm.cli import main
from otel_vsm.testing import RunningCollector, collector
from otel_vsm_collector.keep.telemetry import MAX_SOURCES, OTHERS, Telemetry
from otel_vsm_collector.spans.accept import accept
from otel_vsm_collector.spans.sources import Source, SourceCounts

TASK = "cicd.pipeline.task.name"
WHERE = {"vcs.repository.url.full": "https://github.com/acme/shop", "vcs.ref.head.revision": "a" * 40}
SPAN = Otlp.span


def request(scopes: dict[str, list[Span]]) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    for scope, spans in scopes.items():
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = scope
        scope_spans.spans.extend(spans)
    return made


SENT = {
    "ours": [SPAN({TASK: "build", **WHERE}), SPAN({TASK: "build", **WHERE})],
    "a pipeline": [
        SPAN({"cicd.pipeline.result": "success", **WHERE}, name="run", trace_id=b"r" * 16),
        SPAN({TASK: "rollout", "cicd.pipeline.task.type": "deploy", **WHERE}, name="rollout"),
    ],
    "an application": [SPAN({"http.route": "/cart"}) for _ in range(3)],
    "broken": [SPAN(trace_id=b"")],
}
FATES: dict[tuple[str | None, str], tuple[int, ...]] = {
    # received, rejected, filtered, unmapped, kept
    ("otel-vsm", "ours"): (2, 0, 0, 0, 2),
    ("otel-vsm", "a pipeline"): (2, 0, 0, 0, 2),
    (None, "an application"): (3, 0, 3, 0, 0),
    (None, "broken"): (1, 1, 0, 0, 0),
}
KEYS = ("received", "rejected", "filtered", "unmapped", "kept")


def test_each_span_is_counted_once() -> None:
    accepted = accept(
        [request(SENT).SerializeToString(), request({"ours": SENT["ours"]}).SerializeToString()]
    )
    counts = {source: tuple(getattr(one, key) for key in KEYS) for source, one in accepted.sources.items()}
    assert counts == {**FATES, ("otel-vsm", "ours"): (4, 0, 0, 0, 4)}
    for key in KEYS:
        assert sum(getattr(one, key) for one in accepted.sources.values()) == getattr(accepted.counts, key)


def test_where_all_is_kept_too() -> None:
    accepted = accept([request({"ours": SENT["ours"]}).SerializeToString()])
    assert accepted.sources == {Source("otel-vsm", "ours"): SourceCounts(received=2, kept=2)}
    assert accept([]).sources == {}


def test_senders_cannot_make_up_names_without_end() -> None:
    telemetry = Telemetry()
    for number in range(MAX_SOURCES + 50):
        telemetry.count({Source(None, f"scope {number}"): SourceCounts(received=1, filtered=1)})
    sent = telemetry.sent()
    assert len(sent) == MAX_SOURCES + 1
    assert sent[OTHERS].counts.filtered == 50


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCollector]:
    with collector() as one:
        posted = urllib.request.Request(
            f"{one.otlp()}/v1/traces",
            request(SENT).SerializeToString(),
            {"content-type": "application/x-protobuf"},
        )
        with urllib.request.urlopen(posted, timeout=20):
            yield one


def test_the_api_tells_what_was_missing(running: RunningCollector) -> None:
    items = running.get("/api/v1/telemetry")["items"]
    fates = {(item["emitter"], item["scope"]): tuple(item[key] for key in KEYS) for item in items}
    assert fates == FATES
    lacking = {item["scope"]: item["lacking"] for item in items if item["lacking"]}
    assert list(lacking) == ["a pipeline"]
    told: dict[tuple[str, str], dict[str, Any]] = {
        (one["gives_no"], one["missing"]): one for one in lacking["a pipeline"]
    }
    assert set(told) == {
        ("stage", TASK),
        ("deployment", "deployment.environment.name"),
        ("deployment", "service.name"),
    }
    stage = told["stage", TASK]
    assert stage["spans"] == 1
    assert (stage["example"]["name"], stage["example"]["trace_id"]) == ("run", b"r".hex() * 16)


def test_doctor_says_it(running: RunningCollector) -> None:
    done = CliRunner().invoke(main, ["doctor", "--telemetry", "--url", running.web])
    assert done.exit_code == 0
    assert "no mapping (an application): 3 received, 3 filtered" in done.stdout
    assert f"gave no stage for want of {TASK}, as run in trace {b'r'.hex() * 16}" in done.stdout
    as_json = CliRunner().invoke(main, ["doctor", "--telemetry", "--json", "--url", running.web])
    assert len(json.loads(as_json.stdout)["findings"]) == len(FATES) + 3


def test_doctor_says_where_nobody_answers() -> None:
    done = CliRunner().invoke(main, ["doctor", "--telemetry", "--url", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "no collector answers" in done.stderr
