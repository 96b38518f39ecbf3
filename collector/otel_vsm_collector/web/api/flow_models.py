"""What the API answers on flow; OpenAPI is written from here."""

from typing import Annotated

from pydantic import Field

from otel_vsm_collector.web.api.models import Answer, Limit, Seconds, Share, Statistics, Time, Window

Age = Annotated[float, Field(description="seconds from the first activity to the window's end")]
PerDay = Annotated[float, Field(description="per day of the window")]


class StageWork(Answer):
    """The open changes that are in a stage, wait for it, or were in it last; null: in none so far."""

    stage: str | None
    changes: int
    p50_age_s: Age | None
    max_age_s: Age | None
    unfinished: int = Field(
        description="It began longer before than `limits.unfinished_after`, and had not ended."
    )


class OpenChange(Answer):
    id: str
    stage: str | None
    since: Time
    age_s: Age


class WorkInProgress(Answer):
    """Changes begun before the window's end, and at its end neither delivered nor abandoned."""

    p50_age_s: Age | None
    max_age_s: Age | None
    by_stage: list[StageWork]
    oldest: list[OpenChange] = Field(description="The ten of them that began first.")


class Bottleneck(Answer):
    """The stage, or the wait before it, that the median change spends most of its flow time on."""

    stage: str
    part: str = Field(description="`process`: the stage's own runs. `wait`: what comes before them.")
    median_s: Seconds = Field(description="seconds, the median of all changes delivered in the window")
    share: float | None = Field(description="of the median flow time")
    wip: int = Field(description="Changes there at the window's end.")
    arrivals_per_day: PerDay
    departures_per_day: PerDay
    reason: str = Field(description="All that in a sentence.")


class Rework(Answer):
    """Runs of stages that had already succeeded for their changes. Quarantined stages are left out."""

    rework_runs: int
    runs: int
    ratio: Share | None
    flaky_runs: int = Field(description="How often a stage failed and then succeeded at the same revision.")


class Handoff(Answer):
    from_team: str
    to_team: str
    count: int
    wait_time: Statistics


class Handoffs(Answer):
    """Runs that began in the window and followed one of another team for the same change."""

    count: int
    wait_time: Statistics = Field(description="How long nobody worked on the change before.")
    pairs: list[Handoff] = Field(description="The most frequent first.")


class Approval(Answer):
    """Requests answered in the window, or without an answer at its end."""

    gate: str | None
    actor_type: str | None = Field(description="Who answers, or where nobody has, who was asked.")
    granted: int
    denied: int
    pending: int = Field(description="Unanswered, of changes that are neither delivered nor abandoned.")
    wait_time: Statistics = Field(description="From the request to the first answer.")
    breaches: int = Field(description="Waited, or have waited so far, longer than `limits.approval_wait`.")


class Pipeline(Answer):
    """Revisions of changes that stages ran for, deployments and quarantined stages aside."""

    pipelines: int
    succeeded: int = Field(description="Those of which no run failed, ended in an error or timed out.")
    ratio: Share | None


class QuarantinedTests(Answer):
    passed: int
    failed: int
    ratio: Share | None


class Tests(QuarantinedTests):
    """Runs of stages of type test."""

    quarantined: QuarantinedTests = Field(description="Those of quarantined stages, not counted otherwise.")


class Rollback(Answer):
    """Rollbacks among the successful deployments of the window."""

    rollbacks: int
    deployments: int
    ratio: Share | None
    per_day: PerDay


class Flow(Answer):
    """How fast changes pass, where they wait and come back, and what holds them up most."""

    window: Window
    profile: str
    flow_time: Statistics = Field(
        description="From the first activity on a change until it was delivered; the changes delivered in the"
        " window, as for the next three."
    )
    active_time: Statistics = Field(
        description="The part of it in which a stage of the change went on; parallel ones count once."
    )
    cycle_time: Statistics = Field(
        description="Flow time without the time that one of the change's work items was blocked."
    )
    flow_efficiency: Share | None = Field(description="All active time over all flow time, 0 to 1.")
    throughput_per_day: PerDay = Field(description="Changes delivered per day of the window.")
    wip: int = Field(description="Changes in progress at the window's end.")
    work_in_progress: WorkInProgress
    bottleneck: Bottleneck | None = Field(description="Null where nothing was delivered, or it took no time.")
    rework: Rework
    rolled_complete_accurate: Share | None = Field(
        description="The product of the stages' `complete_accurate`, 0 to 1; quarantined stages are left out."
    )
    handoffs: Handoffs
    approvals: list[Approval] = Field(description="By gate, people and machines apart.")
    pipeline: Pipeline
    tests: Tests
    promotion_time: Statistics = Field(
        description="From when a service first ran an artifact in another environment until it first did in"
        " this one, in the window."
    )
    rollback: Rollback
    limits: list[Limit]
