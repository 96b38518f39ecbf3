"""What the commands tell, as records. Pure: the same arguments give the same records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from otel_vsm import semconv
from otel_vsm.change_times import ChangeTime
from otel_vsm.context import Context, TraceParent
from otel_vsm.identity import (
    ChangeId,
    SpanId,
    SpanReference,
    change_root,
    event_span_id,
    owner_and_name,
    repository_url,
)
from otel_vsm.record import Record, Value
from otel_vsm.semconv import (
    DeploymentKind,
    EventName,
    MeasurementGap,
    RefType,
    StageType,
    TaskResult,
    TaskType,
)
from otel_vsm.text import without_secrets

_NOT_FAILED = frozenset({TaskResult.SUCCESS, TaskResult.CANCELLATION, TaskResult.SKIP})
_WELL = frozenset({TaskResult.SUCCESS, TaskResult.SKIP})
_TASK_TYPES: dict[Value | None, TaskType] = {str(type): type for type in TaskType}
RECURRING = frozenset(
    {
        EventName.WORK_ITEM_BLOCKED,
        EventName.WORK_ITEM_UNBLOCKED,
        EventName.CHANGE_REVIEWED,
        EventName.CHANGE_APPROVED,
        EventName.INCIDENT_STARTED,
        EventName.INCIDENT_DETECTED,
        EventName.INCIDENT_RESOLVED,
    }
)
"""What happens to the same owner again and again. What each is about is its second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What every record of one call of a command has in common."""

    context: Context
    parent: TraceParent
    team: str | None = None
    actor: str | None = None
    value_stream: str | None = None
    work_item: str | None = None
    backfilled: bool = False
    """Told afterwards, so that it arrives late is no delay."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """The user's own."""

    def common_attributes(self) -> dict[str, Value | None]:
        """The common attributes; the user's own win over the CI's, but not over what is relied upon."""
        repository, branch, ci = self.context.repository, self.context.branch, self.context.ci
        owner, name = owner_and_name(repository) if repository else (None, None)
        ref_type = RefType.TAG if ci and branch == ci.tag else RefType.BRANCH
        return {
            **self.context.pipeline,
            **self.attributes,
            **_known(
                {
                    semconv.VSM_CHANGE_ID: self.context.change,
                    semconv.VCS_REPOSITORY_URL_FULL: repository and repository_url(repository),
                    semconv.VCS_OWNER_NAME: owner,
                    semconv.VCS_REPOSITORY_NAME: name,
                    semconv.VCS_CHANGE_ID: self.context.request,
                    semconv.VCS_REF_HEAD_REVISION: self.context.revision,
                    semconv.VCS_REF_HEAD_NAME: branch,
                    semconv.VCS_REF_HEAD_TYPE: branch and ref_type,
                    semconv.VCS_REF_BASE_NAME: self.context.base_branch,
                    semconv.VCS_REF_BASE_REVISION: self.context.base_revision,
                    semconv.VSM_TEAM: self.team,
                    semconv.VSM_ACTOR_TYPE: self.actor,
                    semconv.VSM_VALUE_STREAM: self.value_stream,
                    semconv.VSM_WORK_ITEM_ID: self.work_item,
                    semconv.VSM_CHANGE_REVERTS: "\n".join(self.context.reverts) or None,
                    semconv.VSM_BACKFILLED: self.backfilled or None,
                }
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a stage. Times in nanoseconds since the epoch."""

    span_id: SpanId
    start_ns: int
    end_ns: int
    result: TaskResult
    exit_code: int | None = None
    """None where no command was run, or it did not end by itself."""
    error: str | None = None
    """What kind of failure, in few different words; None takes the result's name."""
    leg: str | None = None
    """Which leg of a matrix, or which shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What a stage made or a deployment put in place. None: not told."""

    purl: str | None = None
    hash: str | None = None
    """`sha256:` and 64 digits in lower case, whichever way it was spelt."""
    image: str | None = None
    """The name of the image, with its registry and without a tag."""
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    id: str
    service: str
    environment: str
    kind: DeploymentKind = DeploymentKind.ROLLOUT
    previous_revision: str | None = None
    carries: tuple[ChangeId, ...] = ()
    """The changes that it brings besides its own."""
    ancestors: tuple[ChangeId, ...] = ()
    """The changes that its revision stands on besides its own, newest first: whatever of them is new here."""
    cut_history: bool = False
    """The clone did not hold the commits that tell the ancestors."""


def stage(
    origin: Origin,
    run: Run,
    *,
    name: str,
    type: StageType | None = None,
    service: str | None = None,
    queue_s: float | None = None,
    artifact: Artifact | None = None,
    reports: Mapping[str, Value] | None = None,
) -> Record:
    """A run of a stage, for a service where that is known; `reports` are attributes of its own reports."""
    artifact = artifact or Artifact()
    return _stage(
        origin,
        run,
        name,
        {
            semconv.VSM_STAGE_TYPE: type,
            semconv.SERVICE_NAME: service,
            semconv.VSM_STAGE_QUEUE_DURATION: queue_s,
            semconv.ARTIFACT_PURL: artifact.purl,
            semconv.ARTIFACT_HASH: artifact.hash,
            semconv.CONTAINER_IMAGE_NAME: artifact.image,
            semconv.SERVICE_VERSION: artifact.version,
            **(reports or {}),
        },
    )


def stage_started(
    origin: Origin,
    *,
    name: str,
    type: StageType | None,
    span_id: SpanId,
    at_ns: int,
) -> Record:
    """A run of a stage began; `span_id` is the one that the run's own span will have.

    The event is the run's child, so that it is known which run it told of.
    """
    attributes = {semconv.VSM_STAGE_NAME: name, semconv.VSM_STAGE_TYPE: type}
    nested = replace(origin, parent=origin.parent._replace(parent_span_id=span_id))
    return event(
        nested,
        EventName.STAGE_STARTED,
        at_ns=at_ns,
        subject=span_id,
        attributes=attributes,
    )


def deployment(
    origin: Origin,
    run: Run,
    *,
    name: str,
    deployment: Deployment,
    artifact: Artifact,
    queue_s: float | None = None,
) -> Record:
    """A deployment, linked to the other changes that it carries or stands on."""
    return _stage(
        origin,
        run,
        name,
        {
            semconv.VSM_STAGE_TYPE: StageType.DEPLOY,
            semconv.VSM_STAGE_QUEUE_DURATION: queue_s,
            semconv.SERVICE_NAME: deployment.service,
            semconv.SERVICE_VERSION: artifact.version,
            semconv.DEPLOYMENT_ENVIRONMENT_NAME: deployment.environment,
            semconv.DEPLOYMENT_ID: deployment.id,
            semconv.VSM_DEPLOYMENT_KIND: deployment.kind,
            semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION: deployment.previous_revision,
            semconv.ARTIFACT_PURL: artifact.purl,
            semconv.ARTIFACT_HASH: artifact.hash,
            semconv.CONTAINER_IMAGE_NAME: artifact.image,
            semconv.VSM_MEASUREMENT_GAP: MeasurementGap.CUT_HISTORY if deployment.cut_history else None,
        },
        links=map(change_root, deployment.carries),
        ancestors=map(change_root, deployment.ancestors),
    )


def event(
    origin: Origin,
    name: EventName,
    *,
    at_ns: int,
    owner: str | None = None,
    subject: str = "",
    attributes: Mapping[str, Value | None],
    links: Iterable[SpanReference] = (),
) -> Record:
    """A point event of the owner, which is the change unless another is given."""
    parent = origin.parent
    if name in RECURRING:
        subject = str(at_ns // 1_000_000_000)
    return Record(
        trace_id=parent.trace_id,
        # An event of nothing in particular is told apart from others by its trace.
        span_id=event_span_id(
            owner or origin.context.change or parent.trace_id, name, subject, origin.context.revision
        ),
        parent_span_id=parent.parent_span_id,
        name=name,
        start_ns=at_ns,
        end_ns=at_ns,
        attributes=_known(
            {
                **origin.common_attributes(),
                **_known(attributes),
                semconv.VSM_EVENT_NAME: name.value,
            }
        ),
        links=(*_caller_link(parent), *links),
    )


def retraction(origin: Origin, span: SpanReference, *, at_ns: int, incident: str | None = None) -> Record:
    """A point event that takes back what was told under the ids of a span, of an incident or a change."""
    name = EventName.EVENT_RETRACTED
    return Record(
        trace_id=span.trace_id,
        span_id=event_span_id(span.trace_id, name, span.span_id),
        parent_span_id=origin.parent.parent_span_id,
        name=name,
        start_ns=at_ns,
        end_ns=at_ns,
        attributes=_known(
            {
                **origin.common_attributes(),
                semconv.VSM_EVENT_NAME: name.value,
                semconv.VSM_RETRACTS_SPAN_ID: span.span_id,
                semconv.VSM_INCIDENT_ID: incident,
            }
        ),
        links=_caller_link(origin.parent),
    )


def change_time(time: ChangeTime) -> Record:
    """An event of a change that CI or git tell of afterwards: the same record from each job and step."""
    context = time.context
    assert context.change
    origin = Origin(context=context, parent=TraceParent(*change_root(context.change)), backfilled=True)
    return event(origin, time.event, at_ns=time.at_ns, attributes={})


def _stage(
    origin: Origin,
    run: Run,
    name: str,
    attributes: Mapping[str, Value | None],
    *,
    links: Iterable[SpanReference] = (),
    ancestors: Iterable[SpanReference] = (),
) -> Record:
    error = None if run.result in _WELL else run.error or run.result.value
    told = _known(attributes)
    return Record(
        trace_id=origin.parent.trace_id,
        span_id=run.span_id,
        parent_span_id=origin.parent.parent_span_id,
        name=without_secrets(name),
        start_ns=run.start_ns,
        end_ns=run.end_ns,
        attributes=_known(
            {
                semconv.CICD_PIPELINE_TASK_NAME: name,
                semconv.CICD_PIPELINE_TASK_TYPE: _TASK_TYPES.get(told.get(semconv.VSM_STAGE_TYPE)),
                **origin.common_attributes(),
                **told,
                semconv.VSM_STAGE_NAME: name,
                semconv.VSM_STAGE_LEG: run.leg,
                semconv.CICD_PIPELINE_TASK_RUN_RESULT: run.result,
                semconv.PROCESS_EXIT_CODE: run.exit_code,
                semconv.ERROR_TYPE: error,
            }
        ),
        links=(*_caller_link(origin.parent), *links),
        ancestors=tuple(ancestors),
        failed=run.result not in _NOT_FAILED,
    )


def _caller_link(parent: TraceParent) -> tuple[SpanReference, ...]:
    return (parent.caller,) if parent.caller else ()


def _known(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Without what is not known, and without secrets; the members of enums as plain strings."""
    return {
        key: without_secrets(str(value)) if isinstance(value, str) else value
        for key, value in attributes.items()
        if value is not None
    }
