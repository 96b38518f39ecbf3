"""All that happened to one change."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.lists import timeline as happened
from otel_vsm_collector.web.api import items, models
from otel_vsm_collector.web.api.lists import change
from otel_vsm_collector.web.api.models import ApiModel, Seconds, Time
from otel_vsm_collector.web.api.parameters import Profile, known_by
from otel_vsm_collector.web.api.problems import MISSING, REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["lists"], responses=REFUSED, dependencies=[Depends(once)])


class Run(ApiModel):
    stage_name: str
    stage_type: str | None
    leg: str | None
    service: str | None
    environment: str | None
    team: str | None
    actor_type: str | None
    revision: str | None
    pipeline_run: str | None
    attempt: int | None
    execution_id: str
    result: str | None
    started_at: Time
    ended_at: Time
    queue_s: Seconds | None
    wait_s: Seconds | None
    trace_id: str
    span_id: str


class AnsweredOrAsked(ApiModel):
    gate: str | None
    actor_type: str | None
    requested_at: Time | None
    answered_at: Time | None
    granted: bool | None
    wait_s: Seconds | None
    trace_id: str | None


class Timeline(ApiModel):
    change: models.Change
    trace_id: str | None
    runs: list[Run]
    approvals: list[AnsweredOrAsked]
    deployments: list[models.Deployment]
    incidents: list[models.Incident]


@router.get("/timeline", responses=MISSING)
def timeline(
    reader: Reader, change_id: Annotated[str, Query(alias="change")], profile: Profile = None
) -> Timeline:
    """One change by its id or one of its aliases, with its runs, approvals, deployments and the incidents
    that these caused, each in the order of time."""
    one = change(reader, change_id, profile)
    selection = Selection(from_ns=0, to_ns=0, facts=known_by(reader, profile))
    ask = {
        what.__name__: reader.answer(what, selection, change_id=one.id)
        for what in (
            happened.trace,
            happened.runs,
            happened.approvals,
            happened.deployments,
            happened.incidents,
        )
    }
    return Timeline(
        change=one,
        trace_id=next((row["trace_id"] for row in ask["trace"]), None),
        runs=[Run(**row) for row in ask["runs"]],
        approvals=[
            AnsweredOrAsked(**row | {"gate": row["gate"] or None, "actor_type": row["actor_type"] or None})
            for row in ask["approvals"]
        ],
        deployments=[items.deployment(row) for row in ask["deployments"]],
        incidents=[items.incident(row) for row in ask["incidents"]],
    )
