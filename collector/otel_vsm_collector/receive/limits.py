"""How much one request may hold, and unpacking that stays below it."""

import zlib

MAX_REQUEST_BYTES = 64 << 20
"""Of a request, packed and unpacked; what OTLP allows an exporter to send at most."""


class TooLargeError(ValueError):
    """The request holds more than MAX_REQUEST_BYTES."""

    def __init__(self) -> None:
        super().__init__(f"a request may hold {MAX_REQUEST_BYTES} bytes; send fewer spans at a time")


class CorruptError(ValueError):
    """The body is not what its Content-Encoding says."""


def gunzip(packed: bytes) -> bytes:
    """What one or several gzip members hold; TooLargeError before more than the limit is unpacked."""
    parts: list[bytes] = []
    left = MAX_REQUEST_BYTES
    while packed or not parts:
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(packed, left + 1)
        except zlib.error as error:
            raise CorruptError(f"the body is no gzip data: {error}") from None
        left -= len(part)
        if left < 0:
            raise TooLargeError
        if not member.eof:
            raise CorruptError("the body is gzip data that ends too early")
        parts.append(part)
        packed = member.unused_data
    return b"".join(parts)
