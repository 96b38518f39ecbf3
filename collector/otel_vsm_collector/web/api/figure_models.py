"""What the API answers on figures, as the catalogue has them; OpenAPI is written from here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field, create_model

from otel_vsm import figures as catalogue
from otel_vsm.figures import Figure, Group, Kind
from otel_vsm_collector.facts.zones import Step
from otel_vsm_collector.web.api.models import (
    ApiModel,
    LeadTimes,
    Notice,
    Seconds,
    Share,
    Statistics,
    Time,
    ValueStream,
    Window,
)

Age = Annotated[float, Field(description="seconds from the first activity to the window's end")]
PerDay = Annotated[float, Field(description="per day of the window")]


class Limit(ApiModel):
    """A limit of vsm.yaml, and how the figure that it is for stands to it; durations in seconds."""

    figure: str
    value: float | None
    limit: float
    at_least: bool = Field(description="Whether less is the breach; else more is.")
    breached: bool


class StageWork(ApiModel):
    """The open changes that are in a stage, wait for it, or were in it last; null: in none so far."""

    stage: str | None
    changes: int
    p50_age_s: Age | None
    max_age_s: Age | None
    unfinished: int = Field(
        description="It began longer before than `limits.unfinished_after`, and had not ended."
    )


class OpenChange(ApiModel):
    id: str
    stage: str | None
    since: Time
    age_s: Age


class WorkInProgress(ApiModel):
    """Changes begun before the window's end, and at its end neither delivered nor abandoned."""

    p50_age_s: Age | None
    max_age_s: Age | None
    by_stage: list[StageWork]
    oldest: list[OpenChange] = Field(description="The ten of them that began first.")
    blocked_items: int = Field(description="Work items that are blocked, of these changes or of none so far.")


class Bottleneck(ApiModel):
    """The stage, or the wait before it, that the median change spends most of its flow time on."""

    stage: str
    part: str = Field(description="`process`: the stage's own runs. `wait`: what comes before them.")
    median_s: Seconds = Field(description="seconds, the median of all changes delivered in the window")
    share: float | None = Field(description="of the median flow time")
    wip: int = Field(description="Changes there at the window's end.")
    arrivals_per_day: PerDay
    departures_per_day: PerDay
    reason: str = Field(description="All that in a sentence.")


class Frequency(ApiModel):
    deployments: int
    days_with_deployments: int
    per_day: float


class Rework(ApiModel):
    """Executions of stages that had already succeeded for their changes. Quarantined stages are left out."""

    rework_runs: int
    executions: int
    ratio: Share | None
    flaky_runs: int = Field(
        description="How often a stage, or one of its legs, failed and then succeeded at the same revision."
    )


class Handoff(ApiModel):
    from_team: str
    to_team: str
    count: int
    wait_time: Statistics


class Handoffs(ApiModel):
    """Runs that began in the window and followed one of another team for the same change."""

    count: int
    wait_time: Statistics = Field(description="How long nobody worked on the change before.")
    pairs: list[Handoff] = Field(description="The most frequent first.")


class Approval(ApiModel):
    """Requests answered in the window, or without an answer at its end."""

    gate: str | None
    actor_type: str | None = Field(description="Who answers, or where nobody has, who was asked.")
    granted: int
    denied: int
    pending: int = Field(description="Unanswered, of changes that are neither delivered nor abandoned.")
    wait_time: Statistics = Field(description="From the request to the first answer.")
    breaches: int = Field(description="Waited, or have waited so far, longer than `limits.approval_wait`.")


class Pipeline(ApiModel):
    """Runs of pipelines for changes whose last attempt ended in the window, quarantined stages aside."""

    pipelines: int
    succeeded: int = Field(description="Those of which all stages succeeded that were not skipped.")
    ratio: Share | None


class QuarantinedTests(ApiModel):
    passed: int
    failed: int
    ratio: Share | None


class Tests(QuarantinedTests):
    """Runs of stages of type test."""

    quarantined: QuarantinedTests = Field(description="Those of quarantined stages, not counted otherwise.")


