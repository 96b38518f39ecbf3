"""What the API answers, as the contract has it; OpenAPI is written from here."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from otel_vsm_collector.web.api.times import write_time

Time = Annotated[
    int,
    PlainSerializer(write_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC"}),
]
"""Nanoseconds since the epoch inside, RFC 3339 in the answer."""
Seconds = Annotated[float, Field(description="seconds")]
Share = Annotated[float, Field(description="0 to 1")]


class ApiModel(BaseModel):
    # What the contract does not name is a mistake of ours, not an extra for the reader.
    model_config = ConfigDict(extra="forbid")


class Window(ApiModel):
    """from ≤ time < to."""

    from_: Time = Field(alias="from")
    to: Time


class Statistics(ApiModel):
    """Of all values in the window; null where there are none."""

    unit: str
    count: int
    mean: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    max: float | None


class LeadTimes(Statistics):
    """The same, of lead times."""

    starts: dict[str, int] = Field(
        description="How many of them are counted from which event; `span`: from the change's earliest span."
    )


class Legs(ApiModel):
    """The parts of a lead time; a part whose ends are not both known, or that would be negative, is null."""

    backlog_s: Seconds | None
    preparation_s: Seconds | None
    coding_s: Seconds | None
    pickup_s: Seconds | None
    review_s: Seconds | None
    release_s: Seconds | None
    deploy_s: Seconds | None
    merge_to_deployed_s: Seconds | None


class Change(ApiModel):
    id: str
    aliases: list[str]
    repository: str | None
    events: dict[str, Time]
    deployed: dict[str, Time]
    lead_time_s: Seconds | None
    legs: Legs
    deployment_ids: list[str]
    excluded: str | None


class Failure(ApiModel):
    method: str
    incident_id: str | None
    at: Time | None


class Recovery(ApiModel):
    method: str
    deployment_id: str | None


class Deployment(ApiModel):
    id: str
    service: str | None
    environment: str | None
    repository: str | None
    revision: str | None
    version: str | None
    kind: str | None
    result: str
    started_at: Time
    finished_at: Time
    previous_id: str | None
    change_ids: list[str]
    change_mapping: str | None
    failed: bool
    failure: Failure | None
    recovered_at: Time | None
    recovery: Recovery | None


class Incident(ApiModel):
    id: str
    service: str | None
    environment: str | None
    severity: str | None
    started_at: Time | None
    detected_at: Time | None
    acknowledged_at: Time | None
    mitigated_at: Time | None
    resolved_at: Time | None
    deployment_id: str | None
    attribution: str | None


class Stage(ApiModel):
    name: str
    type: str | None
    runs: int
    executions: int = Field(
        description="The runs of one pipeline run and attempt are one, without a pipeline run those that"
        " overlap. What follows is of executions, but for `success_ratio`, which is of runs."
    )
    process_time: Statistics = Field(description="The time in which any of its runs went on.")
    wait_time: Statistics
    queue_time: Statistics = Field(description="The shortest of its runs.")
    success_ratio: Share | None
    first_pass_yield: Share | None = Field(description="Of changes, whose first execution succeeded.")
    complete_accurate: Share | None
    rework_runs: int = Field(description="Executions after it had succeeded for the change.")
    rework_share: Share | None = Field(description="These of all its executions, 0 to 1.")
    flaky_runs: int = Field(
        description="How often it, or one of its legs, failed and then succeeded at the same revision."
    )
    quarantined: bool = Field(description="Whether its failures are declared to mean nothing.")
    arrivals_per_day: float = Field(description="Changes whose first execution of it began in the window.")
    departures_per_day: float = Field(description="Changes for which it first succeeded in the window.")
    wip: int = Field(description="Open changes in it, waiting for it, or in it last, at the window's end.")
    unfinished: int = Field(
        description="Open changes for which it began, longer ago than `limits.unfinished_after`, and has not"
        " ended."
    )


class Refusal(ApiModel):
    """Why a parameter was refused, and what is allowed."""

    parameter: str
    message: str


class Notice(Refusal):
    """What should be known of a parameter that was answered all the same."""


Item = TypeVar("Item", bound=ApiModel)


class Page(ApiModel, Generic[Item]):
    """Newest first."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last."
    )
    notices: list[Notice]


class ValueStream(ApiModel):
    """What vsm.yaml declares of the value stream that is asked for."""

    name: str
    recipient: str | None
    owner: str | None
    primary_measure: str | None = Field(description="The figure that it is judged by.")
    start: str | None = Field(description="What its lead times start with, whatever the profile says.")
    stages: list[str]
    teams: list[str]
    systems: list[str]
    repositories: list[str]
    hand_offs: list[str]
    known_delays: list[str]
    common_rework: list[str]


class Problem(ApiModel):
    """Why there is no answer."""

    detail: str
    errors: list[Refusal]


class Alive(ApiModel):
    status: str


class Readiness(ApiModel):
    ready: bool
    reasons: list[str]


class RetractedSpan(ApiModel):
    """A span that was taken back, and by whom first."""

    trace_id: str
    span_id: str
    name: str | None
    ended_at: Time
    retracted_at: Time
    by_team: str | None
    by_actor_type: str | None


class LeftOut(ApiModel):
    """Spans that count in no figure."""

    retracted: int = Field(description="Ended in the window, and were taken back.")
    retracts_nothing: int = Field(description="Taken back in the window, and never told.")
    future: int = Field(description="Arrived in the window, and end more than an hour later.")
    impossible: int = Field(
        description="Arrived in the window, and begin before the year 2000 or take longer than five years."
    )
    latest: list[RetractedSpan] = Field(description="Those that were taken back last.")
