"""A real Prometheus scrapes the collector."""

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

from otel_vsm import identity

WAIT_S = 60


@pytest.fixture
def prometheus(web: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes the collector."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    config = tmp_path / "prometheus.yml"
    target = urlsplit(web.url).netloc
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


def test_prometheus_finds_what_the_collector_counted(web: Any, prometheus: str) -> None:
    now = time.time_ns()
    root = identity.change_root("r#1")
    web.facts.insert(
        "delivery", change_id="r#1", repository="r", service="shop", environment="production",
        lead_time_s=7200.0, delivered_at=now, trace_id=root.trace_id,
    )  # fmt: skip
    web.facts.insert(
        "incident", id="i", service="shop", environment="production", severity="high", started_at=now
    )
    web.metrics.observer.observe_everything(web.facts.connection)
    web.metrics.observer.commit()

    (lead,) = answer(prometheus, "query", query="vsm_change_lead_time_seconds_sum")
    assert lead["value"][1] == "7200"
    assert lead["metric"]["vcs_repository_name"] == "r"
    assert lead["metric"]["service_name"] == "shop"
    (incidents,) = answer(prometheus, "query", query='vsm_incident_active{vsm_incident_severity="high"}')
    assert incidents["value"][1] == "1"
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
    (exemplar,) = series["exemplars"]
    assert exemplar["labels"] == {"trace_id": root.trace_id, "span_id": root.span_id}
    assert exemplar["value"] == "7200"
