"""The future state: what changes would have taken, had waits and stages taken what is chosen."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import model_validator

from otel_vsm import human
from otel_vsm_collector.figures.flow.future import WHOLE, Factors
from otel_vsm_collector.web.api.future import FutureQuery, future
from otel_vsm_collector.web.api.stream_map import stream_map
from otel_vsm_collector.web.pages.frame import PageRoute, View, view_of

PERCENTS = (100, 75, 50, 25, 10, 0)
_PARTS = ("wait", "process")

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class FormQuery(FutureQuery):
    """What a form without scripts can send: a field for each stage, `wait:scan=50`."""

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, parameters: Any) -> Any:
        if not isinstance(parameters, Mapping):
            return parameters
        query = {name: value for name, value in parameters.items() if name.partition(":")[0] not in _PARTS}
        for part in _PARTS:
            fields = {
                name.removeprefix(f"{part}:"): value
                for name, value in parameters.items()
                if name.startswith(f"{part}:") and value not in ("", str(WHOLE))
            }
            query[part] = json.dumps({stage: _number(value) for stage, value in fields.items()})
        return query


@router.get("/future")
def future_state(view: Annotated[View[FormQuery], view_of(FormQuery)]) -> Response:
    """Both states side by side."""
    query = view.query
    replayed = future(view.reader, view.ask(FutureQuery, wait=query.wait, process=query.process))
    current = stream_map(view.reader, view.frozen)
    stages = [stage for step in current.steps for stage in step]
    factors = query.factors
    rows = [(stage, factors.get(stage.name, Factors())) for stage in stages]
    return view.page(
        "future.html",
        rows=rows,
        percents=PERCENTS,
        changed={name: one for name, one in factors.items() if one != Factors()},
        unknown=sorted(factors.keys() - {stage.name for stage in stages}),
        future=replayed,
        compared=[
            ("Flow time, median", *_both(replayed.now.flow_time.p50, replayed.then.flow_time.p50)),
            ("Flow time, 9 of 10 within", *_both(replayed.now.flow_time.p90, replayed.then.flow_time.p90)),
            ("Flow time, mean", *_both(replayed.now.flow_time.mean, replayed.then.flow_time.mean)),
        ],
        wait=query.wait,
        process=query.process,
    )


def _both(now: float | None, then: float | None) -> tuple[str, str, str]:
    if now is None or then is None:
        return human.UNKNOWN, human.UNKNOWN, human.UNKNOWN
    saved = now - then
    less = f"{human.duration(abs(saved))} {'less' if saved > 0 else 'more'}" if saved else "the same"
    return human.duration(now), human.duration(then), less


def _number(text: str) -> int | str:
    """A whole number, or what is no such: the query says what is allowed."""
    return int(text) if text.isdecimal() and len(text) < 9 else text
