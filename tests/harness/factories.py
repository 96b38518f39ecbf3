"""The functions that fixtures of all tests give."""

import subprocess
from typing import Any, Protocol

from otel_vsm.record import Record


class NewRecord(Protocol):
    def __call__(self, name: str = "build", **replaced: Any) -> Record:
        """A record of a change; keyword arguments replace what it has."""


class RunPython(Protocol):
    def __call__(self, code: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run code in a Python of its own, which finds the same packages, installed or not."""
