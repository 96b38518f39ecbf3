"""OTLP/JSON → protobuf. It is not protobuf's own JSON mapping, so `google.protobuf.json_format` will not do.

That one takes snake_case keys and names of enums, and reads a trace id of 32 digits as base64. Here: ids
are hexadecimal in either case, keys are lowerCamelCase only, enums are integers only, integers of 64 bits
are numbers or text, and what is not known is skipped at any depth.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm_collector.receive.limits import TooLargeError

_MAX_DEPTH = 64
"""Of messages in messages: values may hold values without end, and readers of protobuf stop at a hundred."""
_MAX_VALUES = 1_000_000
"""Of a body, objects and arrays counted as well: what Python makes of them is many times as large."""
_ELSEWHERE = ": webhooks go to /webhooks/github, or as the tool is called, and CDEvents to /events"
_HEX_FIELDS = {"trace_id", "span_id", "parent_span_id"}
_HEX = re.compile(r"([0-9a-fA-F]{2})*")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DOUBLE = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|-?Infinity|NaN")


class NotOtlpError(ValueError):
    """The text is no OTLP/JSON; the message says where and why."""


def request_from_json(text: bytes, of: type[Message] = ExportTraceServiceRequest) -> bytes:
    """A request of this type in protobuf from its OTLP/JSON; TooLargeError where it holds too much."""
    data = read_json(text)
    (key,) = _fields(of.DESCRIPTOR)
    if isinstance(data, dict) and data and key not in data:
        raise NotOtlpError(f"the body has no {key}, so it is no {of.DESCRIPTOR.name}{_ELSEWHERE}")
    request = of()
    _fill(request, data, "the body", 0)
    return request.SerializeToString()


def read_json(text: bytes) -> object:
    """What JSON says; NotOtlpError where it is none, TooLargeError where it holds too much."""
    # Commas and brackets within text count as well; to tell them apart costs more than it is worth.
    if sum(map(text.count, (b",", b"{", b"["))) > _MAX_VALUES:
        raise TooLargeError(f"{_MAX_VALUES:,} values in JSON")
    try:
        return json.loads(text)
    except RecursionError:
        raise NotOtlpError("the body is JSON that is nested too deeply") from None
    except ValueError as error:
        raise NotOtlpError(f"the body is no JSON: {error}") from None


def _fill(message: Message, data: object, where: str, depth: int) -> None:
    """Sets the fields of `message` from an object; `where` is its key, for messages to people."""
    if depth > _MAX_DEPTH:
        raise NotOtlpError(f"{where} is nested too deeply")
    if not isinstance(data, Mapping):
        raise NotOtlpError(f"{where} has to be an object")
    fields = _fields(message.DESCRIPTOR)
    for key, value in data.items():
        field = fields.get(key)
        if field is None or value is None:
            continue
        if field.is_repeated:
            if not isinstance(value, list):
                raise NotOtlpError(f"{key} in {where} has to be an array")
            items = getattr(message, field.name)
            for item in value:
                if field.message_type is not None:
                    _fill(items.add(), item, key, depth + 1)
                else:
                    items.append(_scalar(field, key, item))
        elif field.message_type is not None:
            part = getattr(message, field.name)
            part.SetInParent()
            _fill(part, value, key, depth + 1)
        else:
            setattr(message, field.name, _scalar(field, key, value))


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.camelcase_name: field for field in descriptor.fields}


def _scalar(field: FieldDescriptor, key: str, value: object) -> Any:
    """The value of a field that is no message; NotOtlpError where it is of the wrong kind or range."""
    try:
        match field.type:
            case FieldDescriptor.TYPE_STRING if isinstance(value, str):
                value.encode()
                return value
            case FieldDescriptor.TYPE_BOOL if isinstance(value, bool):
                return value
            case FieldDescriptor.TYPE_BYTES if isinstance(value, str):
                return _id(value) if field.name in _HEX_FIELDS else _base64(value)
            case FieldDescriptor.TYPE_ENUM if isinstance(value, int) and not isinstance(value, bool):
                return _in_range(value, 32, signed=True)
            case FieldDescriptor.TYPE_DOUBLE:
                return _double(value)
            case FieldDescriptor.TYPE_INT64 | FieldDescriptor.TYPE_SFIXED64:
                return _in_range(_integer(value), 64, signed=True)
            case FieldDescriptor.TYPE_UINT64 | FieldDescriptor.TYPE_FIXED64:
                return _in_range(_integer(value), 64, signed=False)
            case FieldDescriptor.TYPE_INT32 | FieldDescriptor.TYPE_SINT32:
                return _in_range(_integer(value), 32, signed=True)
            case FieldDescriptor.TYPE_UINT32 | FieldDescriptor.TYPE_FIXED32:
                return _in_range(_integer(value), 32, signed=False)
    except (ValueError, OverflowError):
        pass
    raise NotOtlpError(f"{key} cannot be {value!r:.80}")


def _id(value: str) -> bytes:
    """Bytes of hexadecimal digits; none where it is something else, so that its span alone is rejected."""
    return bytes.fromhex(value) if _HEX.fullmatch(value) else b""


def _base64(value: str) -> bytes:
    """Of either alphabet, with or without padding, as protobuf's JSON has it."""
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    # int() takes spaces, underscores and the digits of every script.
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError
    return number


def _double(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    if isinstance(value, str) and not _DOUBLE.fullmatch(value):
        raise ValueError
    return float(value)


def _in_range(number: int, bits: int, *, signed: bool) -> int:
    least = -(1 << bits - 1) if signed else 0
    if not least <= number < least + (1 << bits):
        raise ValueError
    return number
