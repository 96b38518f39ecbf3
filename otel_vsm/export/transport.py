"""Parcels on their way out: encoded, sent, and sent again where OTLP says so.

Importing this loads the OTLP messages, which takes as long as starting Python a few times over.
"""

import random
import time
from collections.abc import Iterable
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_vsm.export.encode import EncodingError, request_of
from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.exporters import ExportResult, Outcome, new_exporter
from otel_vsm.export.parcel import Parcel
from otel_vsm.text import one_line

FIRST_PAUSE_S = 1.0
"""Before the second try, give or take a fifth; before each further one it is twice as long."""
MAX_REQUEST_BYTES = 64 * 1024 * 1024


class Sender:
    """A connection to an endpoint that takes parcels."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float) -> None:
        """`timeout_s` is what a request may take, tries included."""
        self._timeout_s = timeout_s
        self._exporter = new_exporter(endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exporter.close()

    def send(self, parcels: Iterable[Parcel]) -> ExportResult:
        """Send the parcels in one request, and wait for its answer; it is that of the last try."""
        try:
            request = request_of(parcels)
        except EncodingError as error:
            return ExportResult(Outcome.REFUSED, f"the spans could not be encoded: {one_line(str(error))}")
        return self.send_request(request)

    def send_request(self, request: ExportTraceServiceRequest) -> ExportResult:
        """The same with a request that is encoded already."""
        body = request.SerializeToString()
        if len(body) > MAX_REQUEST_BYTES:
            return ExportResult(Outcome.REFUSED, "a request may have 64 MiB at most")
        deadline = time.monotonic() + self._timeout_s
        pause_s = FIRST_PAUSE_S
        while True:
            timeout_s = max(0.001, deadline - time.monotonic())
            result = self._exporter.send(body, timeout_s=timeout_s)
            wait_s = result.retry_after_s
            if wait_s is None:
                wait_s = pause_s * random.uniform(0.8, 1.2)
            if not result.retryable or time.monotonic() + wait_s >= deadline:
                return result
            time.sleep(wait_s)
            pause_s *= 2
