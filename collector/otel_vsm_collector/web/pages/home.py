"""The page at `/`: what a person sees who opens the collector in a browser."""

import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_vsm import __version__, human
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.figures.dora import dora
from otel_vsm_collector.web.api import items
from otel_vsm_collector.web.api.lists import CHANGES, DEPLOYMENTS
from otel_vsm_collector.web.api.pagination import first
from otel_vsm_collector.web.api.times import write_time
from otel_vsm_collector.web.reading import Lag, Reader, lag_headers

DAYS = 30
LATEST = 10

router = APIRouter(include_in_schema=False)

_STYLE = Path(__file__).with_name("static").joinpath("style.css").read_bytes()


def _environment() -> Environment:
    templates = Environment(
        loader=PackageLoader("otel_vsm_collector.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (human.duration, human.share, human.rate, human.count, minute, short):
        templates.filters[write.__name__] = write
    return templates


def minute(time_ns: int | None) -> str:
    """A time in UTC, to the minute."""
    return human.UNKNOWN if time_ns is None else write_time(time_ns)[:16].replace("T", " ")


def short(revision: str | None) -> str:
    """A revision as git shortens it; other versions as they are."""
    if revision is None:
        return human.UNKNOWN
    is_hash = len(revision) >= 40 and all(digit in "0123456789abcdef" for digit in revision)
    return revision[:8] if is_hash else revision


_templates = _environment()


@router.get("/")
def home(request: Request, reader: Reader, lag_s: Lag) -> Response:
    now = time.time_ns()
    selection = Selection(
        from_ns=now - Length(f"{DAYS}d").ns, to_ns=now, environment=PRODUCTION, facts=reader.facts
    )
    view: dict[str, Any] = {
        "version": __version__,
        "days": DAYS,
        "now": now,
        "lag_s": lag_s,
        "dora": dora(reader, selection),
        "deployments": [
            items.deployment(row) for row in reader.answer(first, selection, DEPLOYMENTS, LATEST)
        ],
        "changes": [items.change(row) for row in reader.answer(first, selection, CHANGES, LATEST)],
    }
    page = _templates.get_template("home.html").render(view)
    return Response(page, media_type="text/html; charset=utf-8", headers=lag_headers(request))


@router.get("/style.css")
def style() -> Response:
    return Response(_STYLE, media_type="text/css; charset=utf-8")
