"""Another emitter than our own, as a mapping that could be a file beside ours: what its spans become.

It is a part of what the GitLab receiver of the OpenTelemetry Collector sends for a pipeline that has ended:
one resource, a span for the pipeline, one for each of its stages without an attribute, one for each job.
"""

import hashlib
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from handmade.otlp import Otlp, key_values
from otel_vsm_collector.spans.accept import Counts, accept
from otel_vsm_collector.spans.classify import Classifier
from otel_vsm_collector.spans.mappings import MAPPINGS
from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping
from otel_vsm_collector.spans.rows import Numbered, ledger_rows

GITLAB = Mapping(
    name="GitLab receiver",
    span_prefixes=("gitlab.",),
    resource_prefixes=("gitlab.",),
    columns={
        "repository": (Attribute("vcs.repository.url.full", "resource"),),
        # No request: what it calls vcs.change.id is no number of the project's.
        "revision": (Attribute("vcs.ref.head.revision", "resource"),),
        "stage_name": (Attribute("cicd.pipeline.task.name", "span"),),
        "stage_type": (
            Attribute("gitlab.environment.action", pattern="^(?P<value>start)$", words={"start": "deploy"}),
        ),
        "queue_s": (Attribute("gitlab.job.queued_duration", "span"),),
        "result": (
            Attribute(
                "cicd.pipeline.task.run.result",
                "span",
                words={"failed": "failure", "canceled": "cancellation", "skipped": "skip"},
            ),
        ),
        "actor_type": (Constant("automation"),),
        "environment": (Attribute("cicd.pipeline.task.run.environment.name", "span"),),
        "deployment_id": (
            Attribute("cicd.pipeline.task.run.url.full", "span", pattern=r"/jobs/(?P<value>\d+)$"),
        ),
    },
    # The pipeline as a whole: its jobs tell the same, by the piece.
    dropped=(Attribute("gitlab.pipeline.source", "span"),),
)
CLASSIFIER = Classifier([GITLAB, *MAPPINGS])
RESOURCE = {
    "gitlab.project.namespace": "acme",
    "cicd.pipeline.name": "",
    "cicd.pipeline.run.id": 4711,
    "vcs.repository.url.full": "https://gitlab.com/acme/shop",
    "vcs.change.id": 99_000_123,
    "vcs.ref.head.revision": "ABC",
}
TRACE = bytes(range(16))


def span(name: str, parent: str = "", attributes: dict[str, Any] | None = None) -> Span:
    """Ids are made of names."""
    return Span(
        trace_id=TRACE,
        span_id=_id(name),
        parent_span_id=_id(parent) if parent else b"",
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=10**18,
        end_time_unix_nano=10**18 + 10**9,
        attributes=key_values(attributes or {}),
    )


def _id(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:8]


def job(name: str, stage: str, result: str, **more: Any) -> Span:
    said = {
        "cicd.pipeline.task.name": name,
        "cicd.pipeline.task.run.result": result,
        "gitlab.job.queued_duration": 2.5,
        "cicd.pipeline.task.run.environment.name": "",
        "gitlab.environment.action": "",
        "cicd.pipeline.task.run.url.full": "",
    }
    return span(name, stage, said | {key.replace("__", "."): value for key, value in more.items()})


PIPELINE = (
    span("main", attributes={"gitlab.pipeline.source": "push"}),
    span("Verify", "main"),
    span("ship", "main"),
    job("unit", "Verify", "canceled"),
    job(
        "to production",
        "ship",
        "success",
        gitlab__environment__action="start",
        cicd__pipeline__task__run__environment__name="production",
        cicd__pipeline__task__run__url__full="https://gitlab.com/acme/shop/-/jobs/815",
    ),
)


@pytest.fixture
def pipeline(otlp: Otlp) -> ExportTraceServiceRequest:
    return otlp.request(*PIPELINE, resource=RESOURCE)


def rows(
    request: ExportTraceServiceRequest, classifier: Classifier = CLASSIFIER
) -> dict[str, dict[str, Any]]:
    """What its spans say, by name: all but nulls, and but what every span has."""
    accepted = accept([request.SerializeToString()], classifier=classifier).spans
    assert accepted is not None
    of_every_span = {
        "seq",
        "trace_id",
        "span_id",
        "parent_span_id",
        "name",
        "started_at",
        "ended_at",
        "failed",
    }
    return {
        row["name"]: {
            key: value for key, value in row.items() if value is not None and key not in of_every_span
        }
        for row in ledger_rows([Numbered([1], accepted)]).span.to_pylist()
    }


OF_EACH = {
    "repository": "gitlab.com/acme/shop",
    "revision": "ABC",
    "change_id": "gitlab.com/acme/shop@abc",
    "actor_type": "automation",
}
EXPECTED = {
    "Verify": OF_EACH,
    "ship": OF_EACH,
    "unit": {
        "stage_name": "unit",
        "queue_s": 2.5,
        "result": "cancellation",
        **OF_EACH,
    },
    "to production": {
        "stage_name": "to production",
        "stage_type": "deploy",
        "queue_s": 2.5,
        "result": "success",
        "environment": "production",
        "deployment_id": "815",
        **OF_EACH,
    },
}
OURS = {
    "vsm.stage.name": "build",
    "vsm.change.id": "github.com/acme/web#1",
    "cicd.pipeline.task.run.result": "failed",
    "vcs.change.id": "1",
}


def test_its_spans_become_these_rows(pipeline: ExportTraceServiceRequest) -> None:
    assert rows(pipeline) == EXPECTED


@pytest.mark.parametrize("ours_first", [True, False])
def test_in_one_request_with_ours_each_is_understood_by_its_own_mapping(
    otlp: Otlp, pipeline: ExportTraceServiceRequest, ours_first: bool
) -> None:
    ours = otlp.request(otlp.span(OURS, name="build"), otlp.span({}, name="of an application"))
    mixed = ExportTraceServiceRequest()
    for part in (ours, pipeline) if ours_first else (pipeline, ours):
        mixed.MergeFrom(part)
    expected = {
        "stage_name": "build",
        "change_id": "github.com/acme/web#1",
        "request": "1",
        "result": "failure",
    }
    assert rows(mixed) == EXPECTED | {"build": expected}
    accepted = accept([mixed.SerializeToString()], classifier=CLASSIFIER)
    assert accepted.counts == Counts(received=7, filtered=2, kept=5)


def test_spans_of_both_in_one_resource_and_of_several_requests_stay_apart(otlp: Otlp) -> None:
    """Rows come in the order of the spans, with the values of their own."""
    names = [f"{number:02}" for number in range(20)]
    payloads = [
        otlp.payload(
            *(
                otlp.span({"gitlab.x": "", "cicd.pipeline.task.name": name}, name=name)
                if int(name) % 3
                else otlp.span({"vsm.stage.name": name, "vsm.team": name}, name=name)
                for name in some
            )
        )
        for some in (names[:7], names[7:])
    ]
    batches = [
        Numbered([seq], accepted)
        for seq, payload in enumerate(payloads)
        if (accepted := accept([payload], classifier=CLASSIFIER).spans)
    ]
    found = ledger_rows(batches).span.to_pylist()
    assert [(row["seq"], row["name"]) for row in found] == [(int(name) >= 7, name) for name in names]
    for row in found:
        foreign = int(row["name"]) % 3 > 0
        assert row["stage_name"] == row["name"]
        assert (row["team"], row["actor_type"]) == ((None, "automation") if foreign else (row["name"], None))
