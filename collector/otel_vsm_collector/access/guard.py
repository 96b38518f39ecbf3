"""In front of what is served by HTTP: who may come in, by which name, and not from somebody's web page."""

import ipaddress
import socket
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from otel_vsm_collector.access.tokens import DeniedError, Token, UnknownError

SENDER: ContextVar[Token | None] = ContextVar("sender", default=None)
"""Of the request that is being answered; None where no token is needed."""


class Refused(NamedTuple):
    status: int
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


Answer = Callable[[Refused], ASGIApp]


class Guard:
    """`admit` takes the Authorization header and gives the token, or raises DeniedError; `refused` makes an
    answer in the words of what is behind; `is_open` says which paths everybody may have. `hosts` are names
    that it may be called by; None where it is for senders and not for browsers."""

    def __init__(
        self,
        app: ASGIApp,
        admit: Callable[[str | None], Token | None],
        refused: Answer,
        *,
        hosts: Collection[str] | None = None,
        is_open: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self._app, self._admit, self._refused = app, admit, refused
        own = ("localhost", socket.gethostname())
        self._hosts = None if hosts is None else {host.lower() for host in (*hosts, *own)}
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            if refused := self._refusal(scope["path"], headers):
                app = self._refused(refused)
        await app(scope, receive, send)

    def _refusal(self, path: str, headers: dict[bytes, str]) -> Refused | None:
        if self._hosts is None:
            # Senders are no browsers; a page that a browser shows must not make it one.
            if b"origin" in headers:
                return Refused(403, "requests of web pages are not taken")
        elif not self._is_ours(headers.get(b"host", "")):
            return Refused(421, "this name is not known here; allow it with --allowed-host NAME")
        if self._is_open(path):
            return None
        try:
            SENDER.set(self._admit(headers.get(b"authorization")))
        except UnknownError as error:
            return Refused(401, str(error), ((b"www-authenticate", b"Bearer"),))
        except DeniedError as error:
            return Refused(403, str(error))
        return None

    def _is_ours(self, host: str) -> bool:
        """A name that is ours, or an address: a stranger's page can make its own name lead here, and cannot
        make it look like one of these."""
        assert self._hosts is not None
        name = host.strip().lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        if name.rstrip(".") in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
