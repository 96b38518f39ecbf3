"""A run of pytest as a stage."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.cli import Cli, without_history
from otel_vsm.identity import change_root
from otel_vsm.testing import OtlpReceiver

TESTS = """
import pytest
def test_good(): pass
def test_bad(): assert False
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
@pytest.mark.skip
def test_skipped(): pass
@pytest.fixture
def broken_later():
    yield
    raise ValueError
def test_error_later(broken_later): pass
"""


def run_pytest(cli: Cli, *arguments: str, tests: str = TESTS) -> "subprocess.CompletedProcess[str]":
    (cli.cwd / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "otel_vsm.pytest_plugin", *arguments]
    # Where the program that is tested finds its own modules, which need not be installed.
    env = {**cli.env, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, env=env, cwd=cli.cwd, capture_output=True, text=True)


def test_it_is_told_with_its_tests(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    done = run_pytest(cli, "--vsm-stage", "unit")
    assert (done.returncode, done.stderr) == (1, "")
    [record] = without_history(otlp_receiver.records)
    assert (record.name, record.failed) == ("unit", True)
    assert record.trace_id == change_root("github.com/acme/shop#12").trace_id
    told = record.attributes
    assert [told[f"vsm.test.{name}"] for name in ("total", "failed", "skipped", "flaky")] == [5, 3, 1, 0]
    assert told["vsm.stage.type"] == "test"
    assert told["cicd.pipeline.task.run.result"] == "failure"


@pytest.mark.skipif(not find_spec("xdist"), reason="pytest-xdist is not installed")
def test_workers_tell_nothing_of_their_own(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    assert run_pytest(cli, "-n2").returncode == 1
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["vsm.test.total"] == 5


@pytest.mark.parametrize(("tests", "code", "result"), [("", 5, "error"), ("def test(): pass", 0, "success")])
def test_how_it_ended(cli: Cli, otlp_receiver: OtlpReceiver, tests: str, code: int, result: str) -> None:
    assert run_pytest(cli, tests=tests).returncode == code
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["cicd.pipeline.task.run.result"] == result


def test_a_test_that_is_run_again_is_flaky() -> None:
    from types import SimpleNamespace

    from otel_vsm.pytest_plugin import _Stage

    stage = _Stage("unit")
    for outcome, when in (("passed", "setup"), ("rerun", "call"), ("passed", "call"), ("passed", "teardown")):
        failed, skipped = outcome == "failed", outcome == "skipped"
        report = SimpleNamespace(
            nodeid="a", outcome=outcome, when=when, failed=failed, skipped=skipped, duration=0.1
        )
        stage.pytest_runtest_logreport(report)
    assert (stage._counts.total, stage._counts.failed, stage._counts.flaky) == (1, 0, 1)


def test_without_an_endpoint_it_does_nothing(quiet: Cli) -> None:
    done = run_pytest(quiet)
    assert (done.returncode, done.stderr) == (1, "")
