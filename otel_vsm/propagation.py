"""Trace context in environment variables: W3C trace context, as OpenTelemetry's env carrier has it."""

import re
from collections.abc import Mapping

from otel_vsm.identity import SpanId, SpanReference, TraceId

TRACEPARENT = "TRACEPARENT"
MAX_LENGTH = 512
"""Version 00 has 55 characters; a later one may have more, though not a megabyte."""

_FIELDS = r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[!-~]*)?"


def incoming(env: Mapping[str, str]) -> SpanReference | None:
    """The span that the environment names as the one around us; None where there is none, or no valid one.

    Only the upper-case name counts: the convention forbids to read another.
    """
    value = env.get(TRACEPARENT, "").strip(" \t")
    if not 0 < len(value) <= MAX_LENGTH or not (fields := re.fullmatch(_FIELDS, value)):
        return None
    version, trace_id, span_id, more = fields.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return SpanReference(TraceId(trace_id), SpanId(span_id))


def traceparent(trace_id: TraceId, span_id: SpanId) -> str:
    """What a child is given, so that its spans become children of this one; always sampled."""
    return f"00-{trace_id}-{span_id}-01"


def is_wanted(env: Mapping[str, str]) -> bool:
    """Whether trace context is to be passed on: it is, unless OTEL_PROPAGATORS leaves it out."""
    propagators = [name.strip() for name in env.get("OTEL_PROPAGATORS", "").lower().split(",")]
    return not any(propagators) or "tracecontext" in propagators
