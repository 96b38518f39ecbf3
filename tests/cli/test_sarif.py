"""Findings of scanners, by severity."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import Cli, without_history
from otel_vsm.sarif import MalformedReport, read_findings
from otel_vsm.testing import OtlpReceiver


def sarif(*results: dict[str, Any]) -> str:
    rules = [
        {"id": "worst", "properties": {"security-severity": "9.8"}},
        {"id": "noted", "defaultConfiguration": {"level": "note"}},
    ]
    return json.dumps({"runs": [{"tool": {"driver": {"name": "x", "rules": rules}}, "results": results}]})


REPORT = sarif(
    {"ruleId": "worst", "level": "note"},
    {"ruleId": "noted"},
    {"ruleId": "unknown"},
    {"level": "error"},
    {"level": "none"},
    {"level": "error", "suppressions": [{"kind": "inSource"}]},
    {"ruleId": "worst", "properties": {"security-severity": 5}},
)


def test_findings_by_severity(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(REPORT)
    assert read_findings(tmp_path / "a") == {"critical": 1, "high": 1, "medium": 2, "low": 1, "none": 1}
    (tmp_path / "a").write_text('{"runs": []}')
    assert set(read_findings(tmp_path / "a").values()) == {0}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": 7}', '{"runs": [7]}', "[" * 99_999, "\xff"])
def test_what_is_no_sarif_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text, encoding="latin-1")
    with pytest.raises(MalformedReport):
        read_findings(tmp_path / "a")


def test_a_stage_tells_of_its_findings(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    (cli.cwd / "made.sarif").write_text(REPORT)
    command = ("stage", "security", "--sarif", "made.sarif", "--sarif", "made.sarif", "--sarif", "none")
    done = cli(*command, "--", "true")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["vsm.security.findings.medium"] == 4
    assert record.attributes["vsm.security.findings.critical"] == 2
