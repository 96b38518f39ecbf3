"""How a request reaches the facts."""

from collections.abc import Iterator
from typing import Annotated

import ibis
from fastapi import Depends, Request
from ibis.backends.duckdb import Backend

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.facts.by_profile import Book, Computed

LAG_STATE = "vsm_lag_s"
"""Where a request's state says by how many seconds its answer is behind, as text; `0` if it is not."""


def _backend(request: Request) -> Iterator[Backend]:
    with request.app.state.store.cursor() as connection:
        backend = ibis.duckdb.from_connection(connection)
        # All queries of an answer see the same facts.
        connection.begin()
        yield backend


class OpenBook:
    """What is known by the definitions of each profile, as one connection sees it."""

    def __init__(self, book: Book, backend: Backend) -> None:
        self.declared = book.declared
        self._book, self._backend = book, backend
        self._computed: set[Computed] = set()

    def facts(self, profile: str | None = None) -> Computed:
        """By the profile of this name, or the default one. Raises KeyError where there is none."""
        return self._opened(self._book.facts(profile))

    def facts_by(self, profile: Profile) -> Computed:
        """By the profile."""
        return self._opened(self._book.facts_by(profile))

    def _opened(self, facts: Computed) -> Computed:
        if facts not in self._computed:
            facts.compute(self._backend.con)
            self._computed.add(facts)
        return facts


Facts = Annotated[Backend, Depends(_backend)]
"""A connection to the facts for the time of one request; all its queries run in a thread of their own."""


def _book(request: Request, backend: Facts) -> OpenBook:
    return OpenBook(request.app.state.book(), backend)


Declarations = Annotated[OpenBook, Depends(_book)]
"""By whose definitions facts can be asked for."""
