"""Where this program keeps what must outlive a process: the spool, and stages begun and not ended."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

STATE_VARIABLE = "OTEL_VSM_STATE_DIR"


def state_directory(env: Mapping[str, str] = os.environ) -> Path | None:
    """The state directory, made where it was missing; None where no place can be written.

    The first that works of `$OTEL_VSM_STATE_DIR`, `$XDG_STATE_HOME/otel-vsm`, `~/.local/state/otel-vsm`
    and a folder of this user in the temporary directory. Never raises.
    """
    return next((path for path in _candidates(env) if _usable(path)), None) or _temporary()


def private_directory(path: Path) -> Path:
    """The directory at `path`, made if it was missing, that only this user can enter.

    OSError where it cannot be made, is a symbolic link, or belongs to someone else: what stands in such a
    place could be read or exchanged by others.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"{path} is not a directory")
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(0o700)
    return path


def _candidates(env: Mapping[str, str]) -> Iterator[Path]:
    if named := env.get(STATE_VARIABLE):
        yield Path(named).absolute()
    if (xdg := env.get("XDG_STATE_HOME")) and Path(xdg).is_absolute():
        yield Path(xdg) / "otel-vsm"
    # A home that does not exist is not made: as root that would work, and litter the machine.
    home = Path(env.get("HOME") or _listed_home())
    if home.is_absolute() and home.is_dir():
        yield home / ".local" / "state" / "otel-vsm"


def _listed_home() -> str:
    """The home of this user by the list of users; empty where it has no entry there."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def _usable(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)


def _temporary() -> Path | None:
    from tempfile import gettempdir  # slow to import, and seldom needed

    try:
        # Anyone may have made a folder of this name there: it is taken only if it is ours.
        return private_directory(Path(gettempdir()) / f"otel-vsm-{os.geteuid()}")
    except OSError:
        return None
