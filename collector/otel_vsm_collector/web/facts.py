"""How a request reaches the facts."""

from collections.abc import Iterator
from typing import Annotated

import ibis
from fastapi import Depends, Request
from ibis.backends.duckdb import Backend

LAG_STATE = "vsm_lag_s"
"""Where a request's state says by how many seconds its answer is behind, as text; `0` if it is not."""


def _backend(request: Request) -> Iterator[Backend]:
    with request.app.state.store.cursor() as connection:
        backend = ibis.duckdb.from_connection(connection)
        # All queries of an answer see the same facts.
        connection.begin()
        yield backend


Facts = Annotated[Backend, Depends(_backend)]
"""A connection to the facts for the time of one request; all its queries run in a thread of their own."""
