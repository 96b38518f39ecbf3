"""The page for Prometheus: names, forms, and that it says what OTLP says."""

import shutil
import subprocess
from itertools import pairwise

import pytest
from opentelemetry.sdk.metrics import export as sdk
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from handmade.facts import FactStore
from otel_vsm import identity
from otel_vsm.semconv.metrics import METRICS
from otel_vsm_collector.metrics import prometheus, prometheus_names
from otel_vsm_collector.metrics.collect import Metrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

NAMES = {
    "vsm.approval.active": "vsm_approval_active",
    "vsm.approval.age": "vsm_approval_age_seconds",
    "vsm.change.age": "vsm_change_age_seconds",
    "vsm.collector.deployment.unlinked_share": "vsm_collector_deployment_unlinked_share_ratio",
    "vsm.collector.stage.unlinked_share": "vsm_collector_stage_unlinked_share_ratio",
    "vsm.deployment.last_timestamp": "vsm_deployment_last_timestamp_seconds",
    "vsm.limit.breached": "vsm_limit_breached",
    "vsm.limit.duration": "vsm_limit_duration_seconds",
    "vsm.limit.share": "vsm_limit_share_ratio",
    "vsm.work_item.blocked": "vsm_work_item_blocked",
    "vsm.approval.wait_time": "vsm_approval_wait_time_seconds",
    "vsm.change.active": "vsm_change_active",
    "vsm.change.lead_time": "vsm_change_lead_time_seconds",
    "vsm.collector.clock_skew": "vsm_collector_clock_skew",
    "vsm.collector.deployment.unlinked": "vsm_collector_deployment_unlinked",
    "vsm.collector.derivation.duration": "vsm_collector_derivation_duration_seconds",
    "vsm.collector.ingest.delay": "vsm_collector_ingest_delay_seconds",
    "vsm.collector.journal.size": "vsm_collector_journal_size_bytes",
    "vsm.collector.journal.damaged": "vsm_collector_journal_damaged",
    "vsm.collector.metric.overflow": "vsm_collector_metric_overflow",
    "vsm.collector.lag": "vsm_collector_lag_seconds",
    "vsm.collector.span.duplicate": "vsm_collector_span_duplicate",
    "vsm.collector.span.filtered": "vsm_collector_span_filtered",
    "vsm.collector.span.received": "vsm_collector_span_received",
    "vsm.collector.span.rejected": "vsm_collector_span_rejected",
    "vsm.collector.span.unlinked": "vsm_collector_span_unlinked",
    "vsm.collector.span.unmapped": "vsm_collector_span_unmapped",
    "vsm.collector.log_record.received": "vsm_collector_log_record_received",
    "vsm.collector.log_record.filtered": "vsm_collector_log_record_filtered",
    "vsm.collector.data_point.filtered": "vsm_collector_data_point_filtered",
    "vsm.collector.stage.unlinked": "vsm_collector_stage_unlinked",
    "vsm.deployment.count": "vsm_deployment_count",
    "vsm.deployment.failure.count": "vsm_deployment_failure_count",
    "vsm.dora.change_fail_rate": "vsm_dora_change_fail_rate_ratio",
    "vsm.dora.change_lead_time": "vsm_dora_change_lead_time_seconds",
    "vsm.dora.change_lead_time.changes": "vsm_dora_change_lead_time_changes",
    "vsm.dora.deployment_frequency": "vsm_dora_deployment_frequency_per_day",
    "vsm.dora.deployment_rework_rate": "vsm_dora_deployment_rework_rate_ratio",
    "vsm.dora.failed_deployment_recovery_time": "vsm_dora_failed_deployment_recovery_time_seconds",
    "vsm.dora.time_to_restore": "vsm_dora_time_to_restore_seconds",
    "vsm.flow.efficiency": "vsm_flow_efficiency_ratio",
    "vsm.flow.throughput": "vsm_flow_throughput_per_day",
    "vsm.flow.time": "vsm_flow_time_seconds",
    "vsm.incident.active": "vsm_incident_active",
    "vsm.incident.detect_time": "vsm_incident_detect_time_seconds",
    "vsm.incident.restore_time": "vsm_incident_restore_time_seconds",
    "vsm.stage.complete_accurate": "vsm_stage_complete_accurate_ratio",
    "vsm.stage.duration": "vsm_stage_duration_seconds",
    "vsm.stage.queue_time": "vsm_stage_queue_time_seconds",
    "vsm.stage.wait_time": "vsm_stage_wait_time_seconds",
}


def metrics_of(data: sdk.MetricsData) -> list[sdk.Metric]:
    return [
        metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics
    ]


def test_every_metric_of_the_registry_has_a_point_and_its_name(measured: Metrics) -> None:
    found = {metric.name: prometheus.family(metric).name for metric in metrics_of(measured.collect())}
    assert found == NAMES
    assert {metric.name: prometheus_names.name_of(metric) for metric in METRICS} == NAMES


