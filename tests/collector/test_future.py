"""What has not happened yet, sent to a collector: kept, counted, and in no figure."""

import time
import urllib.request

from handmade.otlp import Otlp
from otel_vsm.testing import RunningCollector

HOUR_NS = 3600 * 10**9
REPOSITORY = "github.com/acme/future"


def send(running: RunningCollector, payload: bytes) -> None:
    headers = {"content-type": "application/x-protobuf"}
    request = urllib.request.Request(f"{running.otlp()}/v1/traces", payload, headers, method="POST")
    urllib.request.urlopen(request, timeout=30).close()


def test_a_span_of_the_future_is_counted_and_in_no_figure(
    running_collector: RunningCollector, otlp: Otlp
) -> None:
    now = time.time_ns()
    for number, (event, at) in enumerate(
        {
            "change.opened": now,
            "change.reviewed": now + HOUR_NS // 2,
            "change.merged": now + 2 * HOUR_NS,
        }.items()
    ):
        attributes = {
            "vsm.event.name": event,
            "vcs.repository.url.full": f"https://{REPOSITORY}",
            "vcs.change.id": "1",
        }
        span = otlp.span(
            attributes,
            span_id=bytes([number + 1] * 8),
            start_time_unix_nano=at,
            end_time_unix_nano=at,
        )
        send(running_collector, otlp.payload(span))
    [change] = running_collector.get("/api/v1/changes", repository=REPOSITORY)["items"]
    assert change["events"].keys() == {"change.opened", "change.reviewed"}
    measured = running_collector.get("/api/v1/measurement", repository=REPOSITORY, window="1d")
    assert measured["left_out"] == {
        "retracted": 0,
        "retracts_nothing": 0,
        "future": 1,
        "impossible": 0,
        "latest": [],
    }
    assert measured["clock_skew"]["arrived_before_end"] == 1
