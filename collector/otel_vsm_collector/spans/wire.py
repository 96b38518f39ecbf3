"""OTLP trace requests as Arrow, decoded in Rust by ptars.

The descriptor is OTLP's with the same field numbers, cut down to what the ledger needs: what is not named
here is skipped on the wire, unseen. Values that hold values (arrays, maps) are left out on purpose: no
attribute of the contract is one, and without them the descriptor does not recurse, so no message can nest
deeper than eight levels.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import ptars
import pyarrow as pa
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

_BYTES = FieldDescriptorProto.TYPE_BYTES
_STRING = FieldDescriptorProto.TYPE_STRING
_BOOL = FieldDescriptorProto.TYPE_BOOL
_INT64 = FieldDescriptorProto.TYPE_INT64
_FIXED64 = FieldDescriptorProto.TYPE_FIXED64
_DOUBLE = FieldDescriptorProto.TYPE_DOUBLE
# OTLP's status code and kind of span are enums; on the wire an int32 is the same, and needs no enum here.
_INT32 = FieldDescriptorProto.TYPE_INT32

_OPTIONAL, _REPEATED = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED

# message → field → number and type; the name of a message above stands for a field of it, in a list for many.
_MESSAGES: dict[str, dict[str, tuple[int, Any]]] = {
    "AnyValue": {
        "string_value": (1, _STRING),
        "bool_value": (2, _BOOL),
        "int_value": (3, _INT64),
        "double_value": (4, _DOUBLE),
    },
    "KeyValue": {"key": (1, _STRING), "value": (2, "AnyValue")},
    "Resource": {"attributes": (1, ["KeyValue"])},
    # Its name is text, and only compared: as bytes it is not checked to be UTF-8.
    "InstrumentationScope": {"name": (1, _BYTES)},
    "Link": {"trace_id": (1, _BYTES), "span_id": (2, _BYTES), "attributes": (4, ["KeyValue"])},
    "Status": {"code": (3, _INT32)},
    "Span": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "parent_span_id": (4, _BYTES),
        "name": (5, _STRING),
        "kind": (6, _INT32),
        "start_time_unix_nano": (7, _FIXED64),
        "end_time_unix_nano": (8, _FIXED64),
        "attributes": (9, ["KeyValue"]),
        "links": (13, ["Link"]),
        "status": (15, "Status"),
    },
    "ScopeSpans": {"scope": (1, "InstrumentationScope"), "spans": (2, ["Span"])},
    "ResourceSpans": {"resource": (1, "Resource"), "scope_spans": (2, ["ScopeSpans"])},
    "ExportTraceServiceRequest": {"resource_spans": (1, ["ResourceSpans"])},
}
_PACKAGE = "otel_vsm.wire"


NO_REQUEST = "the body is no OTLP trace request in protobuf"


class UndecodableError(ValueError):
    """The bytes are no OTLP trace request."""


def decode_requests(payloads: Sequence[bytes]) -> pa.RecordBatch:
    """One row per payload, `resource_spans: list<struct>`; UndecodableError if any of them is malformed."""
    try:
        return _handler().list_to_record_batch(list(payloads))
    except ValueError as error:
        raise UndecodableError(f"{NO_REQUEST}: {error}") from None


@cache
def _handler() -> Any:
    file = FileDescriptorProto(name="otel_vsm_wire.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            # In a oneof a field knows whether it was set, so that 0, false and "" are values.
            message.oneof_decl.add(name="value")
        for field_name, (number, kind) in fields.items():
            field = message.field.add(
                name=field_name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL
            )
            if isinstance(kind, list):
                field.label = _REPEATED
                kind = kind[0]
            if isinstance(kind, str):
                field.type = FieldDescriptorProto.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
            else:
                field.type = kind
            if name == "AnyValue":
                field.oneof_index = 0
    pool = DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"{_PACKAGE}.ExportTraceServiceRequest")
    return ptars.HandlerPool([descriptor.file]).get_for_message(descriptor)
