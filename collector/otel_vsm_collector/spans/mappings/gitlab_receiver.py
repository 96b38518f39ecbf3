"""The GitLab receiver of the OpenTelemetry Collector: jobs of pipelines that have ended.

A pipeline's spans have one resource. They are the pipeline, its stages, which have no attributes, and its
jobs.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_JOB = Attribute(semconv.CICD_PIPELINE_TASK_NAME, "span")
_ENVIRONMENT = Attribute("cicd.pipeline.task.run.environment.name", "span")

MAPPING = Mapping(
    name="GitLab receiver",
    url="https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/gitlabreceiver",
    missing=(
        "The number of the merge request: what it calls `vcs.change.id` is another number. Pipelines "
        "are joined by commit. The type of a job that does not deploy: give it in `vsm.yaml`, by the "
        "job's name. The service of a deployment is the project's name, unless the job's span names "
        "another."
    ),
    span_prefixes=("gitlab.",),
    resource_prefixes=("gitlab.",),
    columns=convention_with(
        request=(),
        # Legs are called `unit: [3.12, linux]` or `unit 1/4`.
        stage_name=(Attribute(_JOB.key, "span", pattern=r"^(?P<value>.+?)(?:: \[.+\]| \d+/\d+)?$"),),
        leg=(
            Attribute(_JOB.key, "span", pattern=r": \[(?P<value>.+)\]$"),
            Attribute(_JOB.key, "span", pattern=r" (?P<value>\d+/\d+)$"),
        ),
        stage_type=(
            Attribute(semconv.CICD_PIPELINE_TASK_TYPE, "span"),
            Constant(
                "deploy",
                where=(Attribute("gitlab.environment.action", "span", pattern="^(?P<value>start)$"),),
            ),
        ),
        queue_s=(Attribute("gitlab.job.queued_duration", "span"),),
        result=(Attribute(semconv.CICD_PIPELINE_TASK_RUN_RESULT, "span"),),
        environment=(Attribute(semconv.DEPLOYMENT_ENVIRONMENT_NAME), _ENVIRONMENT),
        service=(
            Attribute(semconv.SERVICE_NAME, "span"),
            Attribute(semconv.SERVICE_NAME, "resource", pattern="(?P<value>[^/]+)$"),
        ),
    ),
    moments={
        semconv.EventName.CHANGE_FIRST_COMMIT: (Attribute("vcs.ref.head.revision.timestamp", "resource"),)
    },
    dropped=(SpanName(unless=(_JOB,)),),
)
