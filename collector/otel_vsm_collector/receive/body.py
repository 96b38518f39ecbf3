"""The body of a request of HTTP: read as it was sent, within its limits."""

from collections.abc import Callable

from starlette.types import Receive

from otel_vsm_collector.receive.limits import MAX_REQUEST_BYTES, TooLargeError

INLINE_BYTES = 16 << 10
"""Above that, unpacking and reading JSON take long enough for other senders to notice."""


async def read_body(
    headers: dict[bytes, bytes], receive: Receive, take: Callable[[int], None]
) -> bytes | None:
    """The whole body as it was sent, whose size `take` is told; None where the sender has gone away before
    its end. TooLargeError where it is larger than a request may be."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_REQUEST_BYTES:
        raise TooLargeError
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        chunk = event.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REQUEST_BYTES:
            raise TooLargeError
        take(len(chunk))
        more = event.get("more_body", False)
    return b"".join(chunks) if len(chunks) > 1 else chunks[0]


def media_type_of(headers: dict[bytes, bytes]) -> str:
    """Without parameters such as the charset, in lower case; empty where there is none."""
    return headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
