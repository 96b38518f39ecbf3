"""What is behind a figure: its rows, and what was left out and why."""

from typing import Annotated

from fastapi import APIRouter, Response

from otel_vsm import human
from otel_vsm.figures import FIGURES, Kind
from otel_vsm_collector.web.api.explain import ExplainQuery, explain
from otel_vsm_collector.web.pages import trend
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/figure")
def figure(view: Annotated[View[ExplainQuery], view_of(ExplainQuery)]) -> Response:
    """The rows of the figure, page by page."""
    shown = explain(view.reader, view.query)
    what, statistic = FIGURES[view.query.figure], view.selection.profile.statistic
    value = shown.model_dump(by_alias=True)["value"]
    return view.page(
        "figure.html",
        figure=what,
        value=human.value(what, value, statistic),
        is_duration=what.kind is Kind.DURATION,
        is_share=what.kind is Kind.SHARE,
        drawn=trend.distribution(view, what.name) if what.kind is Kind.DURATION else None,
        explained=shown,
    )
