"""The value stream map: stages in the order in which changes pass them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm_collector.facts import zones
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.flow.cumulative import cumulative as open_changes
from otel_vsm_collector.web.api import models
from otel_vsm_collector.web.api.figure_models import Bottleneck, Handoffs, PerDay
from otel_vsm_collector.web.api.figures import MOST_STEPS, Steps
from otel_vsm_collector.web.api.models import (
    ApiModel,
    Notice,
    Seconds,
    Share,
    Statistics,
    Time,
    ValueStream,
    Window,
)
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, BadParameter, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])

_OF_CHANGES = (
    " The median of all changes delivered in the window, of which those that were never in the stage spent"
    " nothing there; null where fewer than half of them were."
)


class MapStage(ApiModel):
    name: str
    teams: list[str] = Field(description="Whose work its executions were.")
    changes: int = Field(description="Those of which an execution of it ended in the window.")
    process_of_changes_s: Seconds | None = Field(description="What it took of a change." + _OF_CHANGES)
    wait_of_changes_s: Seconds | None = Field(description="What a change waited before it." + _OF_CHANGES)
    figures: models.Stage


class Map(ApiModel):
    """What holds for the whole beside what holds for its parts: medians do not add up."""

    window: Window
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    steps: list[list[MapStage]] = Field(
        description="In the order in which most changes pass them; the stages of one step go on side by side."
    )
    waiting_only: list[models.Stage] = Field(description="Stages that nothing ran of and changes are in.")
    flow_time: Statistics
    active_time: Statistics
    flow_efficiency: Share | None
    rolled_complete_accurate: Share | None
    throughput_per_day: PerDay
    wip: int
    handoffs: Handoffs
    bottleneck: Bottleneck | None


@router.get("/map")
def stream_map(reader: Reader, query: Annotated[Filters, Query()]) -> Map:
    """The stages in the order in which changes pass them, with what they and the waits before them take."""
    selection = query.selection(reader)
    return Map.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            **groups.stream_map(reader, selection),
        }
    )


class OpenChanges(ApiModel):
    at: Time
    begun: int = Field(
        description="Changes that began since the moment before; of the first, ever before it."
    )
    closed: int = Field(description="The same of those that were delivered or abandoned.")
    open: int = Field(description="Begun before it, and by then neither delivered nor abandoned.")


class CumulativeFlow(ApiModel):
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    time_zone: str
    items: list[OpenChanges] = Field(
        description="The window's start, the end of each step, the window's end."
    )


@router.get("/flow/cumulative")
def cumulative(reader: Reader, query: Annotated[Steps, Query()]) -> CumulativeFlow:
    """How many changes had begun, and how many were open, at the end of each day, week or month."""
    selection, zone = query.selection(reader), query.zone(reader)
    start, end = selection.from_ns, selection.to_ns
    edges = zones.edges(query.step, zone, start, end, MOST_STEPS)
    if len(edges) > MOST_STEPS + 1:
        raise BadParameter("step", f"would be more than {MOST_STEPS} in this window; take longer ones")
    moments: Sequence[int] = [start, *(edge for edge in edges if start < edge < end), end]
    return CumulativeFlow.model_validate(
        {
            **query.context(reader, selection),
            "time_zone": zone,
            "items": open_changes(reader, selection, moments),
        }
    )
