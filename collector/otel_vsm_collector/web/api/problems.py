"""Refusals: each says which parameter it is about and what is allowed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from otel_vsm.text import one_line
from otel_vsm_collector.access.guard import Refused
from otel_vsm_collector.web.api.models import Problem, Refusal
from otel_vsm_collector.web.reading import lag_headers

REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "A parameter is wrong or unknown: which, and what is allowed"},
    503: {"model": Problem, "description": "Too much is asked at once, or the answer takes too long"},
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is none"}}


class BadParameter(Exception):
    """A parameter that cannot be answered; `message` says what is allowed."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(parameter=parameter, message=message)


def once(request: Request) -> None:
    """Refuses a parameter that is given twice: one of the two would be ignored."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in counted.items():
        if times > 1:
            raise BadParameter(one_line(name), "is given more than once; give it once")


async def on_bad_parameter(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadParameter)
    return _problem(request, [error.refusal])


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """What FastAPI finds wrong with the parameters."""
    assert isinstance(error, RequestValidationError)
    return _problem(request, refusals(error.errors(), _known(request)))


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    body = Problem(detail=str(error.detail), errors=[])
    headers = {**(error.headers or {}), **lag_headers(request)}
    return JSONResponse(body.model_dump(), error.status_code, headers=headers)


def refused(refused: Refused) -> ASGIApp:
    """The answer to who may not come in."""
    headers = {name.decode(): value.decode() for name, value in refused.headers}
    return JSONResponse(
        Problem(detail=refused.message, errors=[]).model_dump(), refused.status, headers=headers
    )


def _problem(request: Request, refusals: list[Refusal]) -> JSONResponse:
    detail = "; ".join(f"{refusal.parameter}: {refusal.message}" for refusal in refusals)
    body = Problem(detail=detail, errors=refusals)
    return JSONResponse(body.model_dump(), 422, headers=lag_headers(request))


def refusals(mistakes: Iterable[Mapping[str, Any]], known: list[str]) -> list[Refusal]:
    """What validation finds wrong, where these parameters are known."""
    return [_refusal(mistake, known) for mistake in mistakes]


def _refusal(mistake: Mapping[str, Any], known: list[str]) -> Refusal:
    parameter = one_line(str(mistake["loc"][-1]))
    if mistake["type"] == "extra_forbidden":
        return Refusal(parameter=parameter, message=f"no such parameter; known are {', '.join(known)}")
    # Pydantic writes "Value error, …" before a sentence of ours.
    message = str(mistake.get("ctx", {}).get("error", mistake["msg"]))
    return Refusal(parameter=parameter, message=message)


def _known(request: Request) -> list[str]:
    """The parameters that the route of a request takes, as OpenAPI lists them."""
    for operation in request.app.openapi()["paths"].get(request.scope["route"].path, {}).values():
        return [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    return []
