"""Argo Workflows, by the variables that its executor gives a container:
https://argo-workflows.readthedocs.io/en/latest/environment-variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import System, Text

SYSTEM = System(
    # Request, repository and revision are parameters, and come as OTEL_VSM_CHANGE_ID and its like.
    name="Argo Workflows",
    request=(),
    revision=(),
    branch=(),
    whole_history="the Git artifact without depth",
    job=(Text("{ARGO_NODE_ID}"),),
    attributes={
        semconv.CICD_PIPELINE_RUN_ID: Text("{ARGO_WORKFLOW_NAME}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{ARGO_NODE_ID}"),
    },
)
