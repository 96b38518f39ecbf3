"""OTLP/gRPC: hands the bytes of a request on and answers in gRPC's codes.

Requests stay bytes here: where grpcio parses them itself, it answers a malformed one with INTERNAL,
which tells the sender nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_vsm_collector.access.guard import SENDER
from otel_vsm_collector.access.tokens import DeniedError, Token, UnknownError
from otel_vsm_collector.receive.limits import CHECKED_BYTES, MAX_REQUEST_BYTES, TooLargeError, check_fields
from otel_vsm_collector.receive.response import RETRY_AFTER_S
from otel_vsm_collector.receive.signals import Export, Signal, traces
from otel_vsm_collector.spans.accept import Outcome, Verdict

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
METHOD = "Export"

_OPTIONS = (
    # Otherwise a second server on the same port starts, and silently takes half of the requests.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    # Who connects has to speak HTTP/2 soon, and to be there: connections that nobody uses end.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 15 * 60_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A call that never ends ends with its connection; others are sent on by a new one, unseen.
    ("grpc.max_connection_age_ms", 10 * 60_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.max_metadata_size", 16 << 10),
)

Admit = Callable[[str | None], Token | None]
_Context = grpc.aio.ServicerContext[bytes, bytes]


def make_server(admit: Admit = lambda authorization: None) -> grpc.aio.Server:
    """A server that neither is bound to an address nor answers anything yet; call it in the event loop.

    `admit` takes the authorization of a call and gives the sender's token, or raises DeniedError.
    """
    return grpc.aio.server(interceptors=[_Admission(admit)], options=_OPTIONS)


class _Admission(grpc.aio.ServerInterceptor):
    """Refuses strangers before their message is read, and unpacked."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        metadata = dict(handler_call_details.invocation_metadata)
        try:
            SENDER.set(self._admit(metadata.get("authorization")))
        except DeniedError as error:
            is_stranger = isinstance(error, UnknownError)
            code = grpc.StatusCode.UNAUTHENTICATED if is_stranger else grpc.StatusCode.PERMISSION_DENIED
            return _denial(code, str(error))
        return await continuation(handler_call_details)


def _denial(code: grpc.StatusCode, message: str) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def deny(requests: object, context: _Context) -> None:
        await context.abort(code, message)

    # One that takes a stream does not wait for a message.
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(deny)
    return handler


def add_trace_service(server: grpc.aio.Server, export: Export) -> None:
    """`export` takes an OTLP trace request in protobuf and gives the verdict on it."""
    add_service(server, traces(export))


def add_service(server: grpc.aio.Server, signal: Signal) -> None:
    """Takes a signal of OTLP."""

    checking = asyncio.Semaphore(1)

    async def answer(request: bytes, context: _Context) -> bytes:
        if len(request) > CHECKED_BYTES:
            async with checking:
                try:
                    await asyncio.to_thread(check_fields, request, signal.request)
                except TooLargeError as error:
                    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        verdict = await signal.export(request)
        if verdict.outcome is Outcome.MALFORMED:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, verdict.message)
        if verdict.outcome is Outcome.BUSY:
            details = (("grpc-status-details-bin", _retry(verdict)),)
            await context.abort(grpc.StatusCode.UNAVAILABLE, verdict.message, details)
        return signal.response(verdict).SerializeToString()

    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(signal.service, {METHOD: method}),))


def _retry(verdict: Verdict) -> bytes:
    info = AnyMessage()
    info.Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S)))
    code: int = grpc.StatusCode.UNAVAILABLE.value[0]
    status: bytes = Status(code=code, message=verdict.message, details=[info]).SerializeToString()
    return status
