"""How the values behind a duration are distributed."""

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm.figures import EXPLAINED, Kind
from otel_vsm_collector.figures.distribution import distribution as ranges
from otel_vsm_collector.web.api.models import ApiModel, Notice, Seconds, ValueStream, Window
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])

DURATIONS = tuple(figure.name for figure in EXPLAINED if figure.kind is Kind.DURATION)
if TYPE_CHECKING:
    DurationName = str
else:
    DurationName = Literal[DURATIONS]


class Range(ApiModel):
    """from_s ≤ value < to_s."""

    from_s: Seconds
    to_s: Seconds | None = Field(description="Null: however long.")
    rows: int


class Distribution(ApiModel):
    window: Window
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    figure: str
    ranges: list[Range] = Field(description="From the first that has any value to the last that has.")


class DistributionQuery(Filters):
    figure: DurationName = Field("change_lead_time", description="A duration, as it is called elsewhere.")


@router.get("/distribution")
def distribution(reader: Reader, query: Annotated[DistributionQuery, Query()]) -> Distribution:
    """How many of the values that a duration counts lie in which range."""
    selection = query.selection(reader)
    return Distribution.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            "figure": query.figure,
            "ranges": ranges(reader, query.figure, selection),
        }
    )
