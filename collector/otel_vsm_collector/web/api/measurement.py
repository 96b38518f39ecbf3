"""How far the figures can be believed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, create_model

from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.limits import limits
from otel_vsm_collector.keep.store import Health
from otel_vsm_collector.web.api.figure_models import CONTEXT, Limit, fields
from otel_vsm_collector.web.api.models import ApiModel, LeftOut, Share, Window
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, BadParameter, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])

_FILTERS = ("service", "repository", "team", "value_stream")


class Linked(ApiModel):
    """What ended in the window, and of it what no change could be found for."""

    count: int
    unlinked: int
    ratio: Share | None
    why: dict[str, int] = Field(description="How many by reason; a reason that is not here occurred never.")


class LinkedDeployments(Linked):
    nothing_new: int = Field(
        description="Successful ones that brought no change and had none to bring: redeploys and rollbacks."
    )
    cut_history: int = Field(
        description="Successful ones that may have brought more: the clone did not hold the history."
    )


class Received(ApiModel):
    """Spans since the collector started: received = rejected + filtered + unmapped + kept."""

    received: int
    rejected: int
    filtered: int = Field(description="Nothing in them is about delivery.")
    unmapped: int = Field(
        description="Kept, and in no figure: this version has no mapping for what sent them."
    )
    kept: int
    duplicate: int = Field(description="Kept, and known already.")


Measurement = create_model(
    "Measurement",
    __base__=ApiModel,
    window=Window,
    **CONTEXT,
    spans=Linked,
    stage_runs=Linked,
    deployments=LinkedDeployments,
    left_out=LeftOut,
    excluded=(dict[str, int], Field(description="Deliveries without a lead time, by reason.")),
    clock_skew=(dict[str, int], Field(description="What happened before it could have, by kind.")),
    **fields("measurement"),
    received=(
        Received | None,
        Field(description="Of all that is sent; null where a filter is asked for, which it does not know."),
    ),
    limits=list[Limit],
)


@router.get("/measurement", response_model=Measurement)
def measurement(request: Request, reader: Reader, query: Annotated[Filters, Query()]) -> ApiModel:
    """How far the figures of a window can be believed: what no change was found for and why, where clocks
    disagree, how late telemetry arrives."""
    if query.severity is not None:
        raise BadParameter("severity", "is of incidents, and no filter of a measurement; leave it out")
    selection = query.selection(reader)
    measured = groups.measurement(reader, selection)
    for part in ("spans", "stage_runs"):
        for name in LinkedDeployments.model_fields.keys() - Linked.model_fields.keys():
            del measured[part][name]
    is_filtered = query.environment != PRODUCTION or any(getattr(query, name) for name in _FILTERS)
    return Measurement.model_validate(
        {
            "window": {"from": selection.from_ns, "to": selection.to_ns},
            **query.context(reader, selection),
            **measured,
            "limits": limits("measurement", measured, selection),
            "received": None if is_filtered else _received(request.app.state.store.health),
        }
    )


def _received(health: Health) -> Received:
    return Received(
        received=health.received,
        rejected=health.rejected,
        filtered=health.filtered,
        unmapped=health.unmapped,
        kept=health.kept,
        duplicate=health.repeated,
    )
