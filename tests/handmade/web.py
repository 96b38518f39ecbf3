"""The web application behind a real server, over facts made by hand."""

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jsonschema
import uvicorn

from handmade.facts import FactStore
from handmade.observing import QUERIES
from otel_vsm_collector.metrics.collect import Metrics
from otel_vsm_collector.web.app import create_app
from scenarios import product

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_utc(text: object) -> bool:
    return not isinstance(text, str) or (text.endswith("Z") and bool(datetime.fromisoformat(text)))


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Web:
    """Asks the server; every answer in JSON is held against the description at /openapi.json."""

    url: str
    facts: FactStore
    metrics: Metrics
    reasons: list[str] = field(default_factory=list)
    _description: Any = None

    def get(self, target: str, **headers: str) -> Answer:
        request = urllib.request.Request(self.url + target, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                found = Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            found = Answer(error.code, error.headers, error.read())
        if found.headers["content-type"] == "application/json" and target != "/openapi.json":
            self._check(target, found)
        return found

    def items(self, target: str) -> list[Any]:
        found = self.get(target)
        assert found.status == 200, found.body
        return list(found.json["items"])

    @property
    def description(self) -> Any:
        if self._description is None:
            self._description = self.get("/openapi.json").json
        return self._description

    def _check(self, target: str, found: Answer) -> None:
        paths = self.description["paths"]
        path = target.partition("?")[0]
        # An id may hold slashes: what begins as a path with a parameter is one.
        known = (
            path
            if path in paths
            else next((one for one in paths if "{" in one and path.startswith(one.partition("{")[0])), None)
        )
        assert known or found.status == 404, f"{path} is not described"
        if known:
            described = paths[known]["get"]["responses"]
            assert str(found.status) in described, f"{path} answers {found.status}, which is not described"
            schema = described[str(found.status)]["content"]["application/json"]["schema"]
            whole = schema | {"components": self.description["components"]}
            jsonschema.Draft202012Validator(whole, format_checker=_formats).validate(found.json)


@contextmanager
def served(facts: FactStore, settings: product.Settings | None = None) -> Iterator[Web]:
    """The application over these facts and settings, while it is served."""
    metrics = Metrics(QUERIES)
    tables = product.facts(settings or {})
    metrics.watch(facts.cursor, lambda: tables)
    found = Web("", facts, metrics)
    app = create_app(
        store=facts, facts=lambda: tables, collect=metrics.collect, unready=lambda: found.reasons
    )
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    found.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield found
    server.should_exit = True
    thread.join()
    listener.close()
    metrics.close()
