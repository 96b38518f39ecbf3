"""The OpenTelemetry plugin of Jenkins: stages of pipelines, and builds of other jobs.

A build is a trace, and each of its steps a span in it. What is said of the root span is said of the whole
trace.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_STEP = Attribute("jenkins.pipeline.step.type", "span")
_STAGE = SpanName(pattern="^Stage: (?P<value>.+)$")
# Builds of these have no stages, and are one.
_WITHOUT_STAGES = Attribute("ci.pipeline.type", "span", pattern="^(?P<value>freestyle|maven|matrix)$")

MAPPING = Mapping(
    name="Jenkins",
    url="https://github.com/jenkinsci/opentelemetry-plugin/blob/main/docs/job-traces.md",
    missing=(
        "Commit and repository: set `vcs.ref.head.revision` and `vcs.repository.url.full` on the "
        "build's root span, with the step `setSpanAttributes` and the target `PIPELINE_ROOT_SPAN`. "
        "Deployments: put the stage's commands into `otel-vsm deploy`, or set `cicd.pipeline.task.type` "
        "to `deploy`, `deployment.environment.name` and `service.name` on the stage's span. How long a "
        "stage waited for an agent."
    ),
    scopes=("io.jenkins.opentelemetry",),
    span_prefixes=("ci.pipeline.", "jenkins.pipeline."),
    columns=convention_with(
        stage_name=(
            _STAGE,
            Attribute(semconv.CICD_PIPELINE_TASK_NAME, "span", unless=(_STEP,)),
            Attribute("ci.pipeline.id", "span", where=(_WITHOUT_STAGES,)),
        ),
        result=(
            Attribute("jenkins.pipeline.step.result", "span"),
            Attribute(semconv.CICD_PIPELINE_TASK_RUN_RESULT, "span"),
            Attribute("ci.pipeline.run.result", "span"),
            Attribute("cicd.pipeline.result", "span"),
        ),
        # The resource's is Jenkins itself.
        service=(Attribute(semconv.SERVICE_NAME, "span"),),
        version=(Attribute(semconv.SERVICE_VERSION, "span"), Attribute("artifact.version", "span")),
        pipeline_run=(Attribute(semconv.CICD_PIPELINE_RUN_ID), Attribute("ci.pipeline.run.url", "span")),
    ),
    dropped=(
        # Phases and steps are parts of the build and of its stages.
        SpanName(
            unless=(
                _STAGE,
                Attribute("ci.pipeline.id", "span"),
                Attribute(semconv.CICD_PIPELINE_TASK_NAME, "span", unless=(_STEP,)),
                Attribute("cicd.pipeline.result", "span"),
                Attribute(semconv.VCS_REF_HEAD_REVISION, "span"),
                Attribute(semconv.VSM_STAGE_NAME, "span"),
            )
        ),
        # Pages of Jenkins that people look at carry the pipeline's name, and the people's.
        *(Attribute(key, "span") for key in ("http.request.method", "http.method", "http.url", "url.path")),
    ),
)
