"""A run of pytest, told as a stage of its change: `pytest -p otel_vsm.pytest_plugin`.

Within a command of `otel-vsm stage` it is a stage within that one. What goes wrong is a line on stderr.
"""

import os
import time
from typing import Any

from otel_vsm.call import options_of_environment
from otel_vsm.context import Subject, trace_parent_of_change
from otel_vsm.emit import Run, stage
from otel_vsm.junit import TestCounts
from otel_vsm.reports import attributes_of_tests
from otel_vsm.semconv import StageType, TaskResult
from otel_vsm.wrapper import export_record, find_context_safely, new_span_id, origin_of

_NAME = "otel_vsm_stage"
# By pytest's exit codes; others are errors: of its use, of a plugin, no tests.
_RESULTS = {0: TaskResult.SUCCESS, 1: TaskResult.FAILURE, 2: TaskResult.CANCELLATION}


def pytest_addoption(parser: Any) -> None:
    parser.getgroup("otel-vsm").addoption(
        "--vsm-stage", dest=_NAME, default="pytest", metavar="NAME", help="What the stage is called."
    )


def pytest_configure(config: Any) -> None:
    # pytest-xdist's workers hand what they see to the process that started them.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Stage(config.getoption(_NAME)), _NAME)


class _Stage:
    def __init__(self, name: str) -> None:
        self._name = name
        self._counts = TestCounts()
        self._outcomes: dict[str, tuple[bool, bool, float]] = {}
        self._start_ns, self._started = time.time_ns(), time.monotonic_ns()
        self._exit_code = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test; its last one, or the announcement of another try, ends the test."""
        failed, skipped, duration_s = self._outcomes.pop(report.nodeid, (False, False, 0.0))
        again = report.outcome == "rerun"
        failed, skipped = failed or again or report.failed, skipped or report.skipped
        duration_s += report.duration
        if again or report.when == "teardown":
            self._counts.add(
                report.nodeid, failed=failed, skipped=skipped, flaky=False, duration_s=duration_s
            )
        else:
            self._outcomes[report.nodeid] = failed, skipped, duration_s

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._exit_code = int(exitstatus)

    def pytest_unconfigure(self) -> None:
        """By now pytest has given the terminal back."""
        common = options_of_environment()
        context = find_context_safely(common, Subject.WORK)
        parent = trace_parent_of_change(context.change, os.environ)
        run = Run(
            span_id=new_span_id(),
            start_ns=self._start_ns,
            end_ns=self._start_ns + time.monotonic_ns() - self._started,
            result=_RESULTS.get(self._exit_code, TaskResult.ERROR),
            exit_code=self._exit_code,
        )
        export_record(
            context,
            lambda: stage(
                origin_of(common, context, parent),
                run,
                name=self._name,
                type=StageType.TEST,
                reports=attributes_of_tests(self._counts),
            ),
        )
