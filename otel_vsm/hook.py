"""The hook of a service in one call: what delivered it on all of its telemetry, and that it began to run.

from otel_vsm import hook
hook.install()  # before the OpenTelemetry SDK is set up
"""

import logging
import os
import threading
import time

from opentelemetry.trace import ProxyTracerProvider, TracerProvider, get_tracer_provider

from otel_vsm.startup import emit_started

DETECTORS_VARIABLE = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
DETECTOR = "otel_vsm"
PATIENCE_S = 60.0
"""How long the SDK may take to be set up. A service without one tells nothing."""
_LOOK_EVERY_S = 0.1

_log = logging.getLogger(__name__)
_installed = threading.Lock()


def install(*, tracer_provider: TracerProvider | None = None) -> None:
    """Put the delivery on the resource that the SDK makes, and tell in each process that it began to run.

    Call it before the SDK is set up, or name a tracer provider whose resource has it already. Workers that
    are forked, as those of gunicorn and Celery are, tell of themselves. Calling it again does nothing. It
    returns at once and never raises; where the SDK is not set up within a minute, nothing is told.
    """
    if not _installed.acquire(blocking=False):
        return
    detectors = os.environ.get(DETECTORS_VARIABLE, "")
    if DETECTOR not in (name.strip() for name in detectors.split(",")):
        # Those that the SDK asks by default are left out where the variable is set.
        os.environ[DETECTORS_VARIABLE] = ",".join([*filter(None, [detectors or "otel"]), DETECTOR])
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _tell(tracer_provider))
    _tell(tracer_provider)


def _tell(tracer_provider: TracerProvider | None) -> None:
    now_ns = time.time_ns()

    def emit() -> None:
        try:
            # After a fork the SDK has to begin its own threads anew; what it was given before that is lost.
            time.sleep(_LOOK_EVERY_S)
            if provider := tracer_provider or _provider():
                emit_started(now_ns, provider)
        except Exception:  # telling is never worth a service's trouble
            _log.debug("The start of the service could not be told.", exc_info=True)

    try:
        threading.Thread(target=emit, name="otel-vsm-service-started", daemon=True).start()
    except RuntimeError:  # no more threads, or the process is on its way out
        _log.debug("The start of the service could not be told.", exc_info=True)


def _provider() -> TracerProvider | None:
    """The global provider, once it is set; None where it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while isinstance(provider := get_tracer_provider(), ProxyTracerProvider):
        if time.monotonic() > deadline:
            return None
        time.sleep(_LOOK_EVERY_S)
    return provider
