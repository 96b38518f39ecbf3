"""What holds changes back, in sentences."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.advice import advice as pieces_of
from otel_vsm_collector.figures.flow.stages import stages
from otel_vsm_collector.web.api.models import ApiModel, Notice, Share, ValueStream, Window
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])


class Piece(ApiModel):
    sentence: str
    share: Share = Field(
        description="Of a wait, of all flow time; of the bottleneck, of the median flow time; of what is done"
        " again, of the stage's executions."
    )
    figure: str = Field(description="Whose rows, at /api/v1/explain, are behind it.")


class Advice(ApiModel):
    window: Window
    profile: str
    value_stream: ValueStream | None
    notices: list[Notice]
    items: list[Piece] = Field(
        description="What takes flow time, the largest share first; then what is done again."
    )
    nothing: str | None = Field(description="Why nothing can be advised; null where it can.")


@router.get("/advice")
def advice(reader: Reader, query: Annotated[Filters, Query()]) -> Advice:
    """What holds changes back, as far as it is worth a sentence by the settings of vsm.yaml."""
    selection = query.selection(reader)
    flow = groups.flow(reader, selection)
    pieces, nothing = pieces_of(flow, stages(reader, selection), selection.declared.advice)
    return Advice.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            "items": [piece._asdict() for piece in pieces],
            "nothing": nothing,
        }
    )
