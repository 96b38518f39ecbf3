"""`otel-vsm map` from outside, of a collector with the demo's history."""

import csv
import json
import subprocess
import sys

import pytest

from otel_vsm.testing import RunningCollector

pytestmark = pytest.mark.browser


def drawn(collector: RunningCollector, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from otel_vsm.cli import main; main()", "map", "--url", collector.web]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)


def test_the_map_is_drawn_in_every_format(looked_at: RunningCollector) -> None:
    found = json.loads(drawn(looked_at, "--window", "90d", "--format", "json").stdout)
    names = [stage["name"] for step in found["steps"] for stage in step]
    assert names[0] == "build"
    written = {
        form: drawn(looked_at, "--window", "90d", "--format", form).stdout
        for form in ("text", "svg", "html", "markdown", "mermaid", "csv")
    }
    for form, text in written.items():
        assert all(name in text for name in names), form
    lines = written["text"].splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == names
    assert f"Bottleneck: {found['bottleneck']['reason']}"[:60] in written["text"]
    assert written["svg"].startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert written["html"].count("<svg ") == 1
    assert written["mermaid"].startswith("flowchart LR\n")
    assert [row[0] for row in csv.reader(written["csv"].splitlines())][2:] == names


def test_what_cannot_be_drawn_says_why(looked_at: RunningCollector) -> None:
    assert "No stage ended in this window" in drawn(looked_at, "--service", "nobody").stdout
    refused = drawn(looked_at, "--window", "1m", "--format", "svg")
    assert refused.returncode != 0
    assert "minutes or months" in refused.stderr
