"""For tests of what uses otel-vsm, and for its own: nothing here is needed to run it.

- `capture`: what the commands would export, as records (or the SDK's spans), within one process.
- `OtlpReceiver`: a real OTLP server over HTTP and gRPC. It remembers each `ExportRequest` with its spans
  (`ReceivedSpan`), and misbehaves on order: with an `ExportResponse` of your own or one of `ACCEPT`, `BUSY`,
  `BAD_REQUEST` and `UNAUTHENTICATED`, by refusing connections, or by saying nothing.
- `collector`: a real collector in a process of its own, a `RunningCollector` with a client for its API;
  `CollectorFailed` where it does not start or stop as it should.
- `FakeClock`, `CountingIds`: times and ids that are the same in every run.

`otel_vsm.testing.fixtures` has them as fixtures for pytest.
"""

from otel_vsm.testing.captured import Captured, capture
from otel_vsm.testing.collector_process import CollectorFailed, RunningCollector, collector
from otel_vsm.testing.deterministic import CountingIds, FakeClock
from otel_vsm.testing.messages import (
    ACCEPT,
    BAD_REQUEST,
    BUSY,
    UNAUTHENTICATED,
    ExportRequest,
    ExportResponse,
    ReceivedSpan,
)
from otel_vsm.testing.receiver import OtlpReceiver

__all__ = [
    "ACCEPT",
    "BAD_REQUEST",
    "BUSY",
    "UNAUTHENTICATED",
    "Captured",
    "CollectorFailed",
    "CountingIds",
    "ExportRequest",
    "ExportResponse",
    "FakeClock",
    "OtlpReceiver",
    "ReceivedSpan",
    "RunningCollector",
    "capture",
    "collector",
]
