"""Our own convention, which is OpenTelemetry's for CI/CD and deployments and what that does not name yet.

Whoever sends these attributes is understood, whichever tool it is. See docs/semconv/. What OpenTelemetry
names stands behind our own names column by column, not in a mapping of its own: one mapping understands a
span, and who adds `vsm.team` to a task of a pipeline must not lose the task.
"""

from collections import abc

from otel_vsm import semconv
from otel_vsm_collector.spans.mappings.mapping import Attribute, Constant, Mapping, Source

_EVENT = Attribute(semconv.VSM_EVENT_NAME)
# What the wrappers tell of the CI's job is said of their events, too, which are no runs of it.
_TASK_NAME = Attribute(semconv.CICD_PIPELINE_TASK_NAME, "span", unless=(_EVENT,))
# A resource that names a deployment is that of the deployed service; who names a stage, or an incident, may
# as well say which deployment it is about.
_DEPLOYMENT = (Attribute(semconv.DEPLOYMENT_ID, "span"), Attribute("deployment.status", "span"))
_NO_DEPLOYMENT = (_EVENT, Attribute(semconv.VSM_STAGE_NAME), _TASK_NAME, Attribute(semconv.VSM_INCIDENT_ID))

MAPPING = Mapping(
    name="otel-vsm",
    span_prefixes=("vsm.", "cicd.", "vcs.", "artifact.", "deployment."),
    # Not `cicd.`: all that a pipeline runs may have its run and task on the resource.
    resource_prefixes=("vsm.",),
    context=(
        semconv.DEPLOYMENT_ENVIRONMENT_NAME,
        "deployment.environment",
        semconv.CICD_PIPELINE_NAME,
        semconv.CICD_PIPELINE_RUN_ID,
        semconv.CICD_PIPELINE_RUN_URL_FULL,
    ),
    # The hook in a service puts these on all of its telemetry to say which change runs, so on a resource
    # they tell nothing of delivery work.
    resource_context=(
        semconv.VSM_CHANGE_ID,
        semconv.VSM_TEAM,
        semconv.VSM_VALUE_STREAM,
        semconv.VSM_WORK_ITEM_ID,
    ),
    columns={
        "change_id": (Attribute(semconv.VSM_CHANGE_ID),),
        "repository": (Attribute(semconv.VCS_REPOSITORY_URL_FULL),),
        "request": (Attribute(semconv.VCS_CHANGE_ID), Attribute("vcs.repository.change.id")),
        "revision": (Attribute(semconv.VCS_REF_HEAD_REVISION), Attribute("vcs.repository.ref.revision")),
        "ref_name": (Attribute(semconv.VCS_REF_HEAD_NAME), Attribute("vcs.repository.ref.name")),
        "base_name": (Attribute(semconv.VCS_REF_BASE_NAME),),
        "stage_name": (
            Attribute(semconv.VSM_STAGE_NAME),
            _TASK_NAME,
            Attribute("deployment.name", where=_DEPLOYMENT, unless=_NO_DEPLOYMENT),
            Constant("deploy", where=_DEPLOYMENT, unless=_NO_DEPLOYMENT),
        ),
        "stage_type": (
            Attribute(semconv.VSM_STAGE_TYPE),
            Attribute(semconv.CICD_PIPELINE_TASK_TYPE, unless=(_EVENT,)),
            Constant("deploy", where=_DEPLOYMENT, unless=_NO_DEPLOYMENT),
        ),
        "queue_s": (Attribute(semconv.VSM_STAGE_QUEUE_DURATION),),
        "result": (
            Attribute(semconv.CICD_PIPELINE_TASK_RUN_RESULT),
            Attribute("deployment.status", "span"),
            Attribute("cicd.pipeline.result", "span"),
        ),
        "team": (Attribute(semconv.VSM_TEAM),),
        "actor_type": (Attribute(semconv.VSM_ACTOR_TYPE),),
        "value_stream": (Attribute(semconv.VSM_VALUE_STREAM),),
        "service": (Attribute(semconv.SERVICE_NAME),),
        "version": (Attribute(semconv.SERVICE_VERSION), Attribute("artifact.version")),
        "environment": (Attribute(semconv.DEPLOYMENT_ENVIRONMENT_NAME), Attribute("deployment.environment")),
        "deployment_id": (Attribute(semconv.DEPLOYMENT_ID),),
        "deployment_kind": (Attribute(semconv.VSM_DEPLOYMENT_KIND),),
        "previous_revision": (Attribute(semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION),),
        "artifact_purl": (Attribute(semconv.ARTIFACT_PURL),),
        "artifact_hash": (Attribute(semconv.ARTIFACT_HASH),),
        "event_name": (
            Attribute(semconv.VSM_EVENT_NAME),
            Attribute(
                "cicd.pipeline.run.state",
                "span",
                pattern="^(?P<value>pending)$",
                words={"pending": str(semconv.EventName.STAGE_QUEUED)},
                where=(_TASK_NAME,),
            ),
        ),
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


def convention_with(**columns: tuple[Source, ...]) -> abc.Mapping[str, tuple[Source, ...]]:
    """The convention's columns, some of them filled by other sources: behind our own names, by which no tool
    means anything else, and instead of OpenTelemetry's."""
    return {
        name: (*(source for source in sources if _is_our_own(source)), *columns[name])
        if name in columns
        else sources
        for name, sources in MAPPING.columns.items()
    }


def _is_our_own(source: Source) -> bool:
    return isinstance(source, Attribute) and source.key.startswith("vsm.")