class Rollback(ApiModel):
    """Rollbacks among the successful deployments of the window."""

    rollbacks: int
    deployments: int
    ratio: Share | None
    per_day: PerDay


class IngestDelay(Statistics):
    """Of the spans that arrived in the window; of all values, null where there are none."""

    backfilled: int = Field(description="Spans of what was told afterwards, which has no delay: left out.")


_SHAPES: dict[str, Any] = {
    "change_lead_time": LeadTimes,
    "deployment_frequency": Frequency,
    "rework": Rework,
    "handoffs": Handoffs,
    "approvals": list[Approval],
    "pipeline": Pipeline,
    "tests": Tests,
    "rollback": Rollback,
    "ingest_delay": IngestDelay,
}
"""Of the figures that say more than others of their kind."""
_BARE = {Kind.SHARE: Share | None, Kind.RATE: PerDay, Kind.COUNT: int}


def _shape(figure: Figure) -> Any:
    """What a figure's value is, where it is no bare number; else None."""
    if figure.name in _SHAPES:
        return _SHAPES[figure.name]
    if figure.kind is Kind.DURATION:
        return Statistics
    if not figure.part:
        return None
    parts: dict[str, Any] = {figure.part: int, figure.whole: int, "ratio": Share | None}
    return create_model(figure.name.title().replace("_", ""), __base__=ApiModel, **parts)


_SHAPE = {name: _shape(figure) for name, figure in catalogue.FIGURES.items()}

if TYPE_CHECKING:
    Value = Any
else:
    _shapes = dict.fromkeys(_SHAPE[figure.name] for figure in catalogue.EXPLAINED)
    Value = Union[(*(shape for shape in _shapes if shape is not None), int, float, None)]


def fields(group: Group, after: Mapping[str, Mapping[str, Any]] = {}) -> dict[str, Any]:
    """The figures of an answer as fields of its model; `after` some of them come further fields."""
    made: dict[str, Any] = {}
    for figure in catalogue.of(group):
        shape = _SHAPE[figure.name] or _BARE[figure.kind]
        made[figure.name] = (shape, Field(description=figure.sentence))
        made |= after.get(figure.name, {})
    return made


CONTEXT: dict[str, Any] = {
    "profile": str,
    "value_stream": (ValueStream | None, Field(description="Null where none is asked for that is declared.")),
    "notices": (list[Notice], Field(description="Names that were asked for and nothing is known of.")),
}
"""What every answer says of what was asked."""

DoraFigures = create_model(
    "DoraFigures",
    __base__=ApiModel,
    __doc__="The five DORA figures, with time to restore and to detect beside them.",
    window=Window,
    **fields("dora"),
)
DoraBesides = create_model(
    "DoraBesides",
    __base__=DoraFigures,
    previous=(DoraFigures, Field(description="The same of the window before.")),
)
Dora = create_model(
    "Dora",
    __base__=DoraBesides,
    **CONTEXT,
    active_incidents=(int, Field(description="Begun before the window's end, and not resolved at it.")),
    statistic=(str, Field(description="Which part of a distribution the profile shows for it.")),
    limits=list[Limit],
)
Series = create_model(
    "Series",
    __base__=ApiModel,
    __doc__="Steps in the order of time, each as long as the calendar has it; the first and the last are"
    " whole.",
    **CONTEXT,
    step=Step,
    time_zone=str,
    items=list[DoraBesides],  # type: ignore[valid-type]
)
Flow = create_model(
    "Flow",
    __base__=ApiModel,
    __doc__="How fast changes pass, where they wait and come back, and what holds them up most.",
    window=Window,
    **CONTEXT,
    **fields(
        "flow",
        after={
            "wip": {
                "work_in_progress": WorkInProgress,
                "bottleneck": (
                    Bottleneck | None,
                    Field(description="Null where nothing was delivered, or it took no time."),
                ),
            }
        },
    ),
    limits=list[Limit],
)
