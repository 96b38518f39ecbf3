"""What the same machine, in the same minute, needs for something known: figures mean little without."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def parse_us(requests: Sequence[bytes], spans: int) -> float:
    """CPU microseconds per span that protobuf's C parser needs for the same bytes: the least of five."""

    def once() -> float:
        start = time.process_time()
        for request in requests:
            ExportTraceServiceRequest.FromString(request)
        return (time.process_time() - start) / spans * 1e6

    return min(once() for _ in range(5))


def fsync_ms(folder: Path, times: int = 200) -> float:
    """Median milliseconds for making 4 KiB durable, one after the other."""
    page = bytes(4096)
    durations_s = []
    descriptor = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(times):
            start = time.perf_counter()
            os.write(descriptor, page)
            os.fdatasync(descriptor)
            durations_s.append(time.perf_counter() - start)
    finally:
        os.close(descriptor)
    return percentile(durations_s, 50) * 1e3


def cpu_s(pid: int) -> float:
    """User and system time of a whole process so far, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent) // 100) - 1)]
