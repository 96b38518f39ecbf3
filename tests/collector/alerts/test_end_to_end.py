"""One alert, from a span to who is told: a collector, Prometheus, Alertmanager and a receiver."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.prometheus import WAIT_S, free_address, program, prometheus, running
from otel_vsm.export import export_all
from otel_vsm.identity import ChangeId, SpanId, change_root
from otel_vsm.record import Record
from otel_vsm.testing import collector

HOUR = 3600 * 10**9
CHANGE = ChangeId("github.com/acme/shop#1")


@contextmanager
def receiver() -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    """The address of somebody who is told, and what was."""
    told: queue.Queue[Any] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def alertmanager(webhook: str, folder: Path) -> Iterator[str]:
    """The address of one that tells the webhook at once."""
    found, address = program("prometheus-alertmanager", "prometheus-alertmanager"), free_address()
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    )
    command = [
        found,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running(command, folder / "alertmanager.log"):
        yield address


@pytest.mark.monitoring
def test_who_is_told_of_an_approval_that_is_overdue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [sys.executable, "-m", "otel_vsm", "rules"]
    (tmp_path / "rules.yaml").write_text(subprocess.run(rules, capture_output=True, text=True).stdout)
    asked_at = time.time_ns() - 5 * HOUR
    change = change_root(CHANGE)
    asked = Record(
        trace_id=change.trace_id,
        span_id=SpanId("ab" * 8),
        parent_span_id=change.span_id,
        name="approval.requested",
        start_ns=asked_at,
        end_ns=asked_at,
        attributes={
            "vsm.event.name": "approval.requested",
            "vsm.change.id": CHANGE,
            "vsm.approval.gate": "board",
            "vsm.actor.type": "human",
        },
    )
    with receiver() as (webhook, told), alertmanager(webhook, tmp_path) as manager, collector() as measured:
        config = (
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules.yaml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{manager}']}}]}}]}}\n"
            "scrape_configs: [{job_name: otel-vsm, static_configs:"
            f" [{{targets: ['{urlsplit(measured.web).netloc}']}}]}}]\n"
        )
        with prometheus(config, tmp_path):
            for name, value in measured.environment().items():
                monkeypatch.setenv(name, value)
            assert export_all([asked]) == 1
            (alert,) = told.get(timeout=WAIT_S)["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "VsmApprovalOverLimit",
        "severity": "ticket",
        "vsm_approval_gate": "board",
        "vsm_actor_type": "human",
    }
    assert alert["annotations"]["summary"] == "An approval by board is overdue"
    assert alert["annotations"]["runbook_url"] == "docs/runbooks.md#vsmapprovaloverlimit"
