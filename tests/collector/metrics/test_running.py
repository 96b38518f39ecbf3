"""A real collector, as Prometheus and an OTLP receiver see it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from handmade.receivers import Receiver
from otel_vsm.export import export_all
from otel_vsm.identity import ChangeId, SpanId, change_root, incident_root
from otel_vsm.record import Record
from otel_vsm.testing import RunningCollector, collector

WAIT_S = 60
SECOND = 10**9
CHANGE = ChangeId("github.com/acme/metrics#1")


@pytest.fixture
def measured_collector(http_receiver: Receiver) -> Iterator[RunningCollector]:
    """A collector that sends its metrics to the receiver."""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": http_receiver.endpoint, "OTEL_METRIC_EXPORT_INTERVAL": "500"}
    with collector(env=env) as running:
        yield running


@pytest.fixture
def prometheus(measured_collector: RunningCollector, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes the collector."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    config = tmp_path / "prometheus.yml"
    target = urlsplit(measured_collector.web).netloc
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: otel-vsm, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=log,
        )
    yield f"http://{address}"
    running.terminate()
    running.wait(timeout=30)


def answer(prometheus: str, path: str, **parameters: str) -> Any:
    """What Prometheus answers once it has anything to answer."""
    deadline = time.monotonic() + WAIT_S
    last: object = None
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(
                f"{prometheus}/api/v1/{path}?{urlencode(parameters)}", timeout=5
            ) as found:
                last = json.load(found)["data"]
            result = last["result"] if isinstance(last, dict) else last
            if result:
                return result
        except (urllib.error.URLError, ConnectionError) as error:
            last = error
        time.sleep(0.2)
    raise AssertionError(f"no answer to {parameters} within {WAIT_S} s; the last was {last}")


def records(now: int) -> list[Record]:
    """A change committed two hours before it was deployed, and an incident of its service that goes on."""

    def event(trace: Any, name: str, span_id: str, at: int, **attributes: str) -> Record:
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        return Record(
            trace_id=trace.trace_id, span_id=SpanId(span_id * 8), parent_span_id=trace.span_id, name=name,
            start_ns=at, end_ns=at, attributes={"vsm.event.name": name, **named},
        )  # fmt: skip

    change, incident = change_root(CHANGE), incident_root("INC-9")
    deployment = Record(
        trace_id=change.trace_id,
        span_id=SpanId("cd" * 8),
        parent_span_id=change.span_id,
        name="deploy",
        start_ns=now - 10 * SECOND,
        end_ns=now,
        attributes={
            "vsm.change.id": CHANGE,
            "vsm.stage.name": "deploy",
            "vsm.stage.type": "deploy",
            "vcs.repository.url.full": "https://github.com/acme/metrics",
            "service.name": "shop",
            "deployment.environment.name": "production",
            "deployment.id": "d-1",
        },
    )
    return [
        event(change, "change.first_commit", "ab", now - 7200 * SECOND, vsm__change__id=CHANGE),
        deployment,
        event(
            incident,
            "incident.detected",
            "ef",
            now,
            vsm__incident__id="INC-9",
            service__name="shop",
            vsm__incident__severity="high",
            deployment__environment__name="production",
        ),
    ]


def test_prometheus_and_a_receiver_find_what_the_collector_counted(
    measured_collector: RunningCollector,
    prometheus: str,
    http_receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in measured_collector.environment().items():
        monkeypatch.setenv(name, value)
    now = time.time_ns()
    assert export_all(records(now)) == 3

    (lead,) = answer(prometheus, "query", query="vsm_change_lead_time_seconds_sum")
    assert float(lead["value"][1]) == 7200
    assert lead["metric"]["vcs_repository_name"] == "metrics"
    assert lead["metric"]["vcs_repository_url_full"] == "https://github.com/acme/metrics"
    assert lead["metric"]["service_name"] == "shop"
    (incident,) = answer(prometheus, "query", query='vsm_incident_active{vsm_incident_severity="high"} > 0')
    assert incident["value"][1] == "1"
    (median,) = answer(
        prometheus, "query", query="histogram_quantile(0.5, vsm_change_lead_time_seconds_bucket)"
    )
    assert 3600 < float(median["value"][1]) <= 7200
    (series,) = answer(
        prometheus,
        "query_exemplars",
        query="vsm_change_lead_time_seconds_bucket",
        start=str(now / 1e9 - 60),
        end=str(now / 1e9 + 600),
    )
    root = change_root(CHANGE)
    assert series["exemplars"][0]["labels"] == {"trace_id": root.trace_id, "span_id": root.span_id}

    _, received, _ = http_receiver
    got: dict[str, Metric] = {}
    while "vsm.change.lead_time" not in got:
        (resource,) = received.get(timeout=WAIT_S).resource_metrics
        got = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    assert [point.sum for point in got["vsm.change.lead_time"].histogram.data_points] == [7200.0]
    health = {name for name in got if name.startswith("vsm.collector.")}
    assert {
        "vsm.collector.span.received",
        "vsm.collector.span.rejected",
        "vsm.collector.span.filtered",
        "vsm.collector.span.duplicate",
        "vsm.collector.journal.size",
        "vsm.collector.lag",
        "vsm.collector.derivation.duration",
    } <= health
