"""Run a command as if nothing stood between it and its caller.

The child has our standard streams, open files, working folder, umask and signal mask. Its exit code
becomes ours, and a signal that is sent to us alone reaches it once.
"""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, NoReturn

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""The exit codes of every shell for a command that cannot be started."""

_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_CANCELLING = frozenset({signal.SIGINT, signal.SIGTERM})
# Linux's mark of a signal that no process sent: Ctrl-C, a resized window, a terminal that hung up. Those go
# to the whole group in the terminal's foreground, so that the child has had it already.
_SI_KERNEL = 0x80
# What Python ignores for itself when it starts.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"})
# What Python sets LC_CTYPE to in the C locale, for itself and so for its children (PEP 538).
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


class CompletedCommand(NamedTuple):
    """How a command ended. Times in nanoseconds since the epoch.

    A named tuple, as elsewhere on the way to the command: a dataclass takes the interpreter ten times as
    long to define.
    """

    start_ns: int
    end_ns: int
    exit_code: int
    """As a shell tells it: 128 + n for death by signal n."""
    died_of: signal.Signals | None = None
    cancelled: bool = False
    """Someone asked us or it to stop, and it did not succeed."""
    problem: str | None = None
    """Why it did not start at all."""


def run(argv: list[str], env: Mapping[str, str], *, meanwhile: Callable[[], object]) -> CompletedCommand:
    """Run a command to its end; `meanwhile` is called in a thread once the command runs, and waited for.

    To be called once in a process, from its main thread, with no other thread running: the signals that it
    forwards stay blocked afterwards, so that none that comes late changes the exit code.
    """
    forwarded = [number for number in _FORWARDED if signal.getsignal(number) != signal.SIG_IGN]
    for number in (signal.SIGCHLD, signal.SIGWINCH):
        # Elsewhere than on Linux a signal that is ignored by default is dropped, even when blocked.
        if number in forwarded or number == signal.SIGCHLD:
            signal.signal(number, lambda *_: None)
    awaited = {*forwarded, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)

    start_ns, started = time.time_ns(), time.monotonic_ns()
    try:
        pid = _spawn(argv, env, mask)
    except OSError as error:
        missing = error.errno == errno.ENOENT
        return CompletedCommand(
            start_ns=start_ns,
            end_ns=start_ns + time.monotonic_ns() - started,
            exit_code=NOT_FOUND if missing else NOT_EXECUTABLE,
            problem="command not found" if missing and "/" not in argv[0] else str(error.strerror),
        )
    thread = threading.Thread(target=meanwhile, daemon=True)
    with suppress(RuntimeError):  # the user may have as many as are allowed; the command runs all the same
        thread.start()

    asked_to_stop = False
    while True:
        received, forward = _next_signal(awaited)
        if received == signal.SIGCHLD:
            if (status := _reap(pid)) is not None:
                break
            continue
        asked_to_stop |= received in _CANCELLING
        if forward:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, received)
    # The wall clock may have been set while the command ran.
    end_ns = start_ns + time.monotonic_ns() - started
    if thread.ident:
        thread.join()
    code = os.waitstatus_to_exitcode(status)
    died_of = signal.Signals(-code) if code < 0 else None
    return CompletedCommand(
        start_ns=start_ns,
        end_ns=end_ns,
        exit_code=128 - code if code < 0 else code,
        died_of=died_of,
        cancelled=code != 0 and (asked_to_stop or died_of in _CANCELLING),
    )


def leave(code: int) -> NoReturn:
    """End this process at once. The interpreter's own way out takes 20 ms, in which a pipeline would wait."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code)


def die_of_interrupts() -> None:
    """Let Ctrl-C before the command has started end us as it ends any program, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment() -> dict[str, str]:
    """A copy of the environment as we were given it."""
    env = dict(os.environ)
    if env.get("LC_CTYPE") in _COERCED:
        with suppress(OSError), open("/proc/self/environ", "rb") as file:  # noqa: PTH123 -- slow to import
            original = dict(pair.partition(b"=")[::2] for pair in file.read().split(b"\0"))
            if (locale := original.get(b"LC_CTYPE")) is None:
                del env["LC_CTYPE"]
            else:
                env["LC_CTYPE"] = os.fsdecode(locale)
    return env


def _spawn(argv: list[str], env: Mapping[str, str], mask: set[int | signal.Signals]) -> int:
    """Start the command as execvp(3) would; OSError where it cannot be.

    posix_spawn takes a twentieth of the time of fork. What shows of it: glibc has the child ignore the two
    signals that it keeps for itself, 32 and 33, as in every command that make runs.
    """
    if not argv[0]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    defaults = [number for number in _IGNORED_BY_PYTHON if not _ignored_on_entry(number)]
    try:
        return os.posix_spawnp(argv[0], argv, env, setsigmask=mask, setsigdef=defaults)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without a #! line: the shell's business, and it wants the script's path, not its name.
    from shutil import which

    script = which(argv[0]) or argv[0]
    shell = ["/bin/sh", script, *argv[1:]]
    return os.posix_spawn(shell[0], shell, env, setsigmask=mask, setsigdef=defaults)


def _ignored_on_entry(number: signal.Signals) -> bool:
    """Whether our caller had us ignore a signal that Python ignores anyway.

    By now this cannot be seen in this process. A shell hands down what it ignores itself, so where one called
    us, it is asked. Other callers are taken to hand down the default: Python and Go ignore SIGPIPE for
    themselves and reset it for their children.
    """
    path = f"/proc/{os.getppid()}/status"
    with suppress(OSError, ValueError, KeyError), open(path, encoding="utf-8") as file:  # noqa: PTH123 -- as above
        status = dict(line.rstrip("\n").partition(":\t")[::2] for line in file)
        return status["Name"] in _SHELLS and bool(int(status["SigIgn"], 16) >> (number - 1) & 1)
    return False


def _reap(pid: int) -> int | None:
    """The wait status of the command, if it has ended.

    Whatever else has ended is taken too: as process 1 of a container we inherit every orphan.
    """
    status = None
    with suppress(ChildProcessError):
        while True:
            reaped, wait_status = os.waitpid(-1, os.WNOHANG)
            if not reaped:
                break
            if reaped == pid:
                status = wait_status
    return status


if sys.platform == "darwin":

    def _next_signal(awaited: set[signal.Signals]) -> tuple[int, bool]:
        # There is no telling who sent it: in the foreground it is most likely the terminal.
        number = signal.sigwait(awaited)
        try:
            terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return number, True
        try:
            return number, os.tcgetpgrp(terminal) != os.getpgrp()
        except OSError:
            return number, True
        finally:
            os.close(terminal)

else:

    def _next_signal(awaited: set[signal.Signals]) -> tuple[int, bool]:
        """The next signal, and whether the child does not have it yet."""
        info = signal.sigwaitinfo(awaited)
        return info.si_signo, info.si_code != _SI_KERNEL
