"""Metrics by OTLP: to real receivers, as the OTEL_* variables say."""

import os
import queue
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from handmade.receivers import Receiver
from otel_vsm import identity
from otel_vsm_collector.metrics import export
from otel_vsm_collector.metrics.collect import Metrics
from otel_vsm_collector.settings import Address

WAIT_S = 20
Sent = tuple[Metrics, "queue.Queue[ExportMetricsServiceRequest]"]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")


def by_name(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    (resource,) = request.resource_metrics
    return {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}


@pytest.fixture(params=["http/protobuf", "grpc"])
def sent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The metrics of a collector, and what a receiver gets from them."""
    receiver: Receiver = request.getfixturevalue(
        "grpc_receiver" if request.param == "grpc" else "http_receiver"
    )
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    return request.getfixturevalue("measured"), receiver.received


def test_a_receiver_gets_what_the_page_shows(sent: Sent) -> None:
    metrics, received = sent
    # Not by its encoder, which would lose the same.
    names = {
        metric.name
        for resource in metrics.collect().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    shown = by_name(encode_metrics(metrics.collect()))
    assert set(shown) == names
    assert {name for name in names if name.startswith("vsm.collector.span.")}
    got: dict[str, Metric] = {}
    while set(got) != set(shown):  # the first may have left before all facts were there
        got = by_name(received.get(timeout=WAIT_S))

    def values(metric: Metric) -> list[Any]:
        fields = ("count", "sum", "bucket_counts", "as_int", "as_double")
        kind = metric.WhichOneof("data")
        assert kind is not None
        data = getattr(metric, kind)
        return sorted(
            str([sorted(map(str, point.attributes)), *(getattr(point, name, None) for name in fields)])
            for point in data.data_points
        )

    windowed = {name for name in shown if name.startswith("vsm.dora.deployment_frequency")}
    assert {name: values(metric) for name, metric in got.items() if name not in windowed} == {
        name: values(metric) for name, metric in shown.items() if name not in windowed
    }


def test_lead_times_carry_an_exemplar_with_the_trace(sent: Sent) -> None:
    _, received = sent
    got: dict[str, Metric] = {}
    while "vsm.change.lead_time" not in got:
        got = by_name(received.get(timeout=WAIT_S))
    (point,) = got["vsm.change.lead_time"].histogram.data_points
    root = identity.change_root("github.com/acme/shop#1")
    assert point.exemplars[0].trace_id.hex() == root.trace_id
    assert point.exemplars[0].span_id.hex() == root.span_id
    assert 0 < point.start_time_unix_nano < point.time_unix_nano


def test_the_collector_says_who_it_is(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    _, received = sent
    (resource,) = received.get(timeout=WAIT_S).resource_metrics
    attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert attributes["service.name"] == "otel-vsm-collector"


def test_what_is_left_is_sent_at_the_end(
    http_receiver: Receiver, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    endpoint, received, _ = http_receiver
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{endpoint}/v1/metrics")
    metrics = request.getfixturevalue("measured")
    assert received.empty()
    metrics.close()
    assert "vsm.change.lead_time" in by_name(received.get(timeout=WAIT_S))


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER": "prometheus"},
    ],
)
def test_nothing_is_sent_where_nobody_asked_for_it(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert export.readers(lambda data: data) == []


def test_a_timeout_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2500")
    assert export._timeout_s() == 2.5
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    assert export._timeout_s() == 10


def test_a_wish_for_deltas_is_answered_with_what_is_sent_instead(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
    (reader,) = export.readers(lambda data: data)
    reader.shutdown()
    assert "sent as running totals" in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "sends"),
    [
        ("http://127.0.0.1:4318", False),
        ("http://localhost:4318/", False),
        ("localhost:4317", False),
        ("http://127.0.0.1:4319", True),
        ("http://backend:4318", True),
    ],
)
def test_a_collector_sends_no_metrics_to_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, endpoint: str, sends: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    own = (Address("127.0.0.1", 4317), Address("127.0.0.1", 4318))
    made = export.readers(lambda data: data, own)
    for reader in made:
        reader.shutdown()
    assert bool(made) == sends
    assert ("is this collector" in caplog.text) != sends


def test_what_netrc_has_for_the_host_takes_no_configured_credentials_place(
    measured: Metrics,
    http_receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_receiver.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20ours")
    exporter = export._otlp_exporter()
    exporter.export(measured.collect())
    exporter.shutdown()
    assert {headers.get("authorization") for headers in http_receiver.headers} == {"Bearer ours"}
