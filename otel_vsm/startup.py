"""The event that a process of a service began to run, told through the service's own OpenTelemetry SDK."""

import logging
import os
import re
import threading
import time

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)

from otel_vsm import __version__, semconv
from otel_vsm.identity import Repository, SpanReference, change_of_commit, change_root
from otel_vsm.propagation import TRACEPARENT, incoming
from otel_vsm.resource import current_stamp, resource_attributes
from otel_vsm.semconv import EventName
from otel_vsm.stamp import Stamp

DEPLOYMENT_VARIABLE = "OTEL_VSM_DEPLOYMENT_TRACEPARENT"
"""The trace context that `otel-vsm deploy` gave its command, if that hands it on to the service. TRACEPARENT
itself is not read: in a service's environment it can be anyone's."""

_FULL_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_log = logging.getLogger(__name__)


def service_started(*, tracer_provider: TracerProvider | None = None) -> None:
    """Tell that this process began to serve a change, through the given or the global tracer provider.

    Call it once, after the SDK is set up. It returns at once and never raises: a thread does the work, and
    what it cannot tell is left untold. A service that does not know what delivered it tells nothing.
    """
    now_ns = time.time_ns()

    def emit() -> None:
        try:
            emit_started(now_ns, tracer_provider)
        except Exception:  # telling is never worth a service's trouble
            _log.debug("The start of the service could not be told.", exc_info=True)

    try:
        threading.Thread(target=emit, name="otel-vsm-service-started", daemon=True).start()
    except RuntimeError:  # no more threads, or the process is on its way out
        _log.debug("The start of the service could not be told.", exc_info=True)


def emit_started(now_ns: int, tracer_provider: TracerProvider | None) -> None:
    """Tell it now, of a process that began to run at a time in nanoseconds since the epoch."""
    attributes = resource_attributes()
    if not attributes:
        return
    deployment = incoming({TRACEPARENT: os.environ.get(DEPLOYMENT_VARIABLE, "")})
    tracer = get_tracer(semconv.SCOPE_NAME, __version__, tracer_provider, semconv.SCHEMA_URL)
    span = tracer.start_span(
        EventName.SERVICE_STARTED.value,
        context=_context_of_change(current_stamp()),
        attributes={**attributes, semconv.VSM_EVENT_NAME: EventName.SERVICE_STARTED.value},
        links=[Link(_span_context(deployment))] if deployment else [],
        start_time=now_ns,
    )
    span.end(now_ns)


def _context_of_change(stamp: Stamp) -> Context:
    """The root of the change's trace as what is around us; nothing where the change is not known."""
    change = stamp.change_id
    if not change and stamp.repository and stamp.revision and _FULL_SHA.fullmatch(stamp.revision):
        change = change_of_commit(Repository(stamp.repository), stamp.revision)
    return (
        set_span_in_context(NonRecordingSpan(_span_context(change_root(change))), Context())
        if change
        else Context()
    )


def _span_context(span: SpanReference) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(span.trace_id, 16), int(span.span_id, 16), is_remote=True, trace_flags=sampled)
