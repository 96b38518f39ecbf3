"""Asking a running collector: what its API answers, or a sentence that says what to do."""

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

import click

from otel_vsm.text import without_secrets

Json = dict[str, Any]

TOKEN = "OTEL_VSM_READ_TOKEN"
"""The variable that holds the token to ask with."""
DEFAULT_URL = "http://127.0.0.1:8750"
MAX_BODY_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
TIMEOUT_S = 30.0
"""The collector itself may wait five seconds for spans that it has just been sent."""


class Collector:
    """The API of the collector at `url`; what goes wrong is a ClickException with a sentence."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError(f"--url {url!r} is no address; write it as {DEFAULT_URL}")
        self.url = url
        self.shown_url = without_secrets(url)
        self.lag = "0"
        """By how many seconds the latest answer that lagged did, as text."""

    def ask(self, what: str, query: Mapping[str, str], expects: str) -> Json:
        """What is answered at /api/v1/`what`, which has to have the member `expects`."""
        body = self._get(f"api/v1/{what}", query)
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if not isinstance(content, dict) or expects not in content:
            raise self._stranger("something else")
        return content

    def read(self, what: str, query: Mapping[str, str]) -> str:
        """The SVG that is at /`what`."""
        text = self._get(what, query).decode(errors="replace")
        if not text.startswith("<svg "):
            raise self._stranger("something else")
        return text

    def _get(self, what: str, query: Mapping[str, str]) -> bytes:
        address = f"{self.url.rstrip('/')}/{what}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address)
        if token := os.environ.get(TOKEN, "").strip():
            # Not to where it may be sent on to.
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with _opener(address).open(request, timeout=TIMEOUT_S) as response:
                body, lag = _read(response), response.headers.get("vsm-lag-seconds", "0")
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except ValueError:
            raise click.ClickException(f"{TOKEN} is no token: it has to be one line of ASCII") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise click.ClickException(
                f"no collector answers at {self.shown_url} ({reason}); start one with"
                " `otel-vsm collector`, or say with --url where it is"
            ) from None
        self.lag = lag if lag != "0" else self.lag
        return bytes(body)

    def _refused(self, error: urllib.error.HTTPError) -> click.ClickException:
        try:
            detail = json.loads(_read(error))["detail"]
        except (OSError, ValueError, KeyError, TypeError):
            return self._stranger(f"{error.code} {error.reason}")
        if error.code in (401, 403):
            return click.ClickException(f"{detail} ({TOKEN} holds the token to read with)")
        return click.UsageError(str(detail)) if error.code == 422 else click.ClickException(str(detail))

    def _stranger(self, answered: str) -> click.ClickException:
        return click.ClickException(
            f"{self.shown_url} answered {answered}, which is not how a collector answers; say with --url"
            " where its web side is (port 8750 if nothing else was chosen)"
        )


def _read(response: IO[bytes]) -> bytes:
    """The body; OSError where it is more than a collector answers, or does not come to an end."""
    deadline = time.monotonic() + TIMEOUT_S
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise OSError(f"its answer has more than {MAX_BODY_BYTES >> 20} MiB")
        if time.monotonic() > deadline:
            raise TimeoutError(f"its answer did not end within {TIMEOUT_S:g} s")
    return bytes(body)


def _opener(address: str) -> urllib.request.OpenerDirector:
    """Without the environment's proxy where the collector is on this machine, which no proxy can reach."""
    host = urllib.parse.urlsplit(address).hostname or ""
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_local else []))
