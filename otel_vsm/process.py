"""Run a command as if nothing stood between it and its caller.

The child has our standard streams, open files, working folder, umask and signal mask. Its exit code
becomes ours, and a signal that is sent to us alone reaches it once.
"""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from otel_vsm.watcher import Watcher

TIMED_OUT = 124
"""The exit code of timeout(1)."""
KILL_AFTER_S = 10.0
"""How long a command may take to end once its time is up."""
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
_ENDING = tuple(number for number in _FORWARDED if number != signal.SIGWINCH)
"""Those that end a program which does nothing about them."""
_CANCELLING = frozenset({signal.SIGINT, signal.SIGTERM})
# Linux's mark of a signal that no process sent: Ctrl-C, a resized window, a terminal that hung up. Those go
# to the whole group in the terminal's foreground, so that the child has had it already.
_SI_KERNEL = 0x80
# What Python ignores for itself when it starts.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_HANDING_DOWN = (
    " sh ash bash dash ksh mksh zsh fish busybox env nohup nice ionice timeout time stdbuf setsid xargs find"
    " make gmake sudo su runuser setpriv chroot unshare tini dumb-init script sshd systemd init "
)
"""Programs that leave SIGPIPE as they find it, unless they are told to ignore it."""
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
    timed_out: bool = False
    """It had not ended when its time was up."""
    problem: str | None = None
    """Why it did not start at all."""


def run(
    argv: list[str],
    env: Mapping[str, str],
    *,
    meanwhile: Callable[[], object],
    hurry: Callable[[], object] = lambda: None,
    timeout_s: float | None = None,
) -> CompletedCommand:
    """Run a command to its end; `meanwhile` is called in a thread once the command runs, and waited for.
    `hurry` is called once the command has ended.

    After `timeout_s` seconds it is asked to end, and killed where it has not done so 10 s later. A command
    that has a timeout is in a process group of its own, all of which is meant, unless it is in the foreground
    of a terminal.

    To be called once in a process, from its main thread, with no other thread running: the signals that it
    forwards stay blocked afterwards, so that none that comes late changes the exit code.
    """
    forwarded = [number for number in _FORWARDED if signal.getsignal(number) != signal.SIG_IGN]
    for number in (signal.SIGCHLD, signal.SIGWINCH):
        # Elsewhere than on Linux a signal that is ignored by default is dropped, even when blocked.
        if number in forwarded or number == signal.SIGCHLD:
            signal.signal(number, lambda *_: None)
    awaited = {*forwarded, signal.SIGCHLD}
    if timeout_s is not None:
        awaited.add(signal.SIGALRM)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    _end_of_pending(mask)
    group = timeout_s is not None and not _in_foreground()

    start_ns, started = time.time_ns(), time.monotonic_ns()
    try:
        pid = _spawn(argv, env, mask, group=group)
    except OSError as error:
        missing = error.errno == errno.ENOENT
        return CompletedCommand(
            start_ns=start_ns,
            end_ns=start_ns + time.monotonic_ns() - started,
            exit_code=NOT_FOUND if missing else NOT_EXECUTABLE,
            problem="command not found" if missing and "/" not in argv[0] else str(error.strerror),
        )
    _occupy_closed_streams()
    import threading  # takes 2 ms, in which the command runs already

    watcher = Watcher()

    def work() -> None:
        watcher.start(pid)
        meanwhile()

    thread = threading.Thread(target=work, daemon=True)
    with suppress(RuntimeError):  # the user may have as many as are allowed; the command runs all the same
        thread.start()

    asked_to_stop = timed_out = False
    if timeout_s is not None:
        signal.setitimer(signal.ITIMER_REAL, timeout_s, KILL_AFTER_S)
    while True:
        received, forward = _next_signal(awaited)
        if received == signal.SIGCHLD:
            if (status := _reap(pid)) is not None:
                break
            continue
        if received == signal.SIGALRM:
            received, forward, timed_out = signal.SIGKILL if timed_out else signal.SIGTERM, True, True
        asked_to_stop |= received in _CANCELLING
        if forward or group:
            with suppress(ProcessLookupError, PermissionError):
                (os.killpg if group else os.kill)(pid, received)
    if timeout_s is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if timed_out and group:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    # The wall clock may have been set while the command ran.
    end_ns = start_ns + time.monotonic_ns() - started
    hurry()
    if thread.ident:
        thread.join()
    watcher.stop()
    code = os.waitstatus_to_exitcode(status)
    died_of = signal.Signals(-code) if code < 0 else None
    return CompletedCommand(
        start_ns=start_ns,
        end_ns=end_ns,
        exit_code=TIMED_OUT if timed_out else 128 - code if code < 0 else code,
        died_of=died_of,
        timed_out=timed_out,
        cancelled=not timed_out and code != 0 and (asked_to_stop or died_of in _CANCELLING),
    )


