"""The figures of each service, team or repository beside each other."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, create_model

from otel_vsm_collector.facts.names import known
from otel_vsm_collector.figures import groups
from otel_vsm_collector.web.api.figure_models import DoraFigures
from otel_vsm_collector.web.api.models import Page
from otel_vsm_collector.web.api.pagination import Paging, part
from otel_vsm_collector.web.api.parameters import Filters, notices
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

router = APIRouter(prefix="/api/v1", tags=["figures"], responses=REFUSED, dependencies=[Depends(once)])

By = Literal["service", "team", "repository"]
DoraOf = create_model("DoraOf", __base__=DoraFigures, name=str)


class ToldApart(Filters):
    by: By = Field("service", description="What the figures are told apart by.")


class ByQuery(ToldApart, Paging):
    limit: int = Field(25, ge=1, le=100)


@router.get("/dora/by", response_model=Page[DoraOf])  # type: ignore[valid-type]
def dora_by(reader: Reader, query: Annotated[ByQuery, Query()]) -> Any:
    """The DORA figures of each, as /api/v1/dora has them for that one alone; by name."""
    selection = query.selection(reader)
    wanted = getattr(selection, query.by)
    names = known(reader)[query.by] if wanted is None else [wanted]
    shown, following = part(names, query, selection, key=str)
    window = {"from": selection.from_ns, "to": selection.to_ns}
    figures = groups.dora_by(reader, selection, query.by, shown)
    items = [
        DoraOf.model_validate({"name": name, "window": window} | one)
        for name, one in zip(shown, figures, strict=True)
    ]
    return Page[DoraOf](items=items, next_cursor=following, notices=notices(reader, selection))  # type: ignore[valid-type]
