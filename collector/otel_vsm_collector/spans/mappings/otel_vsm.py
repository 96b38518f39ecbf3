"""Our own convention, which is OpenTelemetry's for CI/CD and deployments and what that does not name yet.

Whoever sends these attributes is understood, whichever tool it is. See docs/semconv/.
"""

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Mapping

MAPPING = Mapping(
    name="otel-vsm",
    span_prefixes=("vsm.", "cicd.", "vcs.", "artifact.", "deployment."),
    resource_prefixes=("cicd.", "vsm."),
    # The hook in a service puts these on all of its telemetry to say which change runs, so on a resource
    # they tell nothing of delivery work.
    context=(
        semconv.VSM_CHANGE_ID,
        semconv.VSM_TEAM,
        semconv.VSM_VALUE_STREAM,
        semconv.VSM_WORK_ITEM_ID,
    ),
    columns={
        "change_id": (Attribute(semconv.VSM_CHANGE_ID),),
        "repository": (Attribute(semconv.VCS_REPOSITORY_URL_FULL),),
        "request": (Attribute(semconv.VCS_CHANGE_ID),),
        "revision": (Attribute(semconv.VCS_REF_HEAD_REVISION),),
        "ref_name": (Attribute(semconv.VCS_REF_HEAD_NAME),),
        "base_name": (Attribute(semconv.VCS_REF_BASE_NAME),),
        "stage_name": (Attribute(semconv.VSM_STAGE_NAME),),
        "stage_type": (Attribute(semconv.VSM_STAGE_TYPE),),
        "queue_s": (Attribute(semconv.VSM_STAGE_QUEUE_DURATION),),
        "result": (Attribute(semconv.CICD_PIPELINE_TASK_RUN_RESULT),),
        "team": (Attribute(semconv.VSM_TEAM),),
        "actor_type": (Attribute(semconv.VSM_ACTOR_TYPE),),
        "value_stream": (Attribute(semconv.VSM_VALUE_STREAM),),
        "service": (Attribute(semconv.SERVICE_NAME),),
        "version": (Attribute(semconv.SERVICE_VERSION),),
        "environment": (Attribute(semconv.DEPLOYMENT_ENVIRONMENT_NAME),),
        "deployment_id": (Attribute(semconv.DEPLOYMENT_ID),),
        "deployment_kind": (Attribute(semconv.VSM_DEPLOYMENT_KIND),),
        "previous_revision": (Attribute(semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION),),
        "artifact_purl": (Attribute(semconv.ARTIFACT_PURL),),
        "artifact_hash": (Attribute(semconv.ARTIFACT_HASH),),
        "event_name": (Attribute(semconv.VSM_EVENT_NAME),),
        "work_item_id": (Attribute(semconv.VSM_WORK_ITEM_ID),),
        "incident_id": (Attribute(semconv.VSM_INCIDENT_ID),),
        "severity": (Attribute(semconv.VSM_INCIDENT_SEVERITY),),
        "gate": (Attribute(semconv.VSM_APPROVAL_GATE),),
        "reverts": (Attribute(semconv.VSM_CHANGE_REVERTS),),
        "pipeline_run": (Attribute(semconv.CICD_PIPELINE_RUN_ID),),
        "job": (Attribute(semconv.CICD_PIPELINE_TASK_NAME),),
        "job_run": (Attribute(semconv.CICD_PIPELINE_TASK_RUN_ID),),
        "attempt": (
            Attribute(semconv.VSM_RUN_ATTEMPT),
            Attribute(semconv.CICD_PIPELINE_RUN_URL_FULL, pattern=r"/attempts/(?P<value>\d+)"),
        ),
        "leg": (Attribute(semconv.VSM_STAGE_LEG),),
        "backfilled": (Attribute(semconv.VSM_BACKFILLED),),
        "gap": (Attribute(semconv.VSM_MEASUREMENT_GAP),),
        "retracts": (Attribute(semconv.VSM_RETRACTS_SPAN_ID, "span"),),
    },
)
