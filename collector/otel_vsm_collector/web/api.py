"""The figures of the API: what is computed over a window."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from otel_vsm_collector.figures import dora as dora_figures
from otel_vsm_collector.figures import stages as stage_figures
from otel_vsm_collector.web import models
from otel_vsm_collector.web.facts import Facts
from otel_vsm_collector.web.pages import Paging, part
from otel_vsm_collector.web.parameters import Filters
from otel_vsm_collector.web.problems import REFUSED, once

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])


@router.get("/dora")
def dora(facts: Facts, asked: Annotated[Filters, Query()]) -> models.Dora:
    """The five DORA figures of a window, with time to restore and to detect beside them."""
    selection = asked.selection()
    return models.Dora.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            "profile": asked.profile,
            **dora_figures.dora(facts, selection),
        }
    )


@router.get("/stages")
def stages(facts: Facts, asked: Annotated[Paging, Query()]) -> models.Page[models.Stage]:
    """What the stages take, how long work waits before them, and how often it comes back; by name."""
    selection = asked.selection()
    found = [models.Stage(**stage) for stage in stage_figures.stages(facts, selection)]
    shown, following = part(found, asked, selection, key=lambda stage: stage.name)
    return models.Page(items=shown, next_cursor=following)
