"""The alerts about the collector: Prometheus takes them, and they fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from otel_vsm_collector.metrics import prometheus
from otel_vsm_collector.metrics.collect import Metrics

RULES = Path(__file__).parents[3] / "docs" / "prometheus-alerts.yaml"
BAD = {
    "OtelVsmBehind": ("vsm_collector_lag_seconds", "400x30"),
    "OtelVsmJournalDamaged": ("vsm_collector_journal_damaged", "2x30"),
    "OtelVsmRejectsSpans": ("vsm_collector_span_rejected_total", "0+1x30"),
    "OtelVsmShowsNotAll": ("vsm_collector_metric_overflow", "1x30"),
}


def test_each_is_about_a_metric_that_there_is(measured: Metrics) -> None:
    page, _ = prometheus.render(measured.collect(), "")
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            (name,) = re.findall(r"vsm_\w+", rule["expr"])
            assert re.search(rf"^{name}[ {{]", page.decode(), re.MULTILINE), name


def test_each_fires_when_it_should_and_not_while_all_is_well(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    well = [{"series": name, "values": "0x30"} for name, _ in BAD.values()]
    expected = [{"eval_time": "20m", "alertname": name, "exp_alerts": []} for name in (*BAD, "OtelVsmGone")]
    cases = [{"interval": "1m", "input_series": well, "alert_rule_test": expected}]
    for alert, (name, values) in BAD.items():
        series = [{"series": name, "values": values}]
        cases.append({"interval": "1m", "input_series": series, "alert_rule_test": [fires(alert, values)]})
    gone = [{"series": "other", "values": "0x30"}]
    cases.append({"interval": "1m", "input_series": gone, "alert_rule_test": [fires("OtelVsmGone", "")]})
    (tmp_path / "tests.yaml").write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": cases})
    )
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "tests.yaml"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fires(alert: str, values: str) -> dict[str, object]:
    """With the labels and the sentence that its rule has."""
    rules = {
        rule["alert"]: rule
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
    }
    rule = rules[alert]
    summary = rule["annotations"]["summary"].replace("{{ $value }}", values.partition("x")[0])
    firing = {"exp_labels": rule["labels"], "exp_annotations": {"summary": summary}}
    return {"eval_time": "20m", "alertname": alert, "exp_alerts": [firing]}