def leave(code: int) -> NoReturn:
    """End this process at once. The interpreter's own way out takes 20 ms, in which a pipeline would wait."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code)


def end_by_signals() -> None:
    """Let a signal that comes before the command has started end us as it ends any program.

    Python's own way is a traceback. Process 1 of a container would not even notice: it gets a handler.
    """
    if os.getpid() == 1:
        for number in _ENDING:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, lambda number, _: os._exit(128 + number))
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
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


def _end_of_pending(mask: set[int | signal.Signals]) -> None:
    """End of a signal that came since they are blocked, before the command which it was meant for."""
    for number in signal.sigpending() & {*_ENDING} - mask:
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        leave(128 + number)  # process 1 does not die of it


def _in_foreground() -> bool:
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False


def _occupy_closed_streams() -> None:
    """Where a standard stream is closed, the next file that we open would be taken for it.

    The command runs by now, with the streams as they were.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _spawn(argv: list[str], env: Mapping[str, str], mask: set[int | signal.Signals], *, group: bool) -> int:
    """Start the command as execvp(3) would; OSError where it cannot be.

    posix_spawn takes a twentieth of the time of fork. What shows of it: glibc has the child ignore the two
    signals that it keeps for itself, 32 and 33, as in every command that make runs.
    """
    if not argv[0]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    defaults = [number for number in _IGNORED_BY_PYTHON if not _ignored_on_entry(number)]
    settings: dict[str, Any] = {"setsigmask": mask, "setsigdef": defaults}
    if group:
        settings["setpgroup"] = 0
    try:
        return os.posix_spawnp(argv[0], argv, env, **settings)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without a #! line: the shell's business, and it wants the script's path, not its name.
    from shutil import which

    script = which(argv[0]) or argv[0]
    shell = ["/bin/sh", script, *argv[1:]]
    return os.posix_spawn(shell[0], shell, env, **settings)


def _ignored_on_entry(number: signal.Signals) -> bool:
    """Whether our caller had us ignore a signal that Python ignores anyway.

    By now this cannot be seen in this process. A shell hands down what it ignores itself, as most programs
    do that run others: where such a one called us, it is asked. Others are taken to hand down the default:
    Python, Node.js and Rust ignore SIGPIPE for themselves and reset it for their children.
    """
    path = f"/proc/{os.getppid()}/status"
    with suppress(OSError, ValueError, KeyError), open(path, encoding="utf-8") as file:  # noqa: PTH123 -- as above
        status = dict(line.rstrip("\n").partition(":\t")[::2] for line in file)
        return f" {status['Name']} " in _HANDING_DOWN and bool(int(status["SigIgn"], 16) >> (number - 1) & 1)
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
        return number, not _in_foreground()

else:

    def _next_signal(awaited: set[signal.Signals]) -> tuple[int, bool]:
        """The next signal, and whether the child does not have it yet."""
        info = signal.sigwaitinfo(awaited)
        # A terminal that hangs up tells only the process that leads its session.
        hung_up = info.si_signo == signal.SIGHUP and os.getsid(0) == os.getpid()
        return info.si_signo, hung_up or info.si_code != _SI_KERNEL
