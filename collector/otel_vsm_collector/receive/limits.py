"""How much one request may hold, and how much all of them together; unpacking that stays below it.

What is built of a request takes a multiple of its bytes, and bytes pack well: of 60 KB may become 30 million
spans. So their number is known before anything is built of them.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MAX_REQUEST_BYTES = 64 << 20
"""Of a request, packed and unpacked; what OTLP allows an exporter to send at most."""
MAX_FIELDS = 2_000_000
"""Of all messages in a request together, an attribute with its value being four: 35,000 usual spans."""
CHECKED_BYTES = 2 * MAX_FIELDS
"""A field takes two bytes at least, so that smaller requests need not be checked for their number."""
ARRIVING_BYTES = 256 << 20
"""Of all requests that are still being received or unpacked."""

# Of fields that may be there many times, or make something new each time; also in their longer spelling.
_TAGS = (0x0A, 0x12, 0x1A, 0x22, 0x2A, 0x32, 0x4A, 0x5A, 0x6A)
_REPEATED_TAGS = bytes((*_TAGS, *(tag | 0x80 for tag in _TAGS)))
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5


class TooLargeError(ValueError):
    """The request holds more bytes or fields than one may."""

    def __init__(self, what: str = f"{MAX_REQUEST_BYTES} bytes") -> None:
        super().__init__(f"a request may hold {what}; send fewer spans at a time")


class BusyError(Exception):
    """There is more to receive at once than there is room for; it may be sent again later."""


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


def check_fields(request: bytes, of: type[Message] = ExportTraceServiceRequest) -> None:
    """TooLargeError if an OTLP request of this type in protobuf has more than MAX_FIELDS.

    One that is malformed passes: who decodes it says so.
    """
    if len(request) <= CHECKED_BYTES:
        return
    if len(request) - len(request.translate(None, _REPEATED_TAGS)) <= MAX_FIELDS:
        return  # to count is much slower than to see that there cannot be that many
    left = MAX_FIELDS
    # Where the message ends whose fields are read, and what its fields are; outer ones below it.
    stack: list[tuple[int, dict[int, Descriptor]]] = [(len(request), _messages(of.DESCRIPTOR))]
    position = 0
    try:
        while stack:
            end, messages = stack[-1]
            if position >= end:
                stack.pop()
                continue
            left -= 1
            if left < 0:
                raise TooLargeError(f"{MAX_FIELDS:,} fields")
            tag, position = _varint(request, position)
            kind = tag & 7
            if kind == _DELIMITED:
                length, position = _varint(request, position)
                inner = messages.get(tag >> 3)
                if inner is None:
                    position += length
                else:
                    stack.append((min(end, position + length), _messages(inner)))
            elif kind == _VARINT:
                _, position = _varint(request, position)
            else:
                position += {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
    except IndexError:
        return


@cache
def _messages(descriptor: Descriptor) -> dict[int, Descriptor]:
    return {field.number: field.message_type for field in descriptor.fields if field.message_type}


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    number, shift = byte & 0x7F, 7
    while byte >= 0x80 and shift < 70:
        position += 1
        byte = data[position]
        number |= (byte & 0x7F) << shift
        shift += 7
    return number, position + 1


class Arriving:
    """What all requests take that are being received, unpacked and read; used from one event loop."""

    def __init__(self, most_bytes: int = ARRIVING_BYTES) -> None:
        self._left = most_bytes

    @contextmanager
    def one(self) -> Iterator[Callable[[int], None]]:
        """For the time of one request: call what it gives with the number of bytes that come in addition;
        BusyError where there is no room for them."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise BusyError
            taken += size
            self._left -= size

        try:
            yield take
        finally:
            self._left += taken
