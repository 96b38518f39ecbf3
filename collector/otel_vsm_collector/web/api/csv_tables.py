"""The tables of the API as CSV: all rows of a window, as spreadsheets take them."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from otel_vsm_collector.web.api import by_name, explain, explain_models, figures, lists, models
from otel_vsm_collector.web.api.models import ApiModel
from otel_vsm_collector.web.api.pagination import Paging
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import REFUSED, once
from otel_vsm_collector.web.reading import Reader

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute, if a text began with it."""
_CSV = "text/csv; charset=utf-8"
_ROWS = 1000
"""Of a page."""

router = APIRouter(prefix="/api/v1", tags=["tables"], responses=REFUSED, dependencies=[Depends(once)])


def written(items: list[ApiModel], columns: list[str]) -> str:
    """The items as CSV: members of members are columns of their own, `columns` those that there are where
    there are no items."""
    rows = [dict(_cells(item.model_dump(mode="json", by_alias=True))) for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row)) or columns
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cells(members: dict[str, Any], within: str = "") -> Iterator[tuple[str, str | int | float | None]]:
    for name, value in members.items():
        if isinstance(value, dict):
            yield from _cells(value, f"{within}{name}.")
        elif isinstance(value, list):
            plain = all(isinstance(one, str) for one in value)
            yield within + name, _safe(" ".join(value) if plain else json.dumps(value))
        else:
            yield within + name, _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _route(
    path: str, ask: Callable[..., Any], kind: type[Filters], paged: type[Paging], item: type[ApiModel]
) -> None:
    """A route that answers with all pages of another one."""

    def table(reader: Reader, query: Annotated[kind, Query()]) -> Response:  # type: ignore[valid-type]
        items: list[ApiModel] = []
        cursor: str | None = None
        while True:
            fields = {name: getattr(query, name) for name in kind.model_fields}
            page = ask(reader, paged.model_construct(**fields, limit=_ROWS, cursor=cursor))
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                return Response(written(items, list(item.model_fields)), media_type=_CSV)

    router.add_api_route(
        f"/{path}.csv",
        table,
        name=f"{path} as CSV",
        description=f"All rows of /api/v1/{path}, in the same order.",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}},
    )


_route("changes", lists.changes, Filters, Paging, models.Change)
_route("deployments", lists.deployments, Filters, Paging, models.Deployment)
_route("incidents", lists.incidents, Filters, Paging, models.Incident)
_route("active-incidents", lists.active_incidents, Filters, Paging, models.Incident)
_route("stages", figures.stages, Filters, Paging, models.Stage)
_route("dora/by", by_name.dora_by, by_name.ToldApart, by_name.ByQuery, by_name.DoraOf)
_route("explain", explain.explain, explain.Explained, explain.ExplainQuery, explain_models.Row)
