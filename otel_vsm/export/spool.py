"""What could not be sent yet, on disk until a later process sends it.

A file per parcel, named by when it was written and how many spans it holds. Processes share the folder:
who works on a file holds a lock on it, which the system takes back when the process dies, however it dies.
"""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from otel_vsm.export.parcel import DamagedParcel, Parcel
from otel_vsm.state import private_directory, state_directory

MAX_FILES = 2_000
MAX_BYTES = 16 * 1024 * 1024
MAX_AGE_S = 7 * 24 * 3600.0
"""After a week nobody will mend the endpoint; and what an endpoint fails on is not tried for ever."""

_SUFFIX = ".spans"
_UNFINISHED = ".writing"
_UNFINISHED_AGE_S = 3600.0


class Entry(NamedTuple):
    """A file of the spool, as its name tells it."""

    path: Path
    written_ns: int
    spans: int
    bytes: int


@dataclass(slots=True)
class LockedEntry:
    """A file of the spool that this process alone works on, until it is removed or released."""

    entry: Entry
    parcel: Parcel
    _handle: int

    def remove(self) -> None:
        """The parcel was acknowledged, or will never be: remove its file."""
        with suppress(FileNotFoundError):
            self.entry.path.unlink()
        self.release()

    def release(self) -> None:
        """Leave the file to whoever comes next."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Spool:
    """The spool in one folder. Every method may raise OSError."""

    def __init__(self, directory: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self.directory = private_directory(directory)
        self._max_files = max_files
        self._max_bytes = max_bytes

    @classmethod
    def of_this_user(cls) -> Self:
        """The spool of this user; OSError where there is no place for one."""
        state = state_directory()
        if state is None:
            raise OSError("no folder can be written; set OTEL_VSM_STATE_DIR to one")
        return cls(state / "spool")

    def entries(self) -> list[Entry]:
        """What is kept, oldest first."""
        entries = []
        with os.scandir(self.directory) as files:
            for file in files:
                with suppress(ValueError, FileNotFoundError):
                    # Not what a name points to: a link put there must not make us read another file.
                    entries.append(_entry(Path(file.path), file.stat(follow_symlinks=False)))
        return sorted(entries, key=lambda entry: (entry.written_ns, entry.path.name))

    def put(self, parcel: Parcel) -> LockedEntry:
        """Keep a parcel: whole or not at all, and locked until it is released."""
        data = parcel.to_text().encode("ascii")
        if len(data) > self._max_bytes:
            raise OSError(f"{len(data):,} bytes are more than the spool may hold ({self._max_bytes:,})")
        name = f"{time.time_ns():020d}-{len(parcel.records)}-{secrets.token_hex(4)}"
        unfinished = self.directory / (name + _UNFINISHED)
        path = self.directory / (name + _SUFFIX)
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            # Locked before it gets its name, so that nobody takes it in between. The lock is the file's, and
            # stays with it when it is renamed.
            _lock(handle)
            with open(handle, "wb", closefd=False) as file:
                file.write(data)
            unfinished.rename(path)
        except BaseException:
            os.close(handle)
            unfinished.unlink(missing_ok=True)
            raise
        return LockedEntry(_entry(path, path.lstat()), parcel, handle)

    def locked_entries(self) -> Iterator[LockedEntry]:
        """Lock what is kept, oldest first, and leave out what another process works on.

        Files that cannot be read are removed on the way: no later version will read them either.
        """
        for entry in self.entries():
            handle = self._lock_entry(entry)
            if handle is None:
                continue
            try:
                parcel = _read(handle)
            except DamagedParcel:
                entry.path.unlink(missing_ok=True)
                os.close(handle)
                continue
            yield LockedEntry(entry, parcel, handle)

    def trim(self) -> int:
        """Remove what is too old, and the oldest of what is too much; how many spans that were."""
        now_s = time.time()
        self._sweep(now_s)
        entries = self.entries()
        files, size = len(entries), sum(entry.bytes for entry in entries)
        dropped = 0
        for entry in entries:
            if files <= self._max_files and size <= self._max_bytes and not _too_old(entry, now_s):
                break
            if (handle := self._lock_entry(entry)) is not None:
                entry.path.unlink(missing_ok=True)
                os.close(handle)
                files, size, dropped = files - 1, size - entry.bytes, dropped + entry.spans
        return dropped

    def _sweep(self, now_s: float) -> None:
        """Remove what processes left that died while they wrote."""
        for path in self.directory.glob(f"*{_UNFINISHED}"):
            with suppress(FileNotFoundError):
                if now_s - path.lstat().st_mtime > _UNFINISHED_AGE_S:
                    path.unlink()

    def _lock_entry(self, entry: Entry) -> int | None:
        """A locked handle on the file; None where another process has it, or had and removed it."""
        try:
            # Without O_NONBLOCK, opening a pipe of that name would wait for ever.
            handle = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        status = os.fstat(handle)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if ours and _lock(handle) and os.fstat(handle).st_nlink:
            return handle
        os.close(handle)
        return None


def _entry(path: Path, status: os.stat_result) -> Entry:
    """ValueError where it is no file of the spool."""
    if path.suffix != _SUFFIX or not stat.S_ISREG(status.st_mode):
        raise ValueError(path.name)
    written_ns, spans, _ = path.stem.split("-")
    return Entry(path, int(written_ns), int(spans), status.st_size)


def _too_old(entry: Entry, now_s: float) -> bool:
    return now_s - entry.written_ns / 1e9 > MAX_AGE_S


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems have no locks. Two processes may then send a span twice, which the
        # collector takes for one: better than never.
        return True
    return True


def _read(handle: int) -> Parcel:
    with open(handle, encoding="ascii", closefd=False) as file:
        try:
            return Parcel.from_text(file.read())
        except UnicodeDecodeError as error:
            raise DamagedParcel(str(error)) from error
