"""Templates and style of the pages, and what is written how on them."""

from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from otel_vsm import __version__, human
from otel_vsm_collector.web.api.times import write_time

router = APIRouter(include_in_schema=False)

_STATIC = {
    name: (files(__package__).joinpath("static", name).read_bytes(), media_type)
    for name, media_type in (("style.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml"))
}


def page(name: str, **shown: Any) -> str:
    """The page of this template."""
    return _templates.get_template(name).render(version=__version__, **shown)


@router.get("/style.css")
def style() -> Response:
    return _static("style.css")


@router.get("/icon.svg")
def icon() -> Response:
    return _static("icon.svg")


def _static(name: str) -> Response:
    content, media_type = _STATIC[name]
    return Response(content, media_type=media_type)


def time(time_ns: int | None, zone: str) -> str:
    """A moment on the clocks of a time zone, to the minute, with UTC in its title."""
    return _moment(time_ns, zone, "%Y-%m-%d %H:%M")


def day(time_ns: int | None, zone: str) -> str:
    """The same to the day."""
    return _moment(time_ns, zone, "%Y-%m-%d")


def _moment(time_ns: int | None, zone: str, form: str) -> str:
    if time_ns is None:
        return human.UNKNOWN
    in_utc = write_time(time_ns)
    title = f"{in_utc[:16].replace('T', ' ')} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        in_utc, title, local(time_ns, zone, form)
    )


def local(time_ns: int, zone: str, form: str) -> str:
    """A moment as the clocks of a time zone show it."""
    return f"{datetime.fromtimestamp(time_ns // 10**9, ZoneInfo(zone)):{form}}"


def short(revision: str | None) -> str:
    """A revision as git shortens it; other versions as they are."""
    if revision is None:
        return human.UNKNOWN
    is_hash = len(revision) >= 40 and all(digit in "0123456789abcdef" for digit in revision)
    return revision[:8] if is_hash else revision


def short_change(id: str) -> str:
    """A change's id with its revision as git shortens it."""
    repository, at, revision = id.rpartition("@")
    return f"{repository}{at}{short(revision)}"


def _environment() -> Environment:
    templates = Environment(
        loader=PackageLoader("otel_vsm_collector.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (human.duration, human.share, human.rate, human.count, short, short_change):
        templates.filters[write.__name__] = write
    return templates


_templates = _environment()
