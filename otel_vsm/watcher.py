"""A process that ends the command where its wrapper is killed by a signal that nobody can catch.

It waits at a pipe that only the wrapper holds. A line there says that the command has ended; where the pipe
is closed without one, the wrapper is dead, and the command and its descendants are killed. Where the system
has no /proc, as macOS, only the command itself is.
"""

import os
import signal
from contextlib import suppress

_TERMINAL_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
_SCRIPT = """
read -r line && exit
tree() { echo "$1"; for child in $(cat /proc/"$1"/task/*/children); do tree "$child"; done; }
kill -KILL $(tree "$1")
"""


class Watcher:
    """Watches over one command; where there is no shell, nothing does."""

    def __init__(self) -> None:
        self._pipe: int | None = None

    def start(self, pid: int) -> None:
        """Watch over the process `pid`. To be called once it runs, as this takes a moment."""
        with suppress(OSError):
            reading, writing = os.pipe()
            try:
                os.posix_spawn(
                    "/bin/sh",
                    ["sh", "-c", _SCRIPT, "sh", str(pid)],
                    {"PATH": os.defpath},
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, reading, 0),
                        *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)),
                    ],
                    # What is meant for the command, or for all that its caller started, is not for it. Were
                    # it stopped by Ctrl-Z before it is what it is to be, this thread would wait for it.
                    setpgroup=0,
                    setsigmask=_TERMINAL_SIGNALS,
                    setsigdef=[signal.SIGPIPE],
                )
            except OSError:
                os.close(writing)
                raise
            finally:
                os.close(reading)
            self._pipe = writing

    def stop(self) -> None:
        """The command has ended by itself."""
        if self._pipe is not None:
            with suppress(OSError):
                os.write(self._pipe, b"\n")
            os.close(self._pipe)
