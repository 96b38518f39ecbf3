"""Bitbucket Pipelines: steps of pipelines, sent as webhooks that carry spans."""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_STEP = SpanName(pattern=r"^(?P<value>bbc\.(?:pipeline_)?step)$")
_STEP_NAME = Attribute("step.name", "span", where=(_STEP,))

MAPPING = Mapping(
    name="Bitbucket",
    url="https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-opentelemetry-traces-via-webhooks",
    missing=(
        "The repository's name: set `vcs.repository.url.full` on the resource, on the way through a "
        "Collector. Environments, so no deployments: put the step's commands into `otel-vsm deploy`."
    ),
    span_prefixes=("pipeline_run.uuid", "pipeline.uuid", "step.uuid"),
    columns=convention_with(
        revision=(Attribute(semconv.VCS_REF_HEAD_REVISION), Attribute("pipeline.target.commit.hash", "span")),
        ref_name=(Attribute("pipeline.target.ref_name", "span"),),
        stage_name=(_STEP_NAME,),
        result=(
            Attribute(
                "step.state.result.name",
                "span",
                words={"complete": "success", "successful": "success", "stopped": "cancellation"},
            ),
        ),
        service=(Attribute(semconv.SERVICE_NAME, "span"),),
        version=(Attribute(semconv.SERVICE_VERSION, "span"),),
        pipeline_run=(Attribute("pipeline_run.uuid", "span"),),
        job_run=(Attribute("step.uuid", "span"),),
    ),
    # What a step runs, and containers.
    dropped=(SpanName(unless=(_STEP, SpanName(pattern=r"^(?P<value>bbc\.pipeline_run)$"))),),
)
