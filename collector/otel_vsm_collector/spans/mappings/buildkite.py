"""Buildkite's notification service: a build with its stages, steps and jobs.

Buildkite's agent sends spans of what a job does inside, as parts of it and with other names; they are left
out.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_JOB = Attribute("buildkite.job.id")

MAPPING = Mapping(
    name="Buildkite",
    url="https://buildkite.com/docs/pipelines/integrations/observability/opentelemetry",
    missing=(
        "Environments, so no deployments: put the step's command into `otel-vsm deploy`. The number of "
        "the pull request: builds are joined by commit. A step's type: give it in `vsm.yaml`, by the "
        "step's key."
    ),
    scopes=("buildkite-agent", "buildkite_agent"),
    span_prefixes=("buildkite.",),
    resource_prefixes=("buildkite.",),
    columns=convention_with(
        repository=(Attribute(semconv.VCS_REPOSITORY_URL_FULL), Attribute("buildkite.pipeline.repo")),
        # A build that was asked for without a commit has `HEAD`.
        revision=(Attribute("buildkite.build.commit", pattern="^(?P<value>[0-9a-f]{40})$"),),
        ref_name=(Attribute("buildkite.build.branch"),),
        stage_name=(
            Attribute("buildkite.step.key"),
            Attribute("buildkite.job.label"),
            Attribute("buildkite.step.label"),
        ),
        leg=(Attribute("buildkite.job.matrix"),),
        queue_s=(Attribute("buildkite.job.wait_time_ms", per_second=1e3),),
        result=(
            Attribute("buildkite.job.state", pattern="^(?P<value>canceled|timed_out|skipped|broken)$"),
            Attribute("buildkite.job.passed"),
        ),
        # The resource's are those of Buildkite; its agent calls its environment `ci`.
        service=(Attribute(semconv.SERVICE_NAME, "span"),),
        version=(Attribute(semconv.SERVICE_VERSION, "span"),),
        environment=(Attribute(semconv.DEPLOYMENT_ENVIRONMENT_NAME, "span"),),
        pipeline_run=(Attribute("buildkite.build.id"),),
        job_run=(_JOB,),
    ),
    dropped=(
        SpanName(unless=(_JOB,)),
        # Nobody works: a wait for all before it, or for somebody to say that it may go on.
        Attribute("buildkite.job.type", pattern="^(?P<value>waiter|manual)$"),
    ),
)
