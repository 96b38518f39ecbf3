"""The web application, imported when somebody first asks: receiving does without it."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from otel_vsm_collector.access.guard import Refused

UNBOUNDED = ("/healthz", "/readyz")
"""Answered at once, whatever else goes on: they ask the facts nothing."""


class LateApp:
    """`create_app` of these arguments."""

    def __init__(self, **arguments: Any) -> None:
        self._arguments = arguments
        self._importing = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        async with self._importing:
            if self._app is None:
                # In a thread: it takes a second, and spans go on coming.
                self._app = await asyncio.to_thread(self._create)
        await self._app(scope, receive, send)

    def _create(self) -> "ASGIApp":
        from otel_vsm_collector.web.app import create_app

        return create_app(**self._arguments)


def refused(why: "Refused") -> "ASGIApp":
    """The answer to who may not ask."""
    from otel_vsm_collector.web.api import problems

    return problems.refused(why)
