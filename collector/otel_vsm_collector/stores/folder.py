"""The data folder: readable by its owner only, and of one collector at a time."""

import fcntl
import os
from pathlib import Path


class UnusableError(Exception):
    """What was configured cannot be used; the message says what to do about it."""


class DataFolder:
    """A folder that this process holds until `close`; UnusableError if another one does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = private_file(path / "lock")
        except OSError as error:
            raise UnusableError(
                f"the data folder {path} cannot be used ({error.strerror}); name another one with --data"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise UnusableError(
                f"another collector is using the data folder {path};"
                " stop it, or name another folder with --data"
            ) from None

    def close(self) -> None:
        os.close(self._lock)


def private_file(path: Path) -> int:
    """Opens a file for writing, made for its owner only where it is missing; gives the descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
