"""What a stage's own reports say of it, as attributes: of tests in JUnit's XML, of scanners in SARIF."""

from collections.abc import Sequence
from pathlib import Path

from otel_vsm import semconv
from otel_vsm.junit import TestCounts, read_reports
from otel_vsm.record import Value
from otel_vsm.sarif import MalformedReport, read_findings
from otel_vsm.text import one_line, sendable


def report_attributes(
    junit: Sequence[str], sarif: Sequence[str], *, since_ns: int
) -> tuple[dict[str, Value], list[str]]:
    """The attributes, and what could not be read, in words for the user.

    `junit` are patterns of files; those written before `since_ns` are of another run.
    """
    attributes: dict[str, Value] = {}
    counts, problems = read_reports(junit, since_ns=since_ns)
    if counts:
        attributes |= attributes_of_tests(counts)
    for path in sarif:
        try:
            found = read_findings(Path(path))
        except (OSError, MalformedReport) as error:
            reason = getattr(error, "strerror", None) or str(error)
            problems.append(f"the report {one_line(path)} is left out: {reason}")
            continue
        for severity, count in found.items():
            key = f"{_FINDINGS}.{severity}"
            attributes[key] = int(attributes.get(key, 0)) + count
    return attributes, problems


_FINDINGS = semconv.VSM_SECURITY_FINDINGS_NONE.rpartition(".")[0]


def attributes_of_tests(counts: TestCounts) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        semconv.VSM_TEST_TOTAL: counts.total,
        semconv.VSM_TEST_FAILED: counts.failed,
        semconv.VSM_TEST_SKIPPED: counts.skipped,
        semconv.VSM_TEST_FLAKY: counts.flaky,
    }
    if counts.slowest:
        attributes[semconv.VSM_TEST_SLOWEST_NAME] = sendable(one_line(counts.slowest))
        attributes[semconv.VSM_TEST_SLOWEST_DURATION] = counts.slowest_s
    return attributes
