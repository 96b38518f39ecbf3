"""Spans as pipelines send them: about 500 bytes and eleven attributes each, twenty to a change.

The first tells of the first commit, the last of the deployment, the others of stages.
"""

import random
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vsm import semconv
from otel_vsm.identity import Repository, change_of_request, change_root

BATCH = 500
PER_CHANGE = 20
_FIRST_NS = 1_790_000_000 * 10**9
_SECOND_NS = 10**9
_STAGES = (
    ("build", "build"),
    ("unit-test", "test"),
    ("lint", "test"),
    ("scan", "security"),
    ("image", "package"),
)
_TEAMS = ("payments", "search", "platform")


def requests(spans: int, *, batch: int = BATCH, seed: int = 0) -> Iterator[bytes]:
    """OTLP trace requests of `batch` spans each, `spans` in all; the same for the same seed."""
    stream = _spans(random.Random(seed), first_change=seed * 1_000_000)
    for _ in range(0, spans, batch):
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key=semconv.SERVICE_NAME).value.string_value = "otel-vsm"
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = semconv.SCOPE_NAME
        scope_spans.spans.extend(next(stream) for _ in range(batch))
        yield request.SerializeToString()


def _spans(rng: random.Random, first_change: int) -> Iterator[Span]:
    number = first_change
    while True:
        number += 1
        repository = Repository(f"github.com/acme/service-{number % 40}")
        change = change_of_request(repository, number)
        root = change_root(change)
        revision = rng.randbytes(20).hex()
        started_ns = _FIRST_NS + number % 100_000 * 60 * _SECOND_NS
        attributes_of_change = {
            semconv.VSM_CHANGE_ID: change,
            semconv.VCS_REPOSITORY_URL_FULL: f"https://{repository}",
            semconv.VCS_CHANGE_ID: str(number),
            semconv.VCS_REF_HEAD_REVISION: revision,
            semconv.VSM_TEAM: _TEAMS[number % len(_TEAMS)],
            semconv.VSM_ACTOR_TYPE: semconv.ActorType.AUTOMATION.value,
            semconv.CICD_PIPELINE_TASK_RUN_RESULT: semconv.TaskResult.SUCCESS.value,
            semconv.CICD_PIPELINE_RUN_URL_FULL: f"https://{repository}/actions/runs/{number}",
        }
        deployment = {
            semconv.SERVICE_NAME: repository.rpartition("/")[2],
            semconv.DEPLOYMENT_ENVIRONMENT_NAME: "production",
            semconv.DEPLOYMENT_ID: f"deployment-{number}",
        }
        for index in range(PER_CHANGE):
            name, kind = _STAGES[index % len(_STAGES)]
            duration_ns = rng.randrange(_SECOND_NS, 900 * _SECOND_NS)
            attributes = attributes_of_change | {semconv.VSM_STAGE_NAME: name, semconv.VSM_STAGE_TYPE: kind}
            if index == 0:
                name, duration_ns = semconv.EventName.CHANGE_FIRST_COMMIT.value, 0
                attributes = attributes_of_change | {semconv.VSM_EVENT_NAME: name}
            elif index == PER_CHANGE - 1:
                name = kind = semconv.StageType.DEPLOY.value
                stage = {semconv.VSM_STAGE_NAME: name, semconv.VSM_STAGE_TYPE: kind}
                attributes = attributes_of_change | stage | deployment
            started_ns += rng.randrange(_SECOND_NS, 300 * _SECOND_NS)
            span = Span(
                trace_id=bytes.fromhex(root.trace_id),
                span_id=rng.randbytes(8),
                parent_span_id=bytes.fromhex(root.span_id),
                name=name,
                kind=Span.SPAN_KIND_INTERNAL,
                start_time_unix_nano=started_ns,
                end_time_unix_nano=started_ns + duration_ns,
            )
            for key, value in attributes.items():
                span.attributes.add(key=key).value.string_value = value
            span.attributes.add(key=semconv.VSM_STAGE_QUEUE_DURATION).value.double_value = rng.random() * 60
            yield span
