"""The history as spans: what the wrappers would have sent while it happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random

from demo.acme import DUPLICATES, LATE
from demo.history import PRODUCTION, SEED, Change, Deployment, History, Incident
from otel_vsm import emit, semconv
from otel_vsm.context import Context, TraceParent
from otel_vsm.emit import Origin
from otel_vsm.identity import ChangeId, SpanId, change_of_request, change_root, incident_root, work_item_root
from otel_vsm.record import Record
from otel_vsm.semconv import ActorType, EventName, StageType, TaskResult

_BY_PEOPLE = (EventName.CHANGE_OPENED, EventName.CHANGE_REVIEWED, EventName.CHANGE_APPROVED)
_OF_WORK_ITEMS = (EventName.WORK_ITEM_CREATED, EventName.WORK_ITEM_STARTED)
_OF_APPROVALS = (EventName.APPROVAL_REQUESTED, EventName.APPROVAL_GRANTED, EventName.APPROVAL_DENIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanStream:
    """Spans in the order in which they arrive."""

    records: list[Record]
    late: int
    """How many of them come long after what followed them; they are the last ones."""
    duplicates: int
    """How many come again."""


def spans_of(history: History, seed: int = SEED) -> SpanStream:
    """The spans of everything that has happened by the history's end; some late, some twice."""
    random = Random(f"{seed} telling")
    happened = sorted(_records(history), key=lambda record: (record.end_ns, record.span_id))
    late = [record for record in happened if random.random() < LATE]
    random.shuffle(late)
    late_ids = {record.span_id for record in late}
    in_time = [record for record in happened if record.span_id not in late_ids]
    again = [record for record in in_time if random.random() < DUPLICATES]
    return SpanStream(records=[*in_time, *again, *late], late=len(late), duplicates=len(again))


def change_id(change: Change) -> ChangeId:
    return change_of_request(change.service.repository, change.number)


def _records(history: History) -> Iterator[Record]:
    for change in history.changes:
        yield from _events(change, history.end)
        yield from _runs(change, history.end)
    for deployment in history.deployments:
        if deployment.end <= history.end:
            yield _deployment(deployment)
    for incident in history.incidents:
        yield from _incident(incident, history.end)


def _events(change: Change, until: datetime) -> Iterator[Record]:
    for name, at in change.events:
        if at > until:
            continue
        if name in _OF_WORK_ITEMS:
            yield _work_item(change, name, at)
        elif name in _OF_APPROVALS:
            yield emit.event(
                _origin(change, actor=change.approver),
                name,
                at_ns=_ns(at),
                subject=PRODUCTION,
                attributes={semconv.VSM_APPROVAL_GATE: PRODUCTION},
            )
        else:
            merged = change.revision if name is EventName.CHANGE_MERGED else None
            actor = ActorType.HUMAN if name in _BY_PEOPLE else None
            yield emit.event(_origin(change, merged, actor), name, at_ns=_ns(at), attributes={})


def _work_item(change: Change, name: EventName, at: datetime) -> Record:
    """Told before there is a change; the collector joins them by the work item's id."""
    assert change.work_item
    origin = Origin(
        context=Context(),
        parent=TraceParent(*work_item_root(change.work_item)),
        team=change.service.team,
        work_item=change.work_item,
    )
    return emit.event(origin, name, at_ns=_ns(at), owner=change.work_item, attributes={})


def _runs(change: Change, until: datetime) -> Iterator[Record]:
    for run in change.runs:
        origin = _origin(change, run.revision, ActorType.AUTOMATION)
        span_id = _span_id(change_id(change), run.stage, str(_ns(run.start)))
        if run.end <= until:
            yield emit.stage(
                origin,
                _run(span_id, run.start, run.end, run.result),
                name=run.stage,
                type=run.type,
                queue_s=run.queued.total_seconds(),
                artifact=_artifact(change) if run.type is StageType.PACKAGE else None,
            )
        elif run.start <= until:
            yield emit.stage_started(
                origin, name=run.stage, type=run.type, span_id=span_id, at_ns=_ns(run.start)
            )


def _deployment(deployment: Deployment) -> Record:
    head = deployment.head
    return emit.deployment(
        _origin(head, head.revision, ActorType.AUTOMATION),
        _run(_span_id(deployment.id), deployment.start, deployment.end, deployment.result),
        # Another stage than the one that brings it to the users: that it runs twice is no rework.
        name="deploy" if deployment.environment == PRODUCTION else f"deploy-{deployment.environment}",
        deployment=emit.Deployment(
            id=deployment.id,
            service=deployment.service.name,
            environment=deployment.environment,
            kind=deployment.kind,
            previous_revision=deployment.previous_revision,
            carries=tuple(change_id(change) for change in deployment.others),
        ),
        artifact=_artifact(head, deployment.version),
    )


def _incident(incident: Incident, until: datetime) -> Iterator[Record]:
    origin = Origin(
        context=Context(), parent=TraceParent(*incident_root(incident.id)), team=incident.service.team
    )
    for name, at in incident.events:
        if at <= until:
            yield emit.event(
                origin,
                name,
                at_ns=_ns(at),
                owner=incident.id,
                attributes={
                    semconv.VSM_INCIDENT_ID: incident.id,
                    semconv.VSM_INCIDENT_SEVERITY: incident.severity,
                    semconv.SERVICE_NAME: incident.service.name,
                    semconv.DEPLOYMENT_ENVIRONMENT_NAME: PRODUCTION,
                    semconv.DEPLOYMENT_ID: incident.deployment_id,
                },
            )


def _origin(change: Change, revision: str | None = None, actor: ActorType | None = None) -> Origin:
    service, id = change.service, change_id(change)
    return Origin(
        context=Context(
            change=id, repository=service.repository, request=str(change.number), revision=revision
        ),
        parent=TraceParent(*change_root(id)),
        team=service.team,
        value_stream=service.value_stream,
        actor=actor,
        work_item=change.work_item,
    )


def _run(span_id: SpanId, start: datetime, end: datetime, result: TaskResult) -> emit.Run:
    return emit.Run(span_id=span_id, start_ns=_ns(start), end_ns=_ns(end), result=result)


def _artifact(change: Change, version: str | None = None) -> emit.Artifact:
    digest = sha256(change.revision.encode()).hexdigest()
    purl = f"pkg:oci/{change.service.name}@sha256:{digest}"
    return emit.Artifact(purl=purl, hash=digest, version=version)


def _span_id(*deployment: str) -> SpanId:
    return SpanId(sha256("\0".join(("demo", *deployment)).encode()).hexdigest()[:16])


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000
