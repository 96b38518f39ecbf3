"""The figures of the API: what is computed over a window."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm_collector.facts import zones
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.facts.zones import Step
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.dora import incidents
from otel_vsm_collector.figures.flow import stages as by_stage
from otel_vsm_collector.figures.limits import limits
from otel_vsm_collector.web.api import figure_models, models
from otel_vsm_collector.web.api.models import ApiModel
from otel_vsm_collector.web.api.pagination import Paging, part
from otel_vsm_collector.web.api.parameters import Filters, notices
from otel_vsm_collector.web.api.problems import REFUSED, BadParameter, once
from otel_vsm_collector.web.reading import Reader

MOST_STEPS = 400
"""Of one series: a year of days, and enough to refuse a mistake."""

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])


@router.get("/dora", response_model=figure_models.Dora)
def dora(reader: Reader, query: Annotated[Filters, Query()]) -> ApiModel:
    """The five DORA figures of a window, with time to restore and to detect beside them, and the same of the
    window before it, of as many days of the calendar or else of equal length."""
    selection = query.selection(reader)
    start, end = selection.from_ns, selection.to_ns
    edges = (zones.window_before(selection.time_zone, start, end), start, end)
    (figures,) = _beside_what_was_before(reader, selection, edges)
    return figure_models.Dora.model_validate(
        figures
        | {
            **query.context(reader, selection),
            "active_incidents": reader.answer(incidents.active, selection)[0]["incidents"],
            "statistic": selection.profile.statistic,
            "limits": limits("dora", figures, selection),
        }
    )


class Steps(Filters):
    step: Step = Field("week", description="A week begins on Monday.")


@router.get("/dora/series", response_model=figure_models.Series)
def dora_series(reader: Reader, query: Annotated[Steps, Query()]) -> ApiModel:
    """The same of each day, week or month that the window touches, as whole as the time zone has it, each
    beside the one before."""
    selection, zone = query.selection(reader), query.zone(reader)
    edges = zones.edges(query.step, zone, selection.from_ns, selection.to_ns, MOST_STEPS)
    if len(edges) > MOST_STEPS + 1:
        raise BadParameter("step", f"would be more than {MOST_STEPS} in this window; take longer ones")
    edges = [zones.before(edges[0], query.step, zone), *edges]
    whole = replace(selection, from_ns=edges[0], to_ns=edges[-1]).in_zone(zone)
    return figure_models.Series.model_validate(
        {
            **query.context(reader, selection),
            "step": query.step,
            "time_zone": zone,
            "items": _beside_what_was_before(reader, whole, edges),
        }
    )


def _beside_what_was_before(reader: Reader, selection: Selection, edges: Sequence[int]) -> list[Any]:
    """The figures of the windows between the `edges`; those of the first are only the second's `previous`."""
    windows = pairwise(edges)
    steps = [
        {"window": {"from": start, "to": end}} | figures
        for figures, (start, end) in zip(groups.dora_over(reader, selection, edges), windows, strict=True)
    ]
    return [now | {"previous": before} for before, now in pairwise(steps)]


@router.get("/flow", response_model=figure_models.Flow)
def flow(reader: Reader, query: Annotated[Filters, Query()]) -> ApiModel:
    """How fast changes pass, where they wait and come back, and what holds them up most."""
    selection = query.selection(reader)
    figures = groups.flow(reader, selection)
    return figure_models.Flow.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            **figures,
            "limits": limits("flow", figures, selection),
        }
    )


@router.get("/stages")
def stages(reader: Reader, query: Annotated[Paging, Query()]) -> models.Page[models.Stage]:
    """What the stages take, how long work waits before them, and how often it comes back; by name."""
    selection = query.selection(reader)
    stages = [models.Stage(**stage) for stage in by_stage.stages(reader, selection)]
    shown, following = part(stages, query, selection, key=lambda stage: stage.name)
    return models.Page(items=shown, next_cursor=following, notices=notices(reader, selection))
