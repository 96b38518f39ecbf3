"""Changes, deployments and incidents: lists page by page, and each of them by its id."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from otel_vsm_collector.declared.sections import TRACE_ID
from otel_vsm_collector.web.api import lists
from otel_vsm_collector.web.api.pagination import Paging
from otel_vsm_collector.web.api.parameters import Filters, Name
from otel_vsm_collector.web.api.timeline import timeline
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of
from otel_vsm_collector.web.pages.gantt import gantt

ROWS = 50

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class ListQuery(Paging):
    limit: int = Field(ROWS, ge=1, le=1000)


class OneQuery(Filters):
    id: Name = Field(description="As lists and links have it.")


Listed = Annotated[View[ListQuery], view_of(ListQuery)]
One = Annotated[View[OneQuery], view_of(OneQuery)]


@router.get("/changes")
def changes(view: Listed) -> Response:
    return _listed(view, "changes.html", "changes", lists.changes(view.reader, view.query))


@router.get("/deployments")
def deployments(view: Listed) -> Response:
    return _listed(view, "deployments.html", "deployments", lists.deployments(view.reader, view.query))


@router.get("/incidents")
def incidents(view: Listed) -> Response:
    active = lists.active_incidents(view.reader, view.ask(Paging, limit=ROWS, cursor=None))
    listed = lists.incidents(view.reader, view.query)
    return _listed(view, "incidents.html", "incidents", listed, active=active.items)


@router.get("/change")
def change(view: One) -> Response:
    """One change from its first event to production."""
    happened = timeline(view.reader, view.query.id, view.query.profile)
    url = view.reader.facts.declared.trace_url
    return view.page(
        "change.html",
        change=happened.change,
        timeline=happened,
        gantt=gantt(happened),
        deployments=happened.deployments,
        trace=url and happened.trace_id and url.replace(TRACE_ID, happened.trace_id),
    )


@router.get("/deployment")
def deployment(view: One) -> Response:
    one = lists.deployment(view.reader, view.query.id, view.query.profile)
    return view.page("deployment.html", deployment=one, deployments=[one])


def _listed(view: View[ListQuery], template: str, name: str, page: Any, **shown: Any) -> Response:
    return view.page(template, **{name: page.items}, next_cursor=page.next_cursor, **shown)
