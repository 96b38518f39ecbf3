"""Templates and style of the pages, and what is written how on them."""

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from otel_vsm import __version__, human
from otel_vsm_collector.web.api.times import write_time

router = APIRouter(include_in_schema=False)

_STYLE = files(__package__).joinpath("static", "style.css").read_bytes()


def page(name: str, **shown: Any) -> str:
    """The page of this template."""
    return _templates.get_template(name).render(version=__version__, **shown)


@router.get("/style.css")
def style() -> Response:
    return Response(_STYLE, media_type="text/css; charset=utf-8")


def minute(time_ns: int | None) -> str:
    """A time in UTC, to the minute."""
    return human.UNKNOWN if time_ns is None else write_time(time_ns)[:16].replace("T", " ")


def short(revision: str | None) -> str:
    """A revision as git shortens it; other versions as they are."""
    if revision is None:
        return human.UNKNOWN
    is_hash = len(revision) >= 40 and all(digit in "0123456789abcdef" for digit in revision)
    return revision[:8] if is_hash else revision


def _environment() -> Environment:
    templates = Environment(
        loader=PackageLoader("otel_vsm_collector.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (human.duration, human.count, minute, short):
        templates.filters[write.__name__] = write
    return templates


_templates = _environment()
