"""What every page has: the question in its address, the way to the other pages, and filters with the names
that there are to choose from."""

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.sections import PRODUCTION
from otel_vsm_collector.facts import zones
from otel_vsm_collector.facts.selection import Selection
from otel_vsm_collector.web.api.models import Change, Refusal
from otel_vsm_collector.web.api.names import Names, names
from otel_vsm_collector.web.api.parameters import Filters
from otel_vsm_collector.web.api.problems import BadParameter, once, refusals
from otel_vsm_collector.web.pages import rendering
from otel_vsm_collector.web.reading import Lag, Reader, lag_headers

PAGES = {
    ".": "Overview",
    "map": "Map",
    "future": "Future state",
    "changes": "Changes",
    "deployments": "Deployments",
    "incidents": "Incidents",
    "stages": "Stages",
    "flow": "Flow",
    "approvals": "Approvals",
    "streams": "Value streams",
    "profiles": "Profiles",
    "measurement": "Measurement",
}
"""By their addresses, which are relative: the collector may be served under any path."""
LENGTHS = {"7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days", "365d": "Last 365 days"}
MONTHS = 12
HTML = "text/html; charset=utf-8"
_FIRST = ("service", "team", "environment", "repository")
_FURTHER = ("value_stream", "profile", "severity")
_PARAMETERS = {field.alias or name for name, field in Filters.model_fields.items()}

Query = TypeVar("Query", bound=Filters)
Other = TypeVar("Other", bound=Filters)


class Choice(NamedTuple):
    """A filter and what can be chosen for it: value → what is written for it."""

    name: str
    label: str
    chosen: str
    options: Mapping[str, str]


