"""A pipeline that reaches no endpoint writes to a file, and somebody else sends that."""

import json
import os
from pathlib import Path

import pytest

from harness.cli import Cli, Repository, without_history
from otel_vsm.testing import BAD_REQUEST, BUSY, OtlpReceiver


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_what_was_written_is_what_would_have_been_sent(
    quiet: Cli, cli: Cli, otlp_receiver: OtlpReceiver, tmp_path: Path
) -> None:
    command = ("stage", "build", "--outfile", "spans.jsonl", "--attribute", "a=ä☃")
    done = quiet(*command, "--", "sh", "-c", "exit 3", cwd=quiet.cwd)
    assert (done.returncode, done.stderr) == (3, "")
    file = quiet.cwd / "spans.jsonl"
    [line] = lines(file)
    assert file.stat().st_mode & 0o777 == 0o600
    [resource] = json.loads(line)["resourceSpans"]
    span = next(span for span in resource["scopeSpans"][0]["spans"] if span["name"] == "build")
    assert (len(span["traceId"]), len(span["spanId"]), span["status"]["code"]) == (32, 16, 2)
    assert cli("flush", str(file)).stdout.startswith("Sent ")
    [record] = without_history(otlp_receiver.records)
    assert (record.trace_id, record.span_id, record.failed) == (span["traceId"], span["spanId"], True)
    assert record.attributes["a"] == "ä☃"
    assert record.start_ns == int(span["startTimeUnixNano"])
    assert lines(file) == [line]


def test_nothing_is_sent_and_what_was_left_goes_along(
    cli: Cli, otlp_receiver: OtlpReceiver, tmp_path: Path
) -> None:
    with otlp_receiver.refusing():
        cli("stage", "left", "--", "true")
    file = tmp_path / "spans.jsonl"
    done = cli(
        "stage",
        "outer",
        "--",
        cli.program,
        "stage",
        "inner",
        "--",
        "true",
        env={"OTEL_VSM_OUTFILE": str(file)},
    )
    assert (done.returncode, done.stderr, otlp_receiver.requests) == (0, "", [])
    names = [
        span["name"]
        for line in lines(file)
        for resource in json.loads(line)["resourceSpans"]
        for span in resource["scopeSpans"][0]["spans"]
    ]
    assert {"left", "inner", "outer"} <= set(names)
    assert cli("flush").stdout == "Nothing is spooled.\n"


def test_every_command_that_tells_writes(quiet: Cli, shop: Repository, tmp_path: Path) -> None:
    shop.git("tag", "v1.0.0")
    quiet.env["OTEL_VSM_OUTFILE"] = str(tmp_path / "spans.jsonl")
    for command in (
        ("deploy", "--service", "shop", "--environment", "production"),
        ("change", "opened"),
        ("begin", "test"),
        ("backfill", "git", ".", "--service", "shop"),
    ):
        done = quiet(*command)
        assert (done.returncode, done.stderr) == (0, "")
        assert lines(tmp_path / "spans.jsonl")
        (tmp_path / "spans.jsonl").unlink()
    quiet.env["OTEL_SDK_DISABLED"] = "true"
    assert quiet("change", "opened").returncode == 0
    assert not (tmp_path / "spans.jsonl").exists()


def test_writers_side_by_side_share_the_file(quiet: Cli, tmp_path: Path) -> None:
    quiet.env["OTEL_VSM_OUTFILE"] = str(tmp_path / "spans.jsonl")
    running = [quiet.start("stage", f"part-{number}", "--", "true") for number in range(8)]
    assert [one.wait(timeout=60) for one in running] == [0] * 8
    assert len(lines(tmp_path / "spans.jsonl")) == 8
    for line in lines(tmp_path / "spans.jsonl"):
        json.loads(line)


def test_a_file_that_cannot_be_written_loses_nothing(quiet: Cli) -> None:
    done = quiet("stage", "x", "--", "sh", "-c", "exit 3", env={"OTEL_VSM_OUTFILE": "/dev/full"})
    assert done.returncode == 3
    assert os.strerror(28) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    [entry] = (Path(quiet.env["OTEL_VSM_STATE_DIR"]) / "spool").iterdir()
    assert entry.stat().st_size


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"resourceMetrics":[]}',
        '{"resourceSpans":7}',
        "[" * 100_000,
        '{"resourceSpans":[{',
    ],
)
def test_a_line_that_is_none_does_not_hold_up_the_rest(
    cli: Cli, otlp_receiver: OtlpReceiver, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "spans.jsonl"
    cli("change", "opened", "--outfile", str(file))
    file.write_text(f"{line}\n\n{file.read_text()}")
    done = cli("flush", str(file))
    assert done.returncode == 1
    assert done.stderr == "Left out: 1 lines that are no traces in OTLP/JSON.\n"
    assert len(otlp_receiver.records) == 1


def test_what_could_not_be_sent_of_a_file_is_said(
    cli: Cli, otlp_receiver: OtlpReceiver, tmp_path: Path
) -> None:
    file = tmp_path / "spans.jsonl"
    cli("change", "opened", "--outfile", str(file))
    otlp_receiver.response = BAD_REQUEST
    done = cli("flush", str(file))
    assert (done.returncode, done.stderr) == (1, "Refused: 1 span (HTTP 400: not understood).\n")
    otlp_receiver.response = BUSY
    done = cli("flush", "-", input=file.read_text(), env={"OTEL_EXPORTER_OTLP_TIMEOUT": "500"})
    assert done.returncode == 1
    assert "took 0 spans and then no more (HTTP 503: too busy)" in done.stderr
