"""The action otel-cicd-action: a run of GitHub Actions with its jobs and steps, sent when it has ended."""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping, SpanName
from otel_vsm_collector.spans.mappings.otel_vsm import convention_with

_JOB, _RUN = Attribute("github.job.id", "span"), Attribute("github.run_id", "span")
_ADDRESSES = ("github.job.html_url", "github.html_url")

MAPPING = Mapping(
    name="otel-cicd-action",
    url="https://github.com/corentinmusard/otel-cicd-action",
    missing=(
        "Environments, so no deployments: set `deployment.environment.name` and `service.name` on the "
        "spans of the jobs that deploy. A job's type, which it guesses from parts of the name: give it "
        "in `vsm.yaml`, by the job's name. How long a job was queued."
    ),
    # Not by `github.`: services that hooks of GitHub call have attributes of these names, too.
    scopes=("otel-cicd-action",),
    columns=convention_with(
        repository=(
            Attribute(semconv.VCS_REPOSITORY_URL_FULL),
            *(
                Attribute(key, "span", pattern=r"^https?://(?P<value>[^/]+/[^/]+/[^/]+)/actions/runs/")
                for key in _ADDRESSES
            ),
        ),
        # Other events list the requests that the branch is the source of, whatever the run was for.
        request=(
            Attribute(
                "github.pull_requests.0.number",
                "span",
                where=(Attribute("github.event", "span", pattern="^(?P<value>pull_request)"),),
                unless=(Attribute("github.pull_requests.1.number", "span"),),
            ),
        ),
        revision=(Attribute("github.job.head_sha", "span"), Attribute("github.head_sha", "span")),
        ref_name=(Attribute("github.job.head_branch", "span"), Attribute("github.head_branch", "span")),
        stage_name=(Attribute("github.job.name", "span", pattern=r"^(?P<value>.+?)(?: \([^()]+\))?$"),),
        leg=(Attribute("github.job.name", "span", pattern=r" \((?P<value>[^()]+)\)$"),),
        stage_type=(),
        result=(Attribute("github.job.conclusion", "span"), Attribute("github.conclusion", "span")),
        # The resource's are the workflow and the commit.
        service=(Attribute(semconv.SERVICE_NAME, "span"),),
        version=(Attribute(semconv.SERVICE_VERSION, "span"),),
        pipeline_run=(Attribute("github.job.run_id", "span"), _RUN),
        job_run=(_JOB,),
        attempt=(Attribute("github.job.run_attempt", "span"), Attribute("github.run_attempt", "span")),
    ),
    moments={semconv.EventName.CHANGE_FIRST_COMMIT: (Attribute("github.head_commit.timestamp", "span"),)},
    dropped=(SpanName(unless=(_JOB, _RUN)),),
)
