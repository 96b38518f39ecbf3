"""What reports of tests in JUnit's XML say, read as a stream: a report may be larger than memory."""

import copy
import glob
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from otel_vsm.text import one_line

_CHUNK_BYTES = 1 << 16
MAX_FAILED = 100_000
"""Failed tests whose names are remembered, to know them again when they are run again."""
STALE_NS = 2_000_000_000
"""How much older than the run a report may be: some file systems keep times in steps of two seconds."""


class MalformedReport(ValueError):
    """The file is no report of tests."""


@dataclass(slots=True)
class TestCounts:
    """How many tests there were, and what became of them; times in seconds."""

    __test__ = False  # this is no test itself

    total: int = 0
    failed: int = 0
    """With an error or a failure, and not well when run again."""
    skipped: int = 0
    flaky: int = 0
    """That failed and were well when run again: they count as passed."""
    slowest: str | None = None
    slowest_s: float = 0.0
    _failed: set[int] = field(default_factory=set)

    def add(self, name: str, *, failed: bool, skipped: bool, flaky: bool, duration_s: float) -> None:
        """One test case; one of the same name as a failed one is its next try."""
        key = hash(name)
        if key in self._failed:
            if not failed and not skipped:
                self._failed.discard(key)
                self.failed, self.flaky = self.failed - 1, self.flaky + 1
        else:
            self.total += 1
            self.failed += failed
            self.skipped += skipped
            self.flaky += flaky
            if failed and len(self._failed) < MAX_FAILED:
                self._failed.add(key)
        if duration_s > self.slowest_s:
            self.slowest, self.slowest_s = name, duration_s


def read_reports(patterns: Iterable[str], *, since_ns: int) -> tuple[TestCounts | None, list[str]]:
    """What the reports say that the patterns name and that were written since then, and what is wrong.

    None where there is none.
    """
    counts = None
    problems = []
    for pattern in patterns:
        paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 -- may be absolute
        fresh = [path for path in paths if path.stat().st_mtime_ns >= since_ns - STALE_NS]
        if not fresh:
            stale = f"; {len(paths):,} older than this run" if paths else ""
            problems.append(f"no report of tests is called {one_line(pattern)}{stale}")
        for path in fresh:
            try:
                counts = read_report(path, counts or TestCounts())
            except (OSError, MalformedReport) as error:
                problems.append(f"the report {one_line(str(path))} is left out: {one_line(str(error))}")
    return counts, problems


def read_report(path: Path, before: TestCounts) -> TestCounts:
    """The counts, with what the report says added.

    OSError where it cannot be read, MalformedReport where it is none, or breaks off.
    """
    reader = _Reader(copy.deepcopy(before))
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    # Nobody writes entities of their own into a report, but who wants to fill the memory of its reader.
    parser.EntityDeclHandler = reader.entity
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MalformedReport(f"it is no XML ({error})") from None
    return reader.counts


class _Reader:
    """What the parser tells of a report, which may be as large as it likes, one test after the other."""

    def __init__(self, counts: TestCounts) -> None:
        self.counts = counts
        self._depth = 0
        self._case: dict[str, str] = {}
        self._outcomes: set[str] = set()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = name.rpartition(":")[2]
        if self._depth == 1 and name not in ("testsuites", "testsuite"):
            raise MalformedReport("it is no report in JUnit's format")
        if name == "testcase":
            self._case, self._outcomes = attributes, set()
        else:
            self._outcomes.add(name)

    def end(self, name: str) -> None:
        self._depth -= 1
        if name.rpartition(":")[2] != "testcase":
            return
        self.counts.add(
            ".".join(filter(None, (self._case.get("classname"), self._case.get("name")))),
            failed=bool(self._outcomes & {"failure", "error"}),
            skipped="skipped" in self._outcomes,
            flaky=bool(self._outcomes & {"flakyFailure", "flakyError"}),
            duration_s=_seconds(self._case.get("time", "")),
        )

    def entity(self, *_: object) -> None:
        raise MalformedReport("it declares entities")


def _seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < float("inf") else 0.0
