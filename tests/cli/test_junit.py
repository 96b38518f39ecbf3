"""Reports of tests as tools write them, and as nobody should."""

import os
import time
from pathlib import Path

import pytest

from harness.cli import Cli, without_history
from harness.factories import RunPython
from otel_vsm.junit import MalformedReport, TestCounts, read_report, read_reports
from otel_vsm.testing import OtlpReceiver

PYTEST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="5" failures="1" errors="1" skipped="1" time="3.2">
<testcase classname="tests.test_cart" name="test_add" time="0.5"/>
<testcase classname="tests.test_cart" name="test_pay" time="2.5"><failure message="no">x</failure></testcase>
<testcase classname="tests.test_cart" name="test_ship" time="0.1"><error message="no"/></testcase>
<testcase classname="tests.test_cart" name="test_old" time="0"><skipped/></testcase>
<testcase classname="tests.test_cart" name="test_ok" time="0.1"><system-out>out</system-out></testcase>
</testsuite></testsuites>"""
# As Maven's Surefire tells of tests that it ran again.
SUREFIRE = """<testsuite name="CartTest">
<testcase classname="CartTest" name="flaky" time="1,234.5"><flakyFailure message="at first"/></testcase>
<testcase classname="CartTest" name="broken" time="1"><failure/><rerunFailure/></testcase>
</testsuite>"""
# As pytest-rerunfailures does.
AGAIN = """<testsuite>
<testcase classname="a" name="b" time="1"><failure/></testcase>
<testcase classname="a" name="b" time="1"><failure/></testcase>
<testcase classname="a" name="b" time="1"/>
<testcase classname="a" name="c" time="1"><failure/></testcase>
<testcase classname="a" name="c" time="1"><failure/></testcase>
</testsuite>"""


def counted(path: Path, text: str) -> tuple[int, int, int, int, str | None, float]:
    path.write_text(text)
    counts = read_report(path, TestCounts())
    return counts.total, counts.failed, counts.skipped, counts.flaky, counts.slowest, counts.slowest_s


def test_what_tools_write(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert counted(report, PYTEST) == (5, 2, 1, 0, "tests.test_cart.test_pay", 2.5)
    assert counted(report, SUREFIRE) == (2, 1, 0, 1, "CartTest.flaky", 1234.5)
    assert counted(report, AGAIN) == (2, 1, 0, 1, "a.b", 1.0)
    assert counted(report, "<testsuites/>") == (0, 0, 0, 0, None, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        "<html/>",
        PYTEST[:-5],
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>',
    ],
)
def test_what_is_no_report_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(MalformedReport):
        read_report(tmp_path / "a.xml", TestCounts())
    (tmp_path / "b.xml").write_text(AGAIN)
    counts, problems = read_reports([str(tmp_path / "*.xml")], since_ns=0)
    assert counts and (counts.total, counts.failed) == (2, 1)
    assert len(problems) == 1


def test_reports_of_another_run_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(PYTEST)
    os.utime(tmp_path / "old.xml", (time.time() - 3600,) * 2)
    pattern = str(tmp_path / "**" / "*.xml")
    assert read_reports([pattern], since_ns=time.time_ns()) == (
        None,
        [f"no report of tests is called {pattern}; 1 older than this run"],
    )
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "new.xml").write_text(AGAIN)
    counts, problems = read_reports([pattern], since_ns=time.time_ns())
    assert counts and counts.total == 2
    assert problems == []


def test_a_large_report_is_read_in_little_memory(tmp_path: Path, run_python: RunPython) -> None:
    case = '<testcase classname="suite.{0}" name="test" time="0.1"><failure>{1}</failure></testcase>\n'
    with (tmp_path / "large.xml").open("w") as file:
        file.write("<testsuite>")
        for number in range(2_000):
            file.write(case.format(number, "x" * 50_000))
        file.write("</testsuite>")
    assert (tmp_path / "large.xml").stat().st_size > 100e6
    limit = 200 << 20
    done = run_python(
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))\n"
        "from pathlib import Path\n"
        "from otel_vsm.junit import TestCounts, read_report\n"
        f"print(read_report(Path({str(tmp_path / 'large.xml')!r}), TestCounts()).failed)"
    )
    assert done.stdout == "2000\n", done.stderr


def test_a_stage_tells_of_its_tests(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    (cli.cwd / "made.xml").write_text(PYTEST)
    script = "mkdir reports; cat made.xml > reports/one.xml; exit 1"
    done = cli("stage", "test", "--junit", "reports/*.xml", "--junit", "none/*.xml", "--", "sh", "-c", script)
    assert done.returncode == 1
    assert done.stderr == "otel-vsm: warning: no report of tests is called none/*.xml\n"
    [record] = without_history(otlp_receiver.records)
    told = {key: value for key, value in record.attributes.items() if key.startswith("vsm.test.")}
    assert told == {
        "vsm.test.total": 5,
        "vsm.test.failed": 2,
        "vsm.test.skipped": 1,
        "vsm.test.flaky": 0,
        "vsm.test.slowest.name": "tests.test_cart.test_pay",
        "vsm.test.slowest.duration": 2.5,
    }
