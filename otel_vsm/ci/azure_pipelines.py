"""Azure Pipelines: https://learn.microsoft.com/azure/devops/pipelines/build/variables"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    name="Azure Pipelines",
    repository=(Text("{BUILD_REPOSITORY_URI}"),),
    request=(
        # Of a repository on GitHub the id is not the request's number.
        Text("{SYSTEM_PULLREQUEST_PULLREQUESTNUMBER}"),
        Text("{BUILD_REPOSITORY_PROVIDER} {SYSTEM_PULLREQUEST_PULLREQUESTID}", r"^TfsGit (?P<value>\d+)$"),
    ),
    head_repository=(Text("{SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI}"),),
    revision=(
        # BUILD_SOURCEVERSION of a request is a merge that is made up.
        Text("{SYSTEM_PULLREQUEST_SOURCECOMMITID}"),
        Text("{BUILD_SOURCEVERSION}"),
    ),
    branch=(
        Text("{SYSTEM_PULLREQUEST_SOURCEBRANCH}", r"^(?:refs/heads/)?(?P<value>.+)$"),
        Text("{BUILD_SOURCEBRANCH}", r"^refs/(?:heads|tags)/(?P<value>.+)$"),
    ),
    tag=(Text("{BUILD_SOURCEBRANCH}", r"^refs/tags/(?P<value>.+)$"),),
    whole_history="fetchDepth: 0 for the step checkout",
    base_branch=(Text("{SYSTEM_PULLREQUEST_TARGETBRANCH}"),),
    attempt=(Text("{SYSTEM_JOBATTEMPT}", r"^(?P<value>[1-9]\d{0,8})$"),),
    # `build.py311` of a matrix; a job without one ends in `.__default`.
    leg=(Text("{SYSTEM_JOBIDENTIFIER}", r"\.(?!__default$)(?P<value>[^.]+)$"),),
    job=(Text("{SYSTEM_COLLECTIONURI} {BUILD_BUILDID} {SYSTEM_JOBID} {SYSTEM_JOBATTEMPT}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{BUILD_DEFINITIONNAME}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{BUILD_BUILDID}"),
        semconv.CICD_PIPELINE_RUN_URL_FULL: Text(
            "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECTID}/_build/results?buildId={BUILD_BUILDID}"
        ),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{SYSTEM_PHASENAME}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{SYSTEM_JOBID}"),
        semconv.CICD_WORKER_NAME: Text("{AGENT_NAME}"),
    },
)
