"""What puts one request on the wire, and what the receiver's response means."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.endpoint import Protocol as Wire

GRPC_INSTALL = "pip install 'otel-vsm[grpc]'"
MAX_RESPONSE_BYTES = 4 * 1024 * 1024


class Outcome(Enum):
    """What became of a request."""

    ACCEPTED = auto()
    REFUSED = auto()
    """The receiver failed on it, or said that it is at fault: by OTLP's rules it is never sent again."""
    UNAVAILABLE = auto()
    """Nobody was there, or nobody who would take anything from us now."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    outcome: Outcome
    reason: str = ""
    """In a few words."""
    rejected: int = 0
    """Of an accepted request, the spans that the receiver left out. They are never sent again."""
    advice: str = ""
    """What to do, where that is known."""
    retryable: bool = False
    """Whether the same request may be sent again soon."""
    retry_after_s: float | None = None
    """How long the receiver asks to be left alone, if it does."""

    @property
    def message(self) -> str:
        """Reason and advice."""
        return "; ".join(filter(None, (self.reason, self.advice)))


class Exporter(Protocol):
    def send(self, body: bytes, *, timeout_s: float) -> ExportResult:
        """Send one encoded request, and wait for the response; never raises for what happens on the way."""

    def close(self) -> None: ...


def new_exporter(endpoint: Endpoint) -> Exporter:
    """The exporter for an endpoint; this loads its libraries."""
    if endpoint.protocol is not Wire.GRPC:
        from otel_vsm.export.exporters.http import HttpExporter

        return HttpExporter(endpoint)
    try:
        from otel_vsm.export.exporters.grpc import GrpcExporter
    except ModuleNotFoundError as error:
        if error.name not in ("grpc", "google.rpc"):
            raise
        return _NoExporter()
    return GrpcExporter(endpoint)


class _NoExporter:
    def send(self, body: bytes, *, timeout_s: float) -> ExportResult:
        advice = f"{GRPC_INSTALL}, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        return ExportResult(Outcome.UNAVAILABLE, "gRPC is not installed here", advice=advice)

    def close(self) -> None:
        """There is nothing to close."""
