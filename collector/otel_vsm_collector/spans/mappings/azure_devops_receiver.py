"""Liatrio's Azure DevOps receiver of the OpenTelemetry Collector: jobs of pipelines, as service hooks tell.

All is on the resource, which is a job's, a stage's or a run's.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_JOB = Attribute("cicd.pipeline.job.name", "resource")

MAPPING = Mapping(
    name="Azure DevOps receiver",
    url="https://github.com/liatrio/liatrio-otel-collector",
    missing=(
        "Environments, so no deployments: set `deployment.environment.name` and `service.name`, and "
        "`cicd.pipeline.task.type` to `deploy`, on the spans of the jobs that deploy. The run that a "
        "job is part of, the number of the pull request, and how long a job was queued."
    ),
    resource_prefixes=("azuredevops.", "cicd.pipeline.job.", "cicd.pipeline.stage."),
    columns=convention_with(
        revision=(Attribute(semconv.VCS_REF_HEAD_REVISION), Attribute("vcs.commit.version", "resource")),
        stage_name=(_JOB,),
        result=(Attribute("cicd.pipeline.job.result", "resource", words={"succeededwithissues": "success"}),),
        service=(Attribute(semconv.SERVICE_NAME, "span"),),
        version=(Attribute(semconv.SERVICE_VERSION, "span"),),
        attempt=(Attribute("cicd.pipeline.job.attempt", "resource"),),
    ),
    # A stage is its jobs.
    dropped=(SpanName(unless=(_JOB,)),),
)
