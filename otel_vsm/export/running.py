"""Stages that run now, on disk: where their wrapper is killed, another process tells that they began.

Each is a parcel with the event that the stage began, locked for as long as the wrapper lives.
"""

from contextlib import suppress

from otel_vsm.export.parcel import Parcel, current_resource
from otel_vsm.export.spool import LockedEntry, Spool
from otel_vsm.record import Record
from otel_vsm.state import state_directory


def put(started: Record) -> LockedEntry | None:
    """Keep the event that a stage began until it is removed; OSError where that cannot be."""
    directory = _directory()
    return directory.put(Parcel(resource=current_resource(), records=(started,))) if directory else None


def spool_abandoned(spool: Spool) -> None:
    """Put the events of stages whose wrappers are dead into the spool; OSError where that cannot be."""
    if directory := _directory():
        for entry in directory.locked_entries():
            with suppress(FileNotFoundError):
                entry.entry.path.rename(spool.directory / entry.entry.path.name)
            entry.release()


def _directory() -> Spool | None:
    state = state_directory()
    return Spool(state / "running") if state else None
