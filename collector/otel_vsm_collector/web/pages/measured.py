"""How far figures can be believed, by which definitions they are computed, and of which declared streams."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import Field

from otel_vsm import figures, human
from otel_vsm.figures import FIGURES
from otel_vsm_collector.declared.patterns import matches
from otel_vsm_collector.declared.sections import ValueStream
from otel_vsm_collector.figures.registry import ExplainedName
from otel_vsm_collector.web.api import figures as api
from otel_vsm_collector.web.api import measurement as api_measurement
from otel_vsm_collector.web.api.explain import CompareQuery, compare
from otel_vsm_collector.web.api.models import Stage
from otel_vsm_collector.web.api.parameters import Filters, Name
from otel_vsm_collector.web.api.stream_map import stream_map
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of

ROWS = 50
MOST = 3

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/measurement")
def measurement(request: Request, view: Annotated[View[Filters], view_of(Filters)]) -> Response:
    answer = api_measurement.measurement(request, view.reader, view.frozen).model_dump(by_alias=True)
    return view.page("measurement.html", measured=answer)


class ProfilesQuery(Filters):
    with_: Name | None = Field(None, alias="with")
    figure: ExplainedName | None = None
    cursor: str | None = None


@router.get("/profiles")
def profiles(view: Annotated[View[ProfilesQuery], view_of(ProfilesQuery)]) -> Response:
    """Two profiles side by side, and for one figure what counts otherwise because of which setting."""
    names = view.reader.facts.declared.profile_names
    ours = view.query.profile or view.reader.facts.declared.profile
    theirs = view.query.with_ or next(name for name in names if name != ours)
    one = api.dora(view.reader, view.frozen).model_dump(by_alias=True)
    other_query = view.frozen.model_copy(update={"profile": theirs})
    two = api.dora(view.reader, other_query).model_dump(by_alias=True)
    figure = view.query.figure
    answer = figure and compare(
        view.reader, view.ask(CompareQuery, figure=figure, with_=theirs, limit=ROWS, cursor=view.query.cursor)
    )
    compared = answer and answer.model_dump(by_alias=True)
    return view.page(
        "profiles.html",
        names=names,
        ours=ours,
        theirs=theirs,
        rows=[
            (figure, *(human.value(figure, side[figure.name], side["statistic"]) for side in (one, two)))
            for figure in figures.of("dora")
        ],
        figure=figure and FIGURES[figure],
        compared=compared,
        differing=answer and answer.items,
        values=figure
        and compared
        and [
            human.value(FIGURES[figure], compared[side]["value"], statistic["statistic"])
            for side, statistic in (("profile", one), ("with", two))
        ],
    )


class Stream(NamedTuple):
    name: str
    declared: ValueStream
    figures: list[tuple[figures.Figure, str]]
    undeclared: list[str]
    """Stages that ran in it and that it does not consist of."""
    unseen: list[str]
    """Patterns of its stages that nothing ran of."""
    teams: list[str]
    """Whose work that was."""
    handoffs: list[Any]
    waiting: list[Stage]
    """The stages before which work waits longest."""
    redone: list[Stage]
    """Those that are done again most often."""


@router.get("/streams")
def streams(view: Annotated[View[Filters], view_of(Filters)]) -> Response:
    """What is declared of each value stream beside what was measured."""
    declared = view.reader.facts.declared.value_streams
    wanted = view.query.value_stream
    shown = [name for name in declared if wanted is None or name == wanted]
    return view.page("streams.html", streams=[_stream(view, name, declared[name]) for name in shown])


def _stream(view: View[Filters], name: str, declared: ValueStream) -> Stream:
    query = view.frozen.model_copy(update={"value_stream": name})
    dora = api.dora(view.reader, query).model_dump(by_alias=True)
    flow = api.flow(view.reader, query).model_dump(by_alias=True)
    steps = stream_map(view.reader, query).steps
    ran = [stage for step in steps for stage in step]
    stages = [stage.figures for stage in ran]
    values = dora | flow
    return Stream(
        name,
        declared,
        [
            (figure, human.value(figure, values[figure.name], dora["statistic"]))
            for figure in (*figures.of("dora"), FIGURES["flow_efficiency"], FIGURES["wip"])
        ],
        [stage.name for stage in ran if declared.stages and not matches(stage.name, declared.stages)],
        [pattern for pattern in declared.stages if not any(matches(stage.name, (pattern,)) for stage in ran)],
        sorted({team for stage in ran for team in stage.teams}),
        flow["handoffs"]["pairs"],
        _most(stages, lambda stage: stage.wait_time.p50),
        _most(stages, lambda stage: stage.rework_runs),
    )


def _most(stages: Iterable[Stage], number: Callable[[Stage], float | None]) -> list[Stage]:
    return sorted((one for one in stages if number(one)), key=lambda one: -(number(one) or 0))[:MOST]
