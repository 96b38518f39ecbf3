"""How many questions are answered at a time, for how long, and that nobody's are answered for no one.

Each question takes a core and some memory. Without a bound, a few hundred at once would leave none of them
answered, and nothing for receiving.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vsm_collector.web.api.models import Problem
from otel_vsm_collector.web.late import UNBOUNDED

ANSWERED_AT_ONCE = 4
WAITING = 64
"""So many more wait for their turn."""
WAIT_S = 10.0
"""For their turn; then they are refused."""
ANSWER_S = 30.0
"""How long answering may take."""


class EndedError(Exception):
    """Nobody waits for the answer any more."""


class Question:
    """What one request asks; may be ended from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: DuckDBPyConnection | None = None
        self.ended = False

    @contextmanager
    def asked(self, connection: DuckDBPyConnection) -> Iterator[None]:
        """Asks through this connection until the block ends."""
        self.go_on()
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def go_on(self) -> None:
        """EndedError where it has been ended."""
        if self.ended:
            raise EndedError

    def end(self) -> None:
        """Makes the statement that is running fail, and `go_on`. Call it again: a statement that is about to
        begin is not reached."""
        self.ended = True
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()


class Bounded:
    """In front of what answers; puts a `Question` into the state of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Semaphore(ANSWERED_AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNBOUNDED:
            await self._app(scope, receive, send)
            return
        if self._waiting >= WAITING:
            await _busy("too many questions are waiting; ask again later")(scope, receive, send)
            return
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turn.acquire(), WAIT_S)
        except TimeoutError:
            await _busy(f"others took all of {WAIT_S:g} s; ask again later")(scope, receive, send)
            return
        finally:
            self._waiting -= 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._turn.release()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = scope.setdefault("state", {})["question"] = Question()
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, _without_body, watched))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((answering, leaving), timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            late = not leaving.done()
            while not answering.done():
                question.end()
                await asyncio.wait((answering,), timeout=0.05)
        finally:
            leaving.cancel()
            if not answering.done():
                question.end()
                answering.cancel()
        error = answering.exception()
        if error is not None and not question.ended:
            raise error
        if question.ended and late and not started:
            message = f"the answer takes longer than {ANSWER_S:g} s; ask for a shorter window, or for less"
            await _busy(message)(scope, receive, send)


async def _left(receive: Receive) -> None:
    """Ends when who asked has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _without_body() -> Message:
    # A question has none, and reading one would take what tells that somebody goes away.
    return {"type": "http.request", "body": b"", "more_body": False}


def _busy(message: str) -> JSONResponse:
    return JSONResponse(Problem(detail=message, errors=[]).model_dump(), 503, headers={"retry-after": "1"})
