"""What the API answers, as the contract has it; OpenAPI is written from here."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from otel_vsm_collector.facts.zones import Step
from otel_vsm_collector.web.api.times import write_time

Time = Annotated[
    int,
    PlainSerializer(write_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC"}),
]
"""Nanoseconds since the epoch inside, RFC 3339 in the answer."""
Seconds = Annotated[float, Field(description="seconds")]
Share = Annotated[float, Field(description="0 to 1")]


class Answer(BaseModel):
    # What the contract does not name is a mistake of ours, not an extra for the reader.
    model_config = ConfigDict(extra="forbid")


class Window(Answer):
    """from ≤ time < to."""

    from_: Time = Field(alias="from")
    to: Time


class Statistics(Answer):
    """Of all values in the window; null where there are none."""

    unit: str
    count: int
    mean: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    max: float | None


class Frequency(Answer):
    deployments: int
    days_with_deployments: int
    per_day: float


class FailRate(Answer):
    failed: int
    deployments: int
    ratio: Share | None


class ReworkRate(Answer):
    rework: int
    deployments: int
    ratio: Share | None


class DoraFigures(Answer):
    """The five DORA figures, with time to restore and to detect beside them."""

    window: Window
    change_lead_time: Statistics
    deployment_frequency: Frequency
    change_fail_rate: FailRate
    failed_deployment_recovery_time: Statistics
    deployment_rework_rate: ReworkRate
    time_to_restore: Statistics
    time_to_detect: Statistics


class DoraBesides(DoraFigures):
    previous: DoraFigures = Field(description="The same of the window before.")


class Limit(Answer):
    """A limit of vsm.yaml, and how the figure that it is for stands to it; durations in seconds."""

    figure: str
    value: float | None
    limit: float
    at_least: bool = Field(description="Whether less is the breach; else more is.")
    breached: bool


class Dora(DoraBesides):
    profile: str
    statistic: str = Field(description="Which part of a distribution the profile shows for it.")
    limits: list[Limit]


class Series(Answer):
    """Steps in the order of time, each as long as the calendar has it; the first and the last are whole."""

    profile: str
    step: Step
    time_zone: str
    items: list[DoraBesides]


class Legs(Answer):
    """The parts of a lead time; a part whose ends are not both known, or that would be negative, is null."""

    backlog_s: Seconds | None
    preparation_s: Seconds | None
    coding_s: Seconds | None
    pickup_s: Seconds | None
    review_s: Seconds | None
    release_s: Seconds | None
    deploy_s: Seconds | None
    merge_to_deployed_s: Seconds | None


class Change(Answer):
    id: str
    aliases: list[str]
    repository: str | None
    events: dict[str, Time]
    deployed: dict[str, Time]
    lead_time_s: Seconds | None
    legs: Legs
    deployment_ids: list[str]
    excluded: str | None


class Failure(Answer):
    method: str
    incident_id: str | None
    at: Time | None


class Recovery(Answer):
    method: str
    deployment_id: str | None


class Deployment(Answer):
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


class Incident(Answer):
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


class Stage(Answer):
    name: str
    type: str | None
    runs: int
    process_time: Statistics
    wait_time: Statistics
    queue_time: Statistics
    success_ratio: Share | None
    first_pass_yield: Share | None
    complete_accurate: Share | None
    rework_runs: int
    rework_share: Share | None = Field(description="Rework runs of all its runs, 0 to 1.")
    flaky_runs: int = Field(description="How often it failed and then succeeded at the same revision.")
    quarantined: bool = Field(description="Whether its failures are declared to mean nothing.")
    arrivals_per_day: float = Field(description="Changes whose first run of it began in the window.")
    departures_per_day: float = Field(description="Changes for which it first succeeded in the window.")
    wip: int = Field(description="Open changes in it, waiting for it, or in it last, at the window's end.")
    unfinished: int = Field(
        description="Open changes for which it began, longer ago than `limits.unfinished_after`, and has not"
        " ended."
    )


Item = TypeVar("Item", bound=Answer)


class Page(Answer, Generic[Item]):
    """Newest first."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last."
    )


class Refusal(Answer):
    """Why a parameter was refused, and what is allowed."""

    parameter: str
    message: str


class Problem(Answer):
    """Why there is no answer."""

    detail: str
    errors: list[Refusal]


class Alive(Answer):
    status: str


class Readiness(Answer):
    ready: bool
    reasons: list[str]