class Refused(Exception):
    """A question that cannot be answered, and why."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = refusals


@dataclass(frozen=True)
class View(Generic[Query]):
    """One page that was asked for."""

    request: Request
    reader: Reader
    lag_s: str
    query: Query
    selection: Selection

    @cached_property
    def frozen(self) -> Query:
        """The query with the window's ends in it: all that is asked of the API is of one window."""
        ends = {"from_": self.selection.from_ns, "to": self.selection.to_ns, "window": None}
        return self.query.model_copy(update=ends)

    def ask(self, kind: type[Other], **parameters: Any) -> Other:
        """A query of another kind, with the same filters, for a function of the API."""
        filters = {name: getattr(self.frozen, name) for name in Filters.model_fields}
        return kind.model_construct(**filters, **parameters)

    @cached_property
    def filters(self) -> dict[str, str]:
        """The filters as they stand in the address."""
        query = self.request.query_params.items()
        return {name: value for name, value in query if name in _PARAMETERS and value}

    def link(self, target: str, without: tuple[str, ...] = (), **parameters: str | None) -> str:
        """The address of another page or of the API, with the same filters and these parameters."""
        filters = {name: value for name, value in self.filters.items() if name not in without}
        query = {name: value for name, value in (filters | parameters).items() if value is not None}
        return target + ("?" + urlencode(query) if query else "")

    def again(self, **parameters: str | None) -> str:
        """The address of this page, with other parameters."""
        here = {name: value for name, value in self.request.query_params.items() if value}
        query = {name: value for name, value in (here | parameters).items() if value is not None}
        return self.target + ("?" + urlencode(query) if query else "")

    def delivered(self, change: Change) -> int | None:
        """When a change first came to the environment that is asked for, or to one of that class."""
        wanted, declared = self.query.environment, self.reader.facts.declared
        return min(
            (
                arrived_at
                for name, arrived_at in change.deployed.items()
                if wanted == name or wanted in declared.environment_classes(name)
            ),
            default=None,
        )

    @property
    def target(self) -> str:
        """The address of this page, without its parameters."""
        return str(self.request.scope["path"]).rpartition("/")[2] or "."

    def page(self, template: str, **shown: Any) -> Response:
        context = self.query.context(self.reader, self.selection)
        html = rendering.page(
            template,
            view=self,
            pages=PAGES,
            selection=self.selection,
            window=self._window,
            only=self._only,
            lag_s=self.lag_s,
            choices=self._choices,
            dates=self._dates,
            further=any(name in self.filters for name in (*_FURTHER, "from", "to", "time_zone")),
            time_zone=self.filters.get("time_zone", ""),
            time_zones=_time_zones(),
            besides={
                name: value
                for name, value in self.request.query_params.items()
                if name not in _PARAMETERS and name != "cursor"
            },
            time=partial(rendering.time, zone=self.selection.time_zone),
            day=partial(rendering.day, zone=self.selection.time_zone),
            **context,
            **shown,
        )
        return Response(html, media_type=HTML, headers=lag_headers(self.request))

    @property
    def _window(self) -> str:
        """The window as it was asked for; empty where its ends were."""
        window = self.query.window
        if window is None:
            return "" if self.query.from_ or self.query.to else self.reader.facts.declared.window
        return window if isinstance(window, Length) else f"{window:%Y-%m}"

    @property
    def _only(self) -> list[tuple[str, str]]:
        names = ("service", "repository", "team", "value_stream", "severity")
        return [(name.replace("_", " "), value) for name in names if (value := getattr(self.selection, name))]

    @property
    def _dates(self) -> dict[str, str]:
        """From and to as they were asked for."""
        return {name: self.filters.get(name, "") for name in ("from", "to")}

    @property
    def _choices(self) -> tuple[list[Choice], list[Choice]]:
        """Those that are always in sight, and the others."""
        known = names(self.reader)
        first = [self._windows, *(self._choice(name, known) for name in _FIRST)]
        return first, [self._choice(name, known) for name in _FURTHER]

    def _choice(self, name: str, known: Names) -> Choice:
        nothing = {"environment": PRODUCTION, "profile": self.reader.facts.declared.profile}.get(name)
        chosen = self.filters.get(name, "")
        chosen = "" if chosen == nothing else chosen
        options = {"": f"{nothing} (default)" if nothing else "all"}
        # What is asked for stays so, also where nothing is known of it.
        offered = [one for one in dict.fromkeys((*getattr(known, name), chosen)) if one and one != nothing]
        return Choice(name, name.replace("_", " "), chosen, options | {one: one for one in offered})

    @property
    def _windows(self) -> Choice:
        """Lengths of windows, and the latest months."""
        options = {} if self._window else {"": "as dated below"}
        options |= LENGTHS
        zone, now = self.selection.time_zone, time.time_ns()
        begin = zones.edges("month", zone, now, now + 1, 0)[0]
        for _ in range(MONTHS):
            month = datetime.fromtimestamp(begin // 10**9, ZoneInfo(zone))
            options[f"{month:%Y-%m}"] = f"{month:%B %Y}"
            begin = zones.before(begin, "month", zone)
        if self._window not in options:
            options[self._window] = self._window
        return Choice("window", "window", self._window, options)


class PageRoute(APIRoute):
    """A route whose refusals are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except BadParameter as error:
                return _refused(request, 400, [error.refusal])
            except Refused as error:
                return _refused(request, 400, error.refusals)
            except HTTPException as error:
                refusal = Refusal(parameter="id", message=str(error.detail))
                return _refused(request, error.status_code, [refusal])

        return handled


def view_of(kind: type[Query]) -> Any:
    """What a route of a page depends on: the `View` of a query of this kind."""

    def view(request: Request, reader: Reader, lag_s: Lag) -> View[Query]:
        once(request)
        try:
            query = kind.model_validate(dict(request.query_params))
        except ValidationError as error:
            known = [field.alias or name for name, field in kind.model_fields.items()]
            raise Refused(refusals(error.errors(), known)) from None
        return View(request, reader, lag_s, query, query.selection(reader))

    return Depends(view)


@cache
def _time_zones() -> list[str]:
    """All that there are: finding out takes as long as a question."""
    return sorted(available_timezones())


def _refused(request: Request, status: int, refusals: list[Refusal]) -> Response:
    html = rendering.page("refused.html", refused=refusals, pages=PAGES)
    return Response(html, status, media_type=HTML, headers=lag_headers(request))
