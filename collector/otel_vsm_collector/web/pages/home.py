"""The page at `/`: what a person sees who opens the collector in a browser."""

from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from otel_vsm import figures, human
from otel_vsm.figures import FIGURES, Figure, Kind
from otel_vsm.semconv import Statistic
from otel_vsm_collector.figures import groups
from otel_vsm_collector.figures.registry import value as value_of
from otel_vsm_collector.web.api import items
from otel_vsm_collector.web.api.lists import CHANGES, DEPLOYMENTS
from otel_vsm_collector.web.api.models import Refusal
from otel_vsm_collector.web.api.pagination import first
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import BadParameter, once, refusals
from otel_vsm_collector.web.pages.rendering import page
from otel_vsm_collector.web.reading import Lag, Reader, lag_headers

LATEST = 10
_FILTERS = ("service", "repository", "team", "value_stream", "severity")

router = APIRouter(include_in_schema=False)


class Tile(NamedTuple):
    title: str
    value: str
    lines: list[str]


@router.get("/")
def home(request: Request, reader: Reader, lag_s: Lag) -> Response:
    """The figures of what the query asks for, as the API takes it."""
    try:
        once(request)
        query = Filters.model_validate(dict(request.query_params))
        selection = query.selection(reader)
    except ValidationError as error:
        known = [field.alias or name for name, field in Filters.model_fields.items()]
        return _refused(request, refusals(error.errors(), known))
    except BadParameter as error:
        return _refused(request, [error.refusal])
    context = query.context(reader, selection)
    parts = groups.parts_of(reader, selection)
    stream = context["value_stream"]
    measure = stream and stream["primary_measure"]
    statistic = selection.profile.statistic
    shown = page(
        "home.html",
        window=query.window or ("" if query.from_ or query.to else reader.facts.declared.window),
        selection=selection,
        only=[(name.replace("_", " "), value) for name in _FILTERS if (value := getattr(selection, name))],
        **context,
        measure=measure
        and (FIGURES[measure].title, human.value(FIGURES[measure], value_of(measure, parts), statistic)),
        lag_s=lag_s,
        tiles=[
            _tile(figure, value_of(figure.name, parts), statistic)
            for figure in figures.of("dora")
            if figure.note
        ],
        deployments=[items.deployment(row) for row in reader.answer(first, selection, DEPLOYMENTS, LATEST)],
        changes=[
            (items.change(row), row["delivered_at"])
            for row in reader.answer(first, selection, CHANGES, LATEST)
        ],
    )
    return Response(shown, media_type="text/html; charset=utf-8", headers=lag_headers(request))


def _refused(request: Request, refused: list[Refusal]) -> Response:
    shown = page("refused.html", refused=refused)
    return Response(shown, 400, media_type="text/html; charset=utf-8", headers=lag_headers(request))


def _tile(figure: Figure, value: Any, statistic: str) -> Tile:
    lines = [human.beside(figure, value, statistic)]
    if figure.kind is Kind.DURATION and figure.count(value) > 1:
        lines.append(f"9 in 10 within {human.duration(value[Statistic.P90])}")
    return Tile(figure.title, human.value(figure, value, statistic), lines)
