"""Where work waits, comes back and piles up: the map, stages, flow and approvals."""

from typing import Annotated

from fastapi import APIRouter, Response

from otel_vsm import human
from otel_vsm.figures import FIGURES
from otel_vsm_collector.web.api import figures as api
from otel_vsm_collector.web.api import stream_map as api_map
from otel_vsm_collector.web.api.explain import ExplainQuery, explain
from otel_vsm_collector.web.api.pagination import Paging
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.pages import charts, rendering, trend
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of
from otel_vsm_collector.web.pages.map_drawing import draw

_HEADLINES = (
    "flow_time",
    "active_time",
    "cycle_time",
    "flow_efficiency",
    "throughput_per_day",
    "wip",
    "rework",
)

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Filtered = Annotated[View[Filters], view_of(Filters)]


@router.get("/map")
def stream_map(view: Filtered) -> Response:
    """The value stream map."""
    answer = api_map.stream_map(view.reader, view.frozen)
    return view.page("map.html", map=answer, drawing=draw(answer))


@router.get("/stages")
def stages(view: Filtered) -> Response:
    answer = api.stages(view.reader, view.ask(Paging, limit=1000, cursor=None))
    handoffs = api.flow(view.reader, view.frozen).model_dump(by_alias=True)["handoffs"]
    return view.page("stages.html", stages=answer.items, handoffs=handoffs)


@router.get("/flow")
def flow(view: Filtered) -> Response:
    """How fast changes pass, how many are under way, and how old they are."""
    figures = api.flow(view.reader, view.frozen).model_dump(by_alias=True)
    cumulative = api_map.cumulative(view.reader, trend.query(view)).items
    steps = api.dora_series(view.reader, trend.query(view)).model_dump(by_alias=True)["items"]
    labels = [rendering.local(one.at, view.selection.time_zone, "%m-%d") for one in cumulative]
    statistic = view.selection.profile.statistic
    begun, closed, totals = 0, 0, ([], [])  # type: ignore[var-annotated]
    for one in cumulative[1:]:
        begun, closed = begun + one.begun, closed + one.closed
        totals[0].append(begun + cumulative[0].open)
        totals[1].append(closed)
    return view.page(
        "flow.html",
        flow=figures,
        figures=[
            (FIGURES[name], human.value(FIGURES[name], figures[name], statistic)) for name in _HEADLINES
        ],
        drawn=trend.distribution(view, "flow_time"),
        lead_times=trend.durations(steps, "change_lead_time"),
        open_changes=charts.lines({"open": [one.open for one in cumulative]}, labels, _whole),
        cumulative=charts.lines(
            {"begun, and open before": totals[0], "delivered or abandoned": totals[1]}, labels[1:], _whole
        ),
        step=trend.step(view),
    )


@router.get("/approvals")
def approvals(view: Annotated[View[Paging], view_of(Paging)]) -> Response:
    """Who waits for whose answer, and for how long."""
    gates = api.flow(view.reader, view.frozen).model_dump(by_alias=True)["approvals"]
    query = view.query
    rows = explain(
        view.reader,
        view.ask(ExplainQuery, figure="approvals", rows="all", limit=query.limit, cursor=query.cursor),
    )
    limit = view.selection.declared.limits.approval_wait
    return view.page("approvals.html", gates=gates, rows=rows, limit=limit)


def _whole(value: float) -> str:
    return f"{value:.0f}"
