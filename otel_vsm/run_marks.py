"""What was told once in a run of a pipeline and need not be told by each of its jobs and steps again.

A mark is an empty file in the state directory. Where none can be kept, things are told more often, which
changes nothing: they are the same spans.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from otel_vsm.export.endpoint import EndpointError, read_endpoint
from otel_vsm.state import private_directory, state_directory

VALID_S = 3600
"""A tool that plays pipelines on a desk gives every run the same id."""


def is_marked(mark: str) -> bool:
    """Whether it was marked within the last hour. Never raises."""
    with suppress(OSError):
        return time.time() - _file(mark).stat().st_mtime < VALID_S
    return False


def set_mark(mark: str) -> None:
    """Mark it, and take marks away that are no longer valid. Never raises."""
    with suppress(OSError):
        file = _file(mark)
        for other in file.parent.iterdir():
            with suppress(OSError):
                if time.time() - other.stat().st_mtime >= VALID_S:
                    other.unlink()
        file.touch(mode=0o600)


def mark_of(run: str, *what: str, env: Mapping[str, str] = os.environ) -> str:
    """The mark of something told in a run to where the environment sends telemetry."""
    receiver = ""
    with suppress(EndpointError):
        receiver = read_endpoint(env).url
    return sha256("\0".join((run, receiver, *what)).encode(errors="replace")).hexdigest()


def _file(mark: str) -> Path:
    state = state_directory()
    if state is None:
        raise OSError("no folder can be written")
    return private_directory(state / "runs") / mark
