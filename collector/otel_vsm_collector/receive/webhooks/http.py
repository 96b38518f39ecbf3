"""Webhooks and CDEvents by HTTP: who may send them, what is made of them, and what the sender is told.

What is made of a request is accepted as OTLP is, and durable before it is answered.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from otel_vsm.export.encode import EncodingError, request_of
from otel_vsm.export.parcel import Parcel
from otel_vsm.text import quoted
from otel_vsm_collector.receive.body import INLINE_BYTES, media_type_of, read_body
from otel_vsm_collector.receive.limits import Arriving, BusyError, CorruptError, TooLargeError, gunzip
from otel_vsm_collector.receive.otlp_json import NotOtlpError, read_json
from otel_vsm_collector.receive.response import RETRY_AFTER_S
from otel_vsm_collector.receive.webhooks import (
    alertmanager,
    cdevents,
    github,
    gitlab,
    grafana,
    opsgenie,
    pagerduty,
)
from otel_vsm_collector.receive.webhooks.declared import Webhook, Webhooks
from otel_vsm_collector.receive.webhooks.notification import Translate, Translation
from otel_vsm_collector.receive.webhooks.signatures import Check, either, secret_in, signed_in, standard
from otel_vsm_collector.spans.accept import Outcome, Verdict

EVENTS = "/events"
WEBHOOKS = "/webhooks/"
ARRIVING_BYTES = 64 << 20
"""Of all that is being received. That is before anybody's signature is known, so it is not OTLP's room."""
_READ_AT_ONCE = 2
_BEARER = secret_in("authorization", "bearer")


class _Source(NamedTuple):
    check: Check
    credential: str
    """Where the sender puts what `check` looks at, in words for who sets it up."""
    translate: Translate


SOURCES: Mapping[str, _Source] = {
    "github": _Source(signed_in("x-hub-signature-256", "sha256="), "the webhook's secret", github.translate),
    "gitlab": _Source(
        either(secret_in("x-gitlab-token"), standard), "the secret or signing token", gitlab.translate
    ),
    "pagerduty": _Source(
        signed_in("x-pagerduty-signature", "v1="), "the secret of the subscription", pagerduty.translate
    ),
    "opsgenie": _Source(_BEARER, "the header Authorization: Bearer SECRET", opsgenie.translate),
    "grafana": _Source(
        either(signed_in("x-grafana-alerting-signature"), _BEARER),
        "the HMAC secret, or the header Authorization: Bearer SECRET",
        grafana.translate,
    ),
    "alertmanager": _Source(_BEARER, "authorization.credentials of its http_config", alertmanager.translate),
}


def is_signed(path: str) -> bool:
    """Whether requests to this path are known by their secret, and need no token."""
    return path.startswith(WEBHOOKS)


class _Answer(NamedTuple):
    status: int
    message: str = ""
    spans: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.answer = _Answer(status, message, headers=headers)


class WebhookReceiver:
    """`export` takes an OTLP trace request in protobuf and gives the verdict on it."""

    def __init__(self, export: Callable[[bytes], Awaitable[Verdict]], webhooks: Webhooks) -> None:
        self._export, self._webhooks = export, webhooks
        self._arriving = Arriving(ARRIVING_BYTES)
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except _RefusedError as refused:
            answer = refused.answer
        except TooLargeError as error:
            answer = _Answer(413, str(error))
        except BusyError:
            answer = _busy("more is being received than there is room for; send it again later")
        except asyncio.CancelledError:
            answer = _busy("the collector is shutting down; send it again later")
        if answer is not None:
            await _send(answer, send)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer | None:
        """None where the sender has gone away."""
        path, raw = scope["path"], dict(scope["headers"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw.items()}
        source = self._source(path) if path != EVENTS else None
        if scope["method"] != "POST":
            raise _RefusedError(405, f"send to {path} by POST", (b"allow", b"POST"))
        media_type = media_type_of(raw)
        allowed = cdevents.MEDIA_TYPES if source is None else ("application/json",)
        if media_type not in allowed:
            raise _RefusedError(
                415, f"the Content-Type {quoted(media_type)} is not known; send {' or '.join(allowed)}"
            )
        with self._arriving.one() as take:
            body = await read_body(raw, receive, take)
            if body is None:
                return None
            if source is not None and not source[0].check(headers, body, source[1].secret):
                raise _RefusedError(
                    401,
                    f"the signature or secret is missing or wrong; {source[0].credential} has to be"
                    " the secret that the file of --webhooks has",
                )
            if len(body) > INLINE_BYTES:
                async with self._reading:
                    translated = await asyncio.to_thread(_translated, source, media_type, headers, body)
            else:
                translated = _translated(source, media_type, headers, body)
        return await self._of(translated)

    def _source(self, path: str) -> tuple[_Source, Webhook]:
        name = path.removeprefix(WEBHOOKS)
        source, webhook = SOURCES.get(name), self._webhooks.get(name)
        if source is None:
            raise _RefusedError(404, f"there are only {', '.join(WEBHOOKS + one for one in SOURCES)}")
        if webhook is None:
            raise _RefusedError(
                404,
                f"the webhook {name} is not switched on: give it a secret in the file that the option"
                " --webhooks names, and the same to the sender",
            )
        return source, webhook

    async def _of(self, translated: Translation) -> _Answer:
        if not translated.records:
            return _Answer(200, translated.missing, spans=0)
        try:
            request = request_of([Parcel(resource={}, records=translated.records)]).SerializeToString()
        except EncodingError as error:
            raise _RefusedError(400, f"the body cannot be understood: {error}") from None
        verdict = await self._export(request)
        match verdict.outcome:
            case Outcome.ACCEPTED:
                spans = len(translated.records) - verdict.rejected
                return _Answer(200, verdict.message or translated.missing, spans=spans)
            case Outcome.MALFORMED:
                return _Answer(400, verdict.message)
            case Outcome.BUSY:
                return _busy(verdict.message)


def _translated(
    source: tuple[_Source, Webhook] | None, media_type: str, headers: Mapping[str, str], body: bytes
) -> Translation:
    data: Any
    try:
        packing = headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip"):
            raise _RefusedError(
                415, f"the Content-Encoding {quoted(packing)} is not known; send gzip or none"
            )
        data = read_json(gunzip(body) if packing == "gzip" else body)
        if source is None:
            every = [cdevents.translate(event) for event in cdevents.events(media_type, headers, data)]
            records = tuple(record for one in every for record in one.records)
            return Translation(records, "; ".join(dict.fromkeys(one.missing for one in every if one.missing)))
    except (CorruptError, NotOtlpError, cdevents.NoEventError) as error:
        raise _RefusedError(400, str(error)) from None
    if not isinstance(data, dict):
        raise _RefusedError(400, "the body has to be an object")
    return source[0].translate(headers, data, source[1])


def _busy(message: str) -> _Answer:
    return _Answer(503, message, headers=((b"retry-after", str(RETRY_AFTER_S).encode()),))


async def _send(answer: _Answer, send: Send) -> None:
    parts = {"spans": answer.spans, "message": answer.message or None}
    body = json.dumps({name: value for name, value in parts.items() if value is not None}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