def test_a_metric_is_what_the_registry_says_and_has_no_other_attributes(measured: Metrics) -> None:
    forms = {
        "counter": lambda data: isinstance(data, sdk.Sum) and data.is_monotonic,
        "updowncounter": lambda data: isinstance(data, sdk.Sum) and not data.is_monotonic,
        "gauge": lambda data: isinstance(data, sdk.Gauge),
        "histogram": lambda data: isinstance(data, sdk.Histogram),
    }
    registry = {metric.name: metric for metric in METRICS}
    for metric in metrics_of(measured.collect()):
        declared = registry[metric.name]
        assert forms[declared.instrument](metric.data), metric.name
        assert (metric.unit, metric.description) == (declared.unit, declared.brief)
        for point in metric.data.data_points:
            assert set(point.attributes or {}) <= set(declared.attributes), metric.name


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_the_page_says_what_otlp_says(measured: Metrics, accept: str) -> None:
    data = measured.collect()
    page, _ = prometheus.render(data, accept)
    parse = parse_openmetrics if accept else parse_text
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }
    said = 0
    for metric in metrics_of(data):
        name = NAMES[metric.name]
        for point in metric.data.data_points:
            labels = {key.replace(".", "_"): value for key, value in (point.attributes or {}).items()}
            key = frozenset(labels.items())
            said += 1
            if isinstance(point, sdk.HistogramDataPoint):
                assert samples[f"{name}_count", key] == point.count
                assert samples[f"{name}_sum", key] == point.sum
                buckets = [
                    (float(dict(own)["le"]), value)
                    for (sample, own), value in samples.items()
                    if sample == f"{name}_bucket" and key < own
                ]
                reached = [value for _, value in sorted(buckets)]
                each = [
                    reached[0],
                    *(after - before for before, after in pairwise(reached)),
                ]
                assert each == list(point.bucket_counts)
                assert [bound for bound, _ in sorted(buckets)][:-1] == list(point.explicit_bounds)
            else:
                assert isinstance(point, sdk.NumberDataPoint)
                grows = isinstance(metric.data, sdk.Sum) and metric.data.is_monotonic
                assert samples[f"{name}_total" if grows else name, key] == point.value
    assert said >= len(NAMES)


def test_openmetrics_has_exemplars_that_lead_into_the_trace_and_text_has_none(measured: Metrics) -> None:
    data = measured.collect()
    openmetrics, content_type = prometheus.render(data, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    found = {
        family.name: sample.exemplar.labels
        for family in parse_openmetrics(openmetrics.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar
    }
    change, incident = identity.change_root("github.com/acme/shop#1"), identity.incident_root("INC-1")
    assert found["vsm_change_lead_time_seconds"] == {"trace_id": change.trace_id, "span_id": change.span_id}
    assert found["vsm_incident_restore_time_seconds"] == {
        "trace_id": incident.trace_id,
        "span_id": incident.span_id,
    }

    text, content_type = prometheus.render(data, "")
    assert content_type.startswith("text/plain")
    assert change.trace_id.encode() not in text


def test_an_exemplar_stands_at_the_bucket_that_its_value_is_in(measured: Metrics) -> None:
    page, _ = prometheus.render(measured.collect(), OPENMETRICS)
    (family,) = (
        one
        for one in parse_openmetrics(page.decode())  # type: ignore[no-untyped-call]
        if one.name == "vsm_change_lead_time_seconds"
    )
    (bucket,) = (sample for sample in family.samples if sample.exemplar)
    assert bucket.labels["le"] == "86400.0"
    assert bucket.exemplar.value == 86400.0


def test_promtool_has_nothing_to_say_about_the_page(measured: Metrics) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    page, _ = prometheus.render(measured.collect(), "")
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_hostile_names_stay_within_their_label(facts: FactStore, measured: Metrics) -> None:
    hostile = 'a"} 1\nvsm_evil{x="\\'
    facts.insert(
        "deployment", id="d9", service=hostile, environment="production", kind="rollout", result="success"
    )
    measured.observer.observe(facts.connection, "deployment", "deployment")
    measured.observer.commit()
    for accept, parse in (("", parse_text), (OPENMETRICS, parse_openmetrics)):
        page, _ = prometheus.render(measured.collect(), accept)
        families = {family.name: family for family in parse(page.decode())}
        assert "vsm_evil" not in families
        services = {sample.labels["service_name"] for sample in families["vsm_deployment_count"].samples}
        assert services == {"shop", hostile}


@pytest.mark.parametrize(
    ("ucum", "is_gauge", "ending"),
    [
        ("s", True, "seconds"),
        ("By", False, "bytes"),
        ("1", True, "ratio"),
        ("1", False, ""),
        ("{change}", False, ""),
        ("{deployment}/d", True, "per_day"),
        ("By/s", True, "bytes_per_second"),
    ],
)
def test_units_become_endings(ucum: str, is_gauge: bool, ending: str) -> None:
    assert prometheus_names.unit_of(ucum, is_gauge=is_gauge) == ending
