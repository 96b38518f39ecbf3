"""What the API answers about what is behind a figure."""

from typing import Any, Literal

from pydantic import Field

from otel_vsm_collector.figures.explain.reasons import Reason
from otel_vsm_collector.figures.explain.rows import Kind
from otel_vsm_collector.web.api.figure_models import Value
from otel_vsm_collector.web.api.models import (
    ApiModel,
    LeftOut,
    Notice,
    Seconds,
    Time,
    ValueStream,
    Window,
)

CountedAs = Literal["value", "part", "whole"]


class Tally(ApiModel):
    """How many rows there are on all pages."""

    rows: int
    by_method: dict[str, int] = Field(description="By which method they were found to count.")
    by_reason: dict[Reason, int] = Field(
        description="Why they do not count; of a share also why they are not above the line."
    )


class CarriedChange(ApiModel):
    change_id: str
    method: str


class Evidence(ApiModel):
    """Something that tells that a deployment failed its users."""

    method: str
    source: str = Field(description="The incident, or the deployment that mended it.")
    at: Time
    used: bool = Field(description="Whether the profile uses it.")


class Cause(ApiModel):
    deployment_id: str
    attribution: str


class BehindDeployment(ApiModel):
    id: str
    service: str | None
    environment: str | None
    repository: str | None
    revision: str | None
    version: str | None
    kind: str | None
    result: str | None
    started_at: Time
    finished_at: Time
    attempt: int | None = Field(description="The one that counts; null where none was told.")
    replaced_runs: int = Field(description="Runs of its jobs that do not count, since a later one does.")
    backfilled: bool = Field(description="Whether it is only known from what was told afterwards.")
    backfilled_ids: list[str] = Field(description="The backfilled deployments that it stands for as well.")
    trace_id: str | None
    span_id: str | None
    failed: bool | None
    failure_method: str | None
    failure_at: Time | None
    recovered_at: Time | None
    recovery_method: str | None
    recovery_deployment_id: str | None
    changes: list[CarriedChange] = Field([], description="Only where the row is about the deployment.")
    evidence: list[Evidence] = Field([], description="All of it; only where the row is about the deployment.")


class BehindChange(ApiModel):
    id: str
    repository: str | None
    trace_id: str | None
    started_at: Time | None
    start_method: str | None
    first_commit_at: Time | None
    merged_at: Time | None
    mapping: str | None = Field(description="By which method the deployment was found to bring it.")


class BehindIncident(ApiModel):
    id: str
    service: str | None
    environment: str | None
    severity: str | None
    trace_id: str | None
    started_at: Time | None
    start_told: bool | None
    detected_at: Time | None
    resolved_at: Time | None
    causes: list[Cause]


class BehindRun(ApiModel):
    id: str
    change_id: str | None
    repository: str | None
    stage_name: str
    stage_type: str | None
    service: str | None
    environment: str | None
    team: str | None
    from_team: str | None = Field(description="Whose the run before was, where that was another team.")
    revision: str | None
    pipeline_run: str | None
    attempt: int | None
    job_run: str | None
    leg: str | None
    result: str | None
    started_at: Time
    ended_at: Time
    wait_s: Seconds | None
    trace_id: str
    span_id: str


class RunOfExecution(ApiModel):
    leg: str | None = Field(description="As it was told; else the job stands for it.")
    job_run: str | None
    result: str | None
    started_at: Time
    ended_at: Time
    decides: bool = Field(description="Whether it is the last run of its leg, whose result counts.")
    trace_id: str
    span_id: str


class BehindExecution(ApiModel):
    """An execution of a stage for a change: the runs of one pipeline run and attempt, or that overlap."""

    id: str
    change_id: str | None
    repository: str | None
    stage_name: str
    stage_type: str | None
    service: str | None
    environment: str | None
    teams: list[str]
    revision: str | None
    pipeline_run: str | None
    attempt: int | None
    result: str
    started_at: Time
    ended_at: Time
    process_s: Seconds
    queue_s: Seconds | None
    wait_s: Seconds | None
    legs: int = Field(description="How many ran side by side.")
    runs: list[RunOfExecution]
    rework: bool = Field(description="Whether the stage had succeeded for the change before.")
    flaky: bool = Field(description="Whether it, or one of its legs, had failed at the same revision.")
    trace_id: str = Field(description="Of its first run.")
    span_id: str


class BehindApproval(ApiModel):
    id: str
    change_id: str
    gate: str | None
    actor_type: str | None
    requested_at: Time | None
    answered_at: Time | None
    granted: bool | None
    trace_id: str | None


class Row(ApiModel):
    """Something that counts in a figure, or might have: a change, a deployment, an incident, a run or an
    execution of a stage, or an approval."""

    kind: Kind
    id: str
    at: Time = Field(description="The moment that gives it its place in the window.")
    counted_as: list[CountedAs] = Field(
        description="A duration or number: value. A share: part above the line, whole below. None: left out."
    )
    value: Seconds | None
    of_s: Seconds | None = Field(
        description="What the value is a part of, where the figure is all values over all of these."
    )
    stage: str | None = Field(description="The stage that it is in, or a run of.")
    pipeline_run: str | None = Field(description="The run of a pipeline for the change that it is about.")
    method: str | None = Field(description="By which method it was found to count.")
    reason: Reason | None = Field(
        description="Why it is left out; of a share also why it is not above the line."
    )
    change: BehindChange | None = None
    deployment: BehindDeployment | None = Field(
        None, description="The one that brings the change, or itself."
    )
    incident: BehindIncident | None = None
    run: BehindRun | None = None
    execution: BehindExecution | None = None
    approval: BehindApproval | None = None


class Explanation(ApiModel):
    figure: str
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    window: Window
    value: Value
    settings: dict[str, Any] = Field(description="Those of the profile that the figure depends on.")
    counted: Tally
    left_out: Tally
    reasons: dict[Reason, str] = Field(description="What the reasons mean that occur here.")
    spans_left_out: LeftOut = Field(description="Of what is asked for, whatever they would count in.")
    items: list[Row] = Field(description="Newest first.")
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last."
    )


class Side(ApiModel):
    name: str
    value: Value


class DifferingSetting(ApiModel):
    name: str
    profile: Any
    with_: Any = Field(alias="with")
    rows: int | None = Field(
        description="How many rows it is responsible for; null: it only says what is made of the values."
    )


class Counted(ApiModel):
    """What one profile makes of a row."""

    counted_as: list[CountedAs]
    value: Seconds | None


class Difference(ApiModel):
    """What counts otherwise by the one profile than by the other."""

    kind: Kind
    id: str
    at: Time
    profile: Counted
    with_: Counted = Field(alias="with")
    settings: list[str] = Field(
        description="Those that by themselves make the difference; none: several do together."
    )


class Comparison(ApiModel):
    figure: str
    notices: list[Notice]
    window: Window
    profile: Side
    with_: Side = Field(alias="with")
    settings: list[DifferingSetting]
    rows: int = Field(description="How many count otherwise, on all pages.")
    several_together: int = Field(description="How many of them no single setting is responsible for.")
    items: list[Difference] = Field(description="Newest first.")
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last."
    )
