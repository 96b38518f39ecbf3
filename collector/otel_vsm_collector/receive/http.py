"""OTLP/HTTP as an ASGI application: protobuf or JSON, plain or packed with gzip, in and out.

Errors are a `google.rpc.Status` in the encoding of the request; in JSON where that is none of the two.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_vsm.text import quoted
from otel_vsm_collector.access.guard import Refused
from otel_vsm_collector.receive.body import INLINE_BYTES, media_type_of, read_body
from otel_vsm_collector.receive.limits import (
    CHECKED_BYTES,
    Arriving,
    BusyError,
    CorruptError,
    TooLargeError,
    check_fields,
    gunzip,
)
from otel_vsm_collector.receive.otlp_json import NotOtlpError, request_from_json
from otel_vsm_collector.receive.response import RETRY_AFTER_S
from otel_vsm_collector.receive.signals import Signal, traces
from otel_vsm_collector.spans.accept import Outcome, Verdict

PATH = "/v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_READ_AT_ONCE = 2
"""Of the others so many are read at a time: each takes a multiple of its bytes."""

Headers = tuple[tuple[bytes, bytes], ...]


class _Refusal(Exception):
    def __init__(self, status: int, code: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


class _Answer(NamedTuple):
    status: int
    message: Message
    headers: Headers = ()


class HttpReceiver:
    """`export` takes an OTLP trace request in protobuf and gives the verdict on it; `others` are the
    signals beside traces."""

    def __init__(self, export: Callable[[bytes], Awaitable[Verdict]], *others: Signal) -> None:
        self._signals = {signal.path: signal for signal in (traces(export), *others)}
        self._arriving = Arriving()
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"OTLP needs HTTP, and this is {scope['type']}")
        headers = dict(scope["headers"])
        media_type = media_type_of(headers)
        try:
            answer = await self._answer(scope, headers, media_type, receive)
        except _Refusal as refusal:
            answer = _refused(refusal)
        except BusyError:
            answer = _refused(_busy("more is being received than there is room for; send it again later"))
        except asyncio.CancelledError:
            # The server stops, and the body is not there yet: it may be sent again to the next one.
            answer = _refused(_busy("the collector is shutting down; send it again later"))
        if answer is not None:
            await _send(answer, media_type, send)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], media_type: str, receive: Receive
    ) -> _Answer | None:
        """None where the sender has gone away."""
        signal = self._signals.get(scope["path"])
        if signal is None:
            raise _Refusal(404, code_pb2.UNIMPLEMENTED, f"there is only {', '.join(self._signals)} here")
        if scope["method"] != "POST":
            raise _Refusal(
                405, code_pb2.UNIMPLEMENTED, f"send to {signal.path} by POST", ((b"allow", b"POST"),)
            )
        if media_type not in (PROTOBUF, JSON):
            raise _Refusal(
                415,
                code_pb2.INVALID_ARGUMENT,
                f"the Content-Type {quoted(media_type)} is not known; send {PROTOBUF} or {JSON}",
            )
        packing = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
        if packing not in ("identity", "gzip", ""):
            raise _Refusal(
                415,
                code_pb2.INVALID_ARGUMENT,
                f"the Content-Encoding {quoted(packing)} is not known; send gzip or none",
            )
        with self._arriving.one() as take:
            try:
                body = await read_body(headers, receive, take)
            except TooLargeError as error:
                raise _too_large(error) from None
            if body is None:
                return None
            packed = packing == "gzip"
            if ((packed or media_type == JSON) and len(body) > INLINE_BYTES) or len(body) > CHECKED_BYTES:
                async with self._reading:
                    request = await asyncio.to_thread(_request, signal, body, media_type, packed)
            else:
                request = _request(signal, body, media_type, packed)
        return _of_verdict(signal, await signal.export(request))


async def _send(answer: _Answer, media_type: str, send: Send) -> None:
    """In the encoding of the request."""
    encoding = PROTOBUF if media_type == PROTOBUF else JSON
    body = (
        answer.message.SerializeToString()
        if encoding == PROTOBUF
        else MessageToJson(answer.message, indent=None).encode()
    )
    start_headers = [
        (b"content-type", encoding.encode()),
        (b"content-length", str(len(body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": start_headers})
    await send({"type": "http.response.body", "body": body})


def refused(refused: Refused) -> ASGIApp:
    """The answer to who may not come in."""
    codes = {401: code_pb2.UNAUTHENTICATED, 403: code_pb2.PERMISSION_DENIED}
    refusal = _Refusal(refused.status, codes[refused.status], refused.message, refused.headers)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await _send(_refused(refusal), media_type_of(dict(scope["headers"])), send)

    return answer


def _refused(refusal: _Refusal) -> _Answer:
    status = Status(code=refusal.code, message=refusal.message)
    if refusal.status == 400:
        violation = BadRequest.FieldViolation(field="body", description=refusal.message)
        detail = AnyMessage()
        detail.Pack(BadRequest(field_violations=[violation]))
        status.details.append(detail)
    return _Answer(refusal.status, status, refusal.headers)


def _busy(message: str) -> _Refusal:
    return _Refusal(503, code_pb2.UNAVAILABLE, message, ((b"retry-after", str(RETRY_AFTER_S).encode()),))


def _of_verdict(signal: Signal, verdict: Verdict) -> _Answer:
    match verdict.outcome:
        case Outcome.ACCEPTED:
            return _Answer(200, signal.response(verdict))
        case Outcome.MALFORMED:
            raise _Refusal(400, code_pb2.INVALID_ARGUMENT, verdict.message)
        case Outcome.BUSY:
            raise _busy(verdict.message)


def _request(signal: Signal, body: bytes, media_type: str, packed: bool) -> bytes:
    """The request in protobuf."""
    try:
        if packed:
            body = gunzip(body)
        if media_type == JSON:
            return request_from_json(body, signal.request)
        check_fields(body, signal.request)
        return body
    except TooLargeError as error:
        raise _too_large(error) from None
    except (CorruptError, NotOtlpError) as error:
        raise _Refusal(400, code_pb2.INVALID_ARGUMENT, str(error)) from None


def _too_large(error: TooLargeError) -> _Refusal:
    return _Refusal(413, code_pb2.RESOURCE_EXHAUSTED, str(error))
