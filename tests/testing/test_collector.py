"""A collector in a process of its own: the real one, and stand-ins that fail in every way."""

import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from otel_vsm.export import export_all
from otel_vsm.export.endpoint import Protocol
from otel_vsm.identity import SpanId, change_root
from otel_vsm.record import Record
from otel_vsm.testing import CollectorFailed, RunningCollector, collector

LISTENS = "print('otlp/grpc 127.0.0.1:1\\notlp/http 127.0.0.1:2\\nweb 127.0.0.1:3\\nready', flush=True);"


def stand_in(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, signal, sys, time; {code}")


def stage(change: str) -> Record:
    trace_id, root = change_root(change)
    end_ns = time.time_ns()
    return Record(
        trace_id=trace_id,
        span_id=SpanId("ab" * 8),
        parent_span_id=root,
        name="build",
        start_ns=end_ns - 1_000_000_000,
        end_ns=end_ns,
        attributes={"vsm.change.id": change, "vsm.stage.name": "build"},
    )


@pytest.mark.parametrize("protocol", Protocol, ids=str)
def test_what_is_sent_to_it_can_be_asked_for(
    running_collector: RunningCollector, monkeypatch: pytest.MonkeyPatch, protocol: Protocol
) -> None:
    for name, value in running_collector.environment(protocol).items():
        monkeypatch.setenv(name, value)
    change = f"github.com/acme/testing-{protocol.name.lower()}#1"
    assert export_all([stage(change)]) == 1
    changes = running_collector.get("/api/v1/changes", limit=100)["items"]
    assert change in [item["id"] for item in changes]


def test_an_error_of_the_api_is_raised(running_collector: RunningCollector) -> None:
    with pytest.raises(HTTPError, match="4"):
        running_collector.get("/api/v1/dora", window="soon")


@pytest.mark.kill
def test_the_data_folder_outlives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = "github.com/acme/shop#7"
    with collector(data=tmp_path / "data") as first:
        for name, value in first.environment().items():
            monkeypatch.setenv(name, value)
        export_all([stage(change)])
        first.kill()
    with collector(data=tmp_path / "data") as second:
        assert [item["id"] for item in second.get("/api/v1/changes")["items"]] == [change]


def test_addresses_are_read_and_it_is_stopped_by_sigterm() -> None:
    stops = f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {LISTENS} time.sleep(600)"
    with collector(command=stand_in(stops)) as running:
        assert running.otlp() == "http://127.0.0.1:2"
        assert running.otlp(Protocol.GRPC) == "http://127.0.0.1:1"
        assert running.web == "http://127.0.0.1:3"
        assert running.data.is_dir()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
    assert not running.data.exists()


def test_none_of_our_own_telemetry_settings_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4318")
    code = "sys.stderr.write(os.getenv('OTEL_EXPORTER_OTLP_ENDPOINT', 'none') + os.environ['X']); sys.exit(1)"
    with pytest.raises(CollectorFailed, match="noney"), collector(command=stand_in(code), env={"X": "y"}):
        pass


@pytest.mark.parametrize(
    ("code", "timeouts", "message"),
    [
        (
            "sys.stderr.write('port taken'); sys.exit(1)",
            {},
            "the collector ended with exit code 1 before it was ready\nport taken",
        ),
        ("time.sleep(600)", {"start_timeout_s": 0.05}, "the collector was not ready within 0.05 s"),
        (
            f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {LISTENS} time.sleep(600)",
            {"stop_timeout_s": 0.05},
            "the collector did not stop within 0.05 s of SIGTERM",
        ),
        (
            f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); {LISTENS} time.sleep(600)",
            {},
            "the collector ended with exit code 3",
        ),
    ],
    ids=["does not start", "never ready", "does not stop", "stops badly"],
)
def test_its_failures_are_told_with_what_it_wrote(code: str, timeouts: dict[str, Any], message: str) -> None:
    with (
        pytest.raises(CollectorFailed, match=message),
        collector(command=stand_in(code), **timeouts),
    ):
        pass
