"""The web application: what is served where, and in front of it what holds for every answer."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from duckdb import DuckDBPyConnection
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from opentelemetry.sdk.metrics.export import MetricsData
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vsm import __version__
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.keep.store import Health
from otel_vsm_collector.keep.telemetry import Telemetry
from otel_vsm_collector.web.api import (
    advice,
    by_name,
    csv_tables,
    distribution,
    explain,
    future,
    health,
    lists,
    measurement,
    metrics,
    names,
    problems,
    stream_map,
    telemetry,
    timeline,
)
from otel_vsm_collector.web.api import figures as api
from otel_vsm_collector.web.pages import (
    figure,
    flow_pages,
    future_page,
    listing,
    map_file,
    measured,
    overview,
    rendering,
)
from otel_vsm_collector.web.questions import Bounded

_API = (
    *(api, by_name, stream_map, advice, future, distribution, explain, measurement),
    *(csv_tables, lists, timeline, names, telemetry, health, metrics),
)
_PAGES = (overview, figure, listing, flow_pages, future_page, map_file, measured, rendering)


class Store(Protocol):
    """Where the facts are."""

    def cursor(self) -> AbstractContextManager[DuckDBPyConnection]:
        """A connection to read with."""

    @property
    def health(self) -> Health:
        """What the collector counts of what it receives."""

    @property
    def telemetry(self) -> Telemetry:
        """What it counts by who sent it."""

    async def caught_up(self, timeout_s: float = 5.0) -> float:
        """Waits until the facts cover every span acknowledged before; answers how many seconds they are
        behind, 0 where they are not."""


def create_app(
    *,
    store: Store,
    facts: Callable[[], FactTables],
    collect: Callable[[], MetricsData],
    unready: Callable[[], Sequence[str]],
) -> FastAPI:
    """The application over a store.

    `facts` gives the tables by the definitions that hold now. `collect` gives every metric as it is now;
    `unready` gives the reasons why the collector cannot work yet, none when it can. Both are called in a
    thread where waiting is allowed.
    """
    app = FastAPI(
        title="otel-vsm",
        version=__version__,
        summary="Figures of software delivery, from the telemetry of its pipelines.",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
    )
    app.state.store, app.state.facts, app.state.collect, app.state.unready = store, facts, collect, unready
    for module in (*_API, *_PAGES):
        app.include_router(module.router)
    app.add_exception_handler(problems.BadParameter, problems.on_bad_parameter)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_middleware(Bounded)
    app.add_middleware(_SafeHeaders)
    return app


class _SafeHeaders:
    """What a browser may do with answers: show them in our own style, run nothing, be framed by nobody."""

    POLICY = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    )
    HEADERS = (
        (b"content-security-policy", POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)
