"""For tests of what uses otel-vsm, and for its own: nothing here is needed to run it.

- `capture`: what the commands would send, as a list, within one process.
- `OtlpReceiver`: a real OTLP server over HTTP and gRPC that remembers what it got, and misbehaves on order.
- `collector`: a real collector in a process of its own, with a client for its API.
- `FakeClock`, `CountingIds`: times and ids that are the same in every run.

`otel_vsm.testing.fixtures` has them as fixtures for pytest.
"""

from otel_vsm.testing.captured import Captured, capture
from otel_vsm.testing.clock import FakeClock
from otel_vsm.testing.ids import CountingIds
from otel_vsm.testing.receiver import ACCEPT, BAD_REQUEST, BUSY, UNAUTHENTICATED, Answer, OtlpReceiver
from otel_vsm.testing.request import Received, Request
from otel_vsm.testing.running import CollectorFailed, RunningCollector, collector

__all__ = [
    "ACCEPT",
    "BAD_REQUEST",
    "BUSY",
    "UNAUTHENTICATED",
    "Answer",
    "Captured",
    "CollectorFailed",
    "CountingIds",
    "FakeClock",
    "OtlpReceiver",
    "Received",
    "Request",
    "RunningCollector",
    "capture",
    "collector",
]
