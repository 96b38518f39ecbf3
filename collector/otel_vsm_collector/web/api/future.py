"""The future state of a value stream."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, Field

from otel_vsm_collector.figures.flow.future import WHOLE, Factors
from otel_vsm_collector.figures.flow.future import future as replay
from otel_vsm_collector.web.api.models import ApiModel, Notice, Share, Statistics, ValueStream, Window
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

MOST_STAGES, MOST_PERCENT = 100, 1000

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])


def percents(text: str) -> dict[str, int]:
    """Stage → percent. Raises ValueError with a sentence that says what is allowed."""
    try:
        factors = json.loads(text or "{}")
    except ValueError:
        factors = None
    sound = isinstance(factors, dict) and len(factors) <= MOST_STAGES
    if not sound or not all(type(one) is int and 0 <= one <= MOST_PERCENT for one in factors.values()):
        raise ValueError(
            f'is a JSON object of stages and whole percents from 0 to {MOST_PERCENT}, such as {{"scan": 50}}'
        )
    return dict(factors)


def _sound(text: str) -> str:
    percents(text)
    return text


_Percents = Annotated[str, AfterValidator(_sound), Field(max_length=8192)]


class FutureQuery(Filters):
    wait: _Percents = Field(
        "", description='What the waits before stages take then, in percent of now: {"scan": 50}.'
    )
    process: _Percents = Field("", description="The same of the stages themselves; 0 drops a stage's work.")

    @property
    def factors(self) -> dict[str, Factors]:
        waits, works = percents(self.wait), percents(self.process)
        return {
            name: Factors(waits.get(name, WHOLE), works.get(name, WHOLE)) for name in waits.keys() | works
        }


class State(ApiModel):
    flow_time: Statistics
    flow_efficiency: Share | None
    open_changes: float | None = Field(
        description="On average, by Little's law: changes delivered per day times mean flow time."
    )


class Future(ApiModel):
    """Every change delivered in the window, replayed with waits and stages that take another share of their
    time. All else stays as it was, the number of changes too."""

    window: Window
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    changes: int = Field(description="How many were replayed: those whose flow time is known.")
    now: State
    then: State


@router.get("/future")
def future(reader: Reader, query: Annotated[FutureQuery, Query()]) -> Future:
    """What flow times would have been, had waits and stages taken another share of their time."""
    selection = query.selection(reader)
    return Future.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            **replay(reader, selection, query.factors),
        }
    )
