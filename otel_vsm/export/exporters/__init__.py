"""OpenTelemetry's OTLP exporters, taught to say why something was not accepted.

The SDK's own answer is success or failure. What to do with spans on disk hangs on more: whether the receiver
will never take them, or was not there.
"""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from otel_vsm.export.endpoint import Endpoint
from otel_vsm.export.endpoint import Protocol as Wire

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_SILENCE = logging.NullHandler()


class Outcome(Enum):
    """What became of a request."""

    ACCEPTED = auto()
    REFUSED = auto()
    """It is at fault, and would be whenever it is sent again."""
    FAULTED = auto()
    """The receiver failed on it. Others may well go through."""
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

    @property
    def message(self) -> str:
        """Reason and advice."""
        return "; ".join(filter(None, (self.reason, self.advice)))


class Exporter(Protocol):
    def send(self, spans: "Sequence[ReadableSpan]") -> ExportResult:
        """Send one request, and wait for the answer; never raises for what happens on the way."""

    def close(self) -> None: ...


class ExporterClass(Protocol):
    def __call__(self, endpoint: Endpoint, *, timeout_s: float) -> Exporter:
        """`timeout_s` is what a request may take, tries included."""


def load_exporter(wire: Wire) -> ExporterClass:
    """The exporter for a protocol; this loads its libraries."""
    if wire is Wire.GRPC:
        from otel_vsm.export.exporters.grpc import GrpcExporter

        return GrpcExporter
    from otel_vsm.export.exporters.http import HttpExporter

    return HttpExporter


def silence_libraries() -> None:
    """Keep the libraries' own messages off the user's screen: what went wrong is said once, by us."""
    for name in ("opentelemetry", "urllib3", "requests", "grpc"):
        logger = logging.getLogger(name)
        logger.addHandler(_SILENCE)
        logger.propagate = False
    warnings.filterwarnings("ignore", module=r"(opentelemetry|urllib3|requests|grpc)\b")
