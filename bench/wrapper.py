"""What `otel-vsm stage` adds to a command: before it starts, and in all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.yardsticks import percentile
from otel_vsm.testing import collector

_WRAPPER = (sys.executable, "-c", "from otel_vsm.cli import main; main()", "stage", "bench", "--")
_STARTS, _WHOLES = 30, 10


def report() -> Iterator[str]:
    """Sentences with the figures."""
    with TemporaryDirectory() as folder, collector() as running:
        # A repository of its own, so that the wrapper has what to look up and finds the same everywhere.
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        env = {**os.environ, **running.environment(), "OTEL_VSM_CHANGE_ID": "local/bench#1"}
        cwd = Path(folder)
        bare_ms = _median(_start_ms((), cwd, env) for _ in range(_STARTS))
        wrapped_ms = _median(_start_ms(_WRAPPER, cwd, env) for _ in range(_STARTS))
        python_ms = _median(_whole_ms((sys.executable, "-c", "pass"), cwd, env) for _ in range(_STARTS))
        yield (
            f"Before the child starts: {wrapped_ms - bare_ms:.0f} ms (target 45), median of {_STARTS};"
            f" a Python that does nothing takes {python_ms:.0f} ms here."
        )
        child = ("sleep", "1")
        alone_ms = _median(_whole_ms(child, cwd, env) for _ in range(_WHOLES))
        whole_ms = _median(_whole_ms((*_WRAPPER, *child), cwd, env) for _ in range(_WHOLES))
        yield (
            f"In all, around a child of 1 s, its span sent and acknowledged: {whole_ms - alone_ms:.0f} ms"
            f" (target 100), median of {_WHOLES}."
        )


def _start_ms(wrapper: Sequence[str], cwd: Path, env: dict[str, str]) -> float:
    """From the call until the child reads the clock."""
    start = time.time_ns()
    command = [*wrapper, "date", "+%s%N"]
    completed = subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return (int(completed.stdout) - start) / 1e6


def _whole_ms(command: Sequence[str], cwd: Path, env: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True)
    return (time.perf_counter() - start) * 1e3


def _median(values: Iterator[float]) -> float:
    return percentile(list(values), 50)
