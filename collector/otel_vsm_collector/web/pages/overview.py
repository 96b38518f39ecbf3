"""The page at `/`: what a person sees who opens the collector in a browser."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Response
from pydantic import Field

from otel_vsm import figures, human
from otel_vsm.figures import FIGURES, Figure, Kind
from otel_vsm.semconv import Statistic
from otel_vsm_collector.figures.advice import advice
from otel_vsm_collector.figures.flow.stages import stages
from otel_vsm_collector.figures.measurement import gaps
from otel_vsm_collector.web.api import by_name, lists
from otel_vsm_collector.web.api import figures as api
from otel_vsm_collector.web.api.by_name import By, ByQuery
from otel_vsm_collector.web.api.pagination import Paging
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.pages import charts, trend
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of

LATEST = 5
MOST_NAMES = 100
HEADLINES = tuple(figure for figure in figures.of("dora") if figure.note)
COLUMNS = ("name", *(figure.name for figure in HEADLINES))

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class OverviewQuery(Filters):
    by: By = "service"
    sort: Literal[COLUMNS] = Field("name")  # type: ignore[valid-type]
    order: Literal["up", "down"] = "up"


class Tile(NamedTuple):
    figure: Figure
    value: str
    lines: list[str]
    before: str
    """The value in the window before."""
    direction: str
    """Whether that was better or worse; empty where it was neither."""
    spark: charts.Spark
    limit: str
    """What is said of the limit that it breaches."""


class Of(NamedTuple):
    """The figures of one service, team or repository."""

    name: str
    values: list[str]
    numbers: dict[str, Any]


@router.get("/")
def overview(view: Annotated[View[OverviewQuery], view_of(OverviewQuery)]) -> Response:
    """The figures of what the query asks for, as the API takes it."""
    reader, query = view.reader, view.frozen
    dora = api.dora(reader, query).model_dump(by_alias=True)
    flow = api.flow(reader, query).model_dump(by_alias=True)
    steps = api.dora_series(reader, trend.query(view)).model_dump(by_alias=True)["items"]
    statistic = dora["statistic"]
    limits = {one["figure"]: one for one in (*dora["limits"], *flow["limits"]) if one["breached"]}
    active = lists.active_incidents(reader, view.ask(Paging, limit=LATEST, cursor=None))
    latest = view.ask(Paging, limit=LATEST, cursor=None)
    measure = view.selection.stream and view.selection.stream.primary_measure
    of_all = dora | flow
    pieces, nothing = advice(flow, stages(reader, view.selection), view.selection.declared.advice)
    return view.page(
        "overview.html",
        tiles=[_tile(figure, dora, steps, limits) for figure in HEADLINES],
        measure=measure
        and (FIGURES[measure].title, human.value(FIGURES[measure], of_all[measure], statistic)),
        flow=flow,
        advice=pieces,
        nothing=nothing,
        flow_tiles=[
            (FIGURES[name], human.value(FIGURES[name], flow[name], statistic))
            for name in ("flow_time", "flow_efficiency", "throughput_per_day", "wip")
        ],
        breaches=[_breach(one) for one in limits.values()],
        active_incidents=dora["active_incidents"],
        incidents=active.items,
        gaps={
            "stage runs": gaps.unlinked(reader.answer(gaps.stage_runs, view.selection)),
            "deployments": gaps.unlinked(reader.answer(gaps.deployments, view.selection)),
        },
        excluded=sum(row["changes"] for row in reader.answer(gaps.excluded, view.selection)),
        lead_times=trend.distribution(view, "change_lead_time"),
        trend=trend.durations(steps, "change_lead_time"),
        headings=[("name", query.by), *((figure.name, figure.title) for figure in HEADLINES)],
        table=_table(view, statistic),
        deployments=lists.deployments(reader, latest).items,
        changes=lists.changes(reader, latest).items,
    )


def _tile(figure: Figure, dora: Mapping[str, Any], steps: Sequence[Any], limits: Mapping[str, Any]) -> Tile:
    value, statistic = dora[figure.name], dora["statistic"]
    lines = [human.beside(figure, value, statistic)]
    if figure.kind is Kind.DURATION and figure.count(value) > 1:
        lines.append(f"9 in 10 within {human.duration(value[Statistic.P90])}")
    now, before = (figure.number(one[figure.name], statistic) for one in (dora, dora["previous"]))
    direction, written = "", human.value(figure, dora["previous"][figure.name], statistic)
    if now is not None and before is not None and now != before and written != human.UNKNOWN:
        direction = "better" if (now > before) is (figure.better == "more") else "worse"
    return Tile(
        figure,
        human.value(figure, value, statistic),
        lines,
        written,
        direction,
        charts.spark([figure.number(step[figure.name], statistic) for step in steps]),
        _should(limits[figure.name]) if figure.name in limits else "",
    )


def _breach(limit: Mapping[str, Any]) -> tuple[Figure, str, str]:
    figure = FIGURES[limit["figure"]]
    return figure, human.number(figure, limit["value"]), _should(limit)


def _should(limit: Mapping[str, Any]) -> str:
    most = human.number(FIGURES[limit["figure"]], limit["limit"])
    return f"should be at {'least' if limit['at_least'] else 'most'} {most}"


def _table(view: View[OverviewQuery], statistic: str) -> tuple[list[Of], bool]:
    """The figures of each name that has any, as they are to be sorted, and whether there are more names."""
    page = by_name.dora_by(
        view.reader, view.ask(ByQuery, by=view.query.by, limit=MOST_NAMES, cursor=None)
    ).model_dump(by_alias=True)
    rows = []
    for item in page["items"]:
        if any(figure.count(item[figure.name]) for figure in HEADLINES):
            numbers = {figure.name: figure.number(item[figure.name], statistic) for figure in HEADLINES}
            values = [human.value(figure, item[figure.name], statistic) for figure in HEADLINES]
            rows.append(Of(item["name"], values, numbers | {"name": item["name"]}))
    column = view.query.sort
    known = [row for row in rows if row.numbers[column] is not None]
    known.sort(key=lambda row: row.numbers[column], reverse=view.query.order == "down")
    return [*known, *(row for row in rows if row.numbers[column] is None)], page["next_cursor"] is not None
