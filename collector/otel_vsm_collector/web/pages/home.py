"""The page at `/`: what a person sees who opens the collector in a browser."""

import time
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response

from otel_vsm import figures, human
from otel_vsm.figures import Figure, Kind
from otel_vsm.semconv import Statistic
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures import groups
from otel_vsm_collector.web.api import items
from otel_vsm_collector.web.api.lists import CHANGES, DEPLOYMENTS
from otel_vsm_collector.web.api.pagination import first
from otel_vsm_collector.web.pages.rendering import page
from otel_vsm_collector.web.reading import Lag, Reader, lag_headers

DAYS = 30
LATEST = 10

router = APIRouter(include_in_schema=False)


class Tile(NamedTuple):
    title: str
    value: str
    lines: list[str]


@router.get("/")
def home(request: Request, reader: Reader, lag_s: Lag) -> Response:
    now = time.time_ns()
    selection = Selection(
        from_ns=now - Length(f"{DAYS}d").ns, to_ns=now, environment=PRODUCTION, facts=reader.facts
    )
    values = groups.dora(reader, selection)
    shown = page(
        "home.html",
        days=DAYS,
        now=now,
        lag_s=lag_s,
        tiles=[_tile(figure, values[figure.name]) for figure in figures.of("dora") if figure.note],
        deployments=[items.deployment(row) for row in reader.answer(first, selection, DEPLOYMENTS, LATEST)],
        changes=[items.change(row) for row in reader.answer(first, selection, CHANGES, LATEST)],
    )
    return Response(shown, media_type="text/html; charset=utf-8", headers=lag_headers(request))


def _tile(figure: Figure, value: Any) -> Tile:
    lines = [human.beside(figure, value)]
    if figure.kind is Kind.DURATION and figure.count(value) > 1:
        lines.append(f"9 in 10 within {human.duration(value[Statistic.P90])}")
    return Tile(figure.title, human.value(figure, value, Statistic.P50), lines)
