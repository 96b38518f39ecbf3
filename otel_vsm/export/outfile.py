"""Telemetry into a file, for pipelines that reach no endpoint: `otel-vsm flush FILE` sends it."""

import fcntl
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from otel_vsm.call import OUTFILE_VARIABLE
from otel_vsm.export.endpoint import switched_off_reason
from otel_vsm.export.exporters import ExportResult, Outcome
from otel_vsm.export.parcel import Parcel
from otel_vsm.text import one_line


def outfile(env: Mapping[str, str] = os.environ) -> Path | None:
    """The file that telemetry is to be written to; None where it is to be sent, or is off."""
    path = env.get(OUTFILE_VARIABLE, "")
    return Path(path) if path and not switched_off_reason(env) else None


def append(path: Path, parcels: Iterable[Parcel]) -> ExportResult:
    """Write the parcels to the end of the file, as one line that no other process writes into."""
    from otel_vsm.export.encode import EncodingError, request_of
    from otel_vsm.export.otlp_json import to_line

    try:
        line = to_line(request_of(parcels)).encode()
    except EncodingError as error:
        return ExportResult(Outcome.REFUSED, f"the spans could not be encoded: {one_line(str(error))}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with suppress(OSError):  # some file systems have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write_whole(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as error:
        return ExportResult(Outcome.UNAVAILABLE, error.strerror or str(error))
    return ExportResult(Outcome.ACCEPTED)


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write the line, or nothing: a part of it would spoil the next one too."""
    size = os.fstat(descriptor).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
