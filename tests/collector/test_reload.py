"""`vsm.yaml` is read again on SIGHUP: figures change as if it had always said so, or nothing changes."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from handmade.otlp import Otlp
from otel_vsm.testing import RunningCollector, collector

WINDOW = {"from_": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}


def send(running: RunningCollector, payload: bytes) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    requests.post(f"{running.otlp()}/v1/traces", payload, headers=headers, timeout=10).raise_for_status()


def deployments(running: RunningCollector) -> int:
    figures = running.get("/api/v1/dora", **WINDOW)
    return int(figures["deployment_frequency"]["deployments"])


def counted(running: RunningCollector) -> float:
    lines = requests.get(f"{running.web}/metrics", timeout=20).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vsm_deployment_count_total"))


def until(found: Callable[[], Any], expected: Any) -> None:
    deadline = time.monotonic() + 20
    while (now := found()) != expected:
        assert time.monotonic() < deadline, f"{now} instead of {expected}"
        time.sleep(0.05)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "vsm.yaml"


def test_figures_follow_the_file(otlp: Otlp, config: Path, tmp_path: Path) -> None:
    shipped = {
        "vsm.stage.name": "ship it",
        "vsm.change.id": "github.com/acme/shop#1",
        "service.name": "shop",
        "deployment.environment.name": "live-eu",
        "deployment.id": "d-1",
    }
    config.write_text("stages: {}\n")

    def say(text: str) -> None:
        config.write_text(text)
        os.kill(running.pid, signal.SIGHUP)

    with collector("--config", str(config), data=tmp_path / "data") as running:
        send(running, otlp.payload(otlp.span(shipped)))
        assert deployments(running) == 0
        # What facts depend on: a type for the stage. And what figures look at: which names are production.
        say("stages: {ship it: {type: deploy}}\nenvironments: {production: [live-*]}\n")
        until(lambda: deployments(running), 1)
        assert counted(running) == 1
        # Figures only.
        say("stages: {ship it: {type: deploy}}\nenvironments: {production: [prod]}\n")
        until(lambda: deployments(running), 0)
        # A file that is wrong changes nothing, the whole of it.
        say("environments: {production: [live-*]}\nstages: {ship it: {type: sail}}\n")
        send(running, otlp.payload(otlp.span(shipped | {"deployment.id": "d-2"})))
        assert deployments(running) == 0
        until(lambda: counted(running), 2)
        say("environments: {production: [live-*]}\nstages: {ship it: {type: deploy}}\n")
        until(lambda: deployments(running), 2)

    with collector("--config", str(config), data=tmp_path / "data") as running:
        assert deployments(running) == 2
    config.write_text("environments: {production: [live-*]}\n")
    with collector("--config", str(config), data=tmp_path / "data") as running:
        assert deployments(running) == 0, "the ledger of other definitions was made again"
