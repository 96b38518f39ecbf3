"""The GitHub receiver of the OpenTelemetry Collector: jobs and runs of GitHub Actions, as webhooks tell them.

All is on the resource, which is a job's or a run's. A job's spans are the job, its time in the queue, and
its steps. Names differ between releases.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_JOB_URL, _RUN_URL = (
    Attribute(key, "resource")
    for key in (semconv.CICD_PIPELINE_TASK_RUN_URL_FULL, semconv.CICD_PIPELINE_RUN_URL_FULL)
)
_REPOSITORY = r"^https?://(?P<value>[^/]+/[^/]+/[^/]+)/actions/runs/"
_RUN = r"/actions/runs/(?P<value>\d+)"
# A leg of a matrix is called `unit (3.12, linux)`.
_STAGE, _LEG = r"^(?P<value>.+?)(?: \([^()]+\))?$", r" \((?P<value>[^()]+)\)$"
_JOB_NAMES = (semconv.CICD_PIPELINE_TASK_NAME, semconv.CICD_PIPELINE_NAME)

MAPPING = Mapping(
    name="GitHub receiver",
    url="https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/githubreceiver",
    missing=(
        "Environments, so no deployments: set `deployment.environment.name`, and "
        "`cicd.pipeline.task.type` to `deploy`, on the spans of the jobs that deploy. The number of the "
        "pull request: runs are joined by commit. A job's span begins when the job was created, so its "
        "process time has its time in the queue in it."
    ),
    scopes=("github.com/open-telemetry/opentelemetry-collector-contrib/receiver/githubreceiver",),
    resource_prefixes=(
        "cicd.pipeline.run.sender.login",
        "cicd.pipeline.task.run.sender.login",
        "cicd.pipeline.run.task.status",
        "cicd.pipeline.run.status",
    ),
    columns=convention_with(
        repository=(
            Attribute(semconv.VCS_REPOSITORY_URL_FULL),
            *(Attribute(url.key, url.on, pattern=_REPOSITORY) for url in (_JOB_URL, _RUN_URL)),
        ),
        ref_name=(Attribute(semconv.VCS_REF_HEAD_NAME), Attribute("vcs.ref.head")),
        stage_name=tuple(Attribute(key, "resource", pattern=_STAGE, where=(_JOB_URL,)) for key in _JOB_NAMES),
        leg=tuple(Attribute(key, "resource", pattern=_LEG, where=(_JOB_URL,)) for key in _JOB_NAMES),
        result=(
            Attribute(semconv.CICD_PIPELINE_TASK_RUN_RESULT, "resource"),
            Attribute("cicd.pipeline.run.task.status", "resource"),
        ),
        pipeline_run=(
            Attribute(semconv.CICD_PIPELINE_RUN_ID),
            Attribute(_JOB_URL.key, "resource", pattern=_RUN),
        ),
    ),
    dropped=(
        Attribute(semconv.CICD_PIPELINE_TASK_NAME, "span"),
        Attribute("cicd.pipeline.run.queue.duration", "span"),
    ),
)
