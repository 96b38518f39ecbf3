"""Tekton, by the variables that `ci_plugins/tekton/` gives a step; by itself it gives none:
https://tekton.dev/docs/pipelines/variables/"""

from otel_vsm import semconv
from otel_vsm.ci.source import OneMore, System, Text

SYSTEM = System(
    # Request, repository and revision are parameters, and come as OTEL_VSM_CHANGE_ID and its like.
    name="Tekton",
    request=(),
    revision=(),
    branch=(),
    whole_history='the parameter depth: "0" of the task git-clone',
    attempt=(OneMore(Text("{TEKTON_RETRY_COUNT}")),),
    job=(Text("{TEKTON_PIPELINE_RUN_UID} {TEKTON_TASK_RUN}"),),
    attributes={
        semconv.CICD_PIPELINE_NAME: Text("{TEKTON_PIPELINE}"),
        semconv.CICD_PIPELINE_RUN_ID: Text("{TEKTON_PIPELINE_RUN_UID}"),
        semconv.CICD_PIPELINE_TASK_NAME: Text("{TEKTON_PIPELINE_TASK}"),
        semconv.CICD_PIPELINE_TASK_RUN_ID: Text("{TEKTON_TASK_RUN}"),
    },
)
