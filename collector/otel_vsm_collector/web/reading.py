"""How a request reaches the facts, and how it waits for those that were acknowledged before it."""

import math
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request, Response

from otel_vsm_collector.facts.reader import DuckDBReader
from otel_vsm_collector.web.questions import Question

_LAG_HEADER = "vsm-lag-seconds"


async def caught_up(request: Request, response: Response) -> str:
    """Waits for the spans acknowledged before the request; says in a header by how many seconds the answer is
    behind them, and gives the same as text: `0` where it is not."""
    # Rounded up: 0 is only said where nothing is missing.
    lag_s = f"{math.ceil(await request.app.state.store.caught_up() * 1000) / 1000:g}"
    request.state.lag_s = lag_s
    response.headers.update(lag_headers(request))
    return lag_s


def lag_headers(request: Request) -> dict[str, str]:
    """What a response that is made by hand, such as a refusal, has to say of that."""
    lag_s = getattr(request.state, "lag_s", None)
    return {} if lag_s is None else {_LAG_HEADER: lag_s}


Lag = Annotated[str, Depends(caught_up)]


def _reader(request: Request, _: Lag) -> Iterator[DuckDBReader]:
    with request.app.state.store.cursor() as connection:
        question: Question = request.state.question
        with question.asked(connection):
            # All queries of an answer see the same facts.
            connection.begin()
            yield DuckDBReader(connection, request.app.state.facts(), question.go_on)


Reader = Annotated[DuckDBReader, Depends(_reader)]
"""The facts for the time of one request; all its questions run in a thread of their own."""
