"""Signals reach the wrapped command once, and its end is the wrapper's."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import Cli, read_line, without_history
from otel_vsm.testing import OtlpReceiver

# Counts a signal, and ends when its standard input does.
COUNT = r"""
import os, signal, sys
count = 0
def caught(number, frame):
    global count
    count += 1
    os.write(1, f"{signal.Signals(number).name}\n".encode())  # print() must not be interrupted by itself
for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"):
    signal.signal(getattr(signal, "SIG" + name), caught)
print("ready", flush=True)
while os.read(0, 1):
    pass
print("caught", count, flush=True)
sys.exit(7)
"""
FORWARDED = ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"]
PATIENCE_S = 30


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("name", FORWARDED)
def test_a_signal_to_the_wrapper_reaches_the_command_once(quiet: Cli, name: str) -> None:
    wrapper = quiet.start("stage", "test", "--", sys.executable, "-c", COUNT, stdin=subprocess.PIPE)
    assert read_line(wrapper) == "ready\n"
    for _ in range(2):  # a second Ctrl-C counts as much as the first
        wrapper.send_signal(signal.Signals[f"SIG{name}"])
        assert read_line(wrapper) == f"SIG{name}\n"
    rest, errors = wrapper.communicate("", timeout=PATIENCE_S)
    assert (rest, errors, wrapper.returncode) == ("caught 2\n", "", 7)


@pytest.mark.parametrize(
    ("name", "result"), [("INT", "cancellation"), ("TERM", "cancellation"), ("HUP", "failure")]
)
def test_who_is_stopped_by_a_signal_was_cancelled(
    cli: Cli, otlp_receiver: OtlpReceiver, name: str, result: str
) -> None:
    number = signal.Signals[f"SIG{name}"]
    wrapper = cli.start("stage", "test", "--", "sh", "-c", "echo ready; exec sleep 600")
    assert read_line(wrapper) == "ready\n"
    wrapper.send_signal(number)
    assert wrapper.wait(timeout=PATIENCE_S) == 128 + number
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["cicd.pipeline.task.run.result"] == result
    assert record.attributes["error.type"] == number.name
    assert record.failed == (result == "failure")


def test_a_command_that_gives_up_when_asked_to_was_cancelled(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"
    wrapper = cli.start("stage", "test", "--", "sh", "-c", script)
    assert read_line(wrapper) == "ready\n"
    wrapper.send_signal(signal.SIGTERM)
    assert wrapper.wait(timeout=PATIENCE_S) == 9
    assert (
        without_history(otlp_receiver.records)[0].attributes["cicd.pipeline.task.run.result"]
        == "cancellation"
    )


def test_what_the_caller_ignores_does_not_reach_the_command(quiet: Cli) -> None:
    script = 'trap "" HUP; exec "$@"'
    command = ("stage", "test", "--", "sh", "-c", "echo ready; read line; exit 5")
    wrapper = subprocess.Popen(
        ["sh", "-c", script, "sh", quiet.program, *command],
        env=quiet.env,
        cwd=quiet.cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert read_line(wrapper) == "ready\n"
    wrapper.send_signal(signal.SIGHUP)
    wrapper.communicate("\n", timeout=PATIENCE_S)
    assert wrapper.returncode == 5


def test_a_command_that_is_killed_is_noticed(quiet: Cli) -> None:
    wrapper = quiet.start("stage", "test", "--", "sh", "-c", "echo $$; exec sleep 600")
    os.kill(int(read_line(wrapper)), signal.SIGKILL)
    assert wrapper.wait(timeout=PATIENCE_S) == 128 + signal.SIGKILL


def test_a_command_that_stops_and_goes_on_is_waited_for(quiet: Cli) -> None:
    wrapper = quiet.start("stage", "test", "--", "sh", "-c", "echo $$; kill -STOP $$; exit 4")
    pid = int(read_line(wrapper))
    eventually(lambda: "\nState:\tT" in Path(f"/proc/{pid}/status").read_text())
    assert wrapper.poll() is None
    os.kill(pid, signal.SIGCONT)
    assert wrapper.wait(timeout=PATIENCE_S) == 4


def test_a_signal_while_the_span_is_sent_changes_nothing(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    with otlp_receiver.silent():
        wrapper = cli.start("stage", "test", "--", "sh", "-c", "echo $$; exec >&-; exit 3")
        pid = int(read_line(wrapper))
        eventually(lambda: not Path(f"/proc/{pid}").exists())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            wrapper.send_signal(number)
        assert wrapper.wait(timeout=PATIENCE_S) == 3


def test_an_orphan_of_the_command_leaves_no_zombie(quiet: Cli) -> None:
    """As process 1 of a container, or as one that asked for them, the wrapper is given all orphans."""
    adopt = (
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    # The inner shell ends and leaves its child to the wrapper; the outer one waits for our word.
    script = "sh -c 'sh -c \"echo \\$\\$; exec 1>&-; read x <gate\" & ' ; read line; exit 6"
    os.mkfifo(quiet.cwd / "gate")
    wrapper = subprocess.Popen(
        [sys.executable, "-c", adopt, quiet.program, "stage", "test", "--", "sh", "-c", script],
        env=quiet.env,
        cwd=quiet.cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    orphan = Path(f"/proc/{int(read_line(wrapper))}")
    assert orphan.exists()
    (quiet.cwd / "gate").write_text("\n")
    eventually(lambda: not orphan.exists())
    assert wrapper.poll() is None
    wrapper.communicate("\n", timeout=PATIENCE_S)
    assert wrapper.returncode == 6


# --- a terminal


class Terminal:
    """A terminal of its own, with the wrapper in its foreground."""

    def __init__(self, cli: Cli, *arguments: str) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(cli.cwd)
            os.execve(cli.program, [cli.program, *arguments], cli.env)
        self.shown = b""

    def press(self, key: bytes) -> None:
        os.write(self._fd, key)

    def read_until(self, text: bytes) -> None:
        while text not in self.shown:
            assert select.select([self._fd], [], [], PATIENCE_S)[0], self.shown
            self.shown += os.read(self._fd, 4096)

    def exit_code(self) -> int:
        try:
            while select.select([self._fd], [], [], PATIENCE_S)[0]:
                self.shown += os.read(self._fd, 4096)
        except OSError:  # how a terminal says that nobody is there any more
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_ctrl_c_reaches_the_command_once(quiet: Cli) -> None:
    terminal = Terminal(quiet, "stage", "test", "--", sys.executable, "-c", COUNT)
    terminal.read_until(b"ready")
    terminal.press(b"\x03")
    terminal.read_until(b"SIGINT")
    terminal.press(b"\x1c")
    terminal.read_until(b"SIGQUIT")
    terminal.press(b"\x04")
    assert terminal.exit_code() == 7
    assert b"caught 2" in terminal.shown


def test_ctrl_c_ends_a_command_that_does_not_mind_it(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    terminal = Terminal(cli, "stage", "test", "--", "sh", "-c", "echo ready; exec sleep 600")
    terminal.read_until(b"ready")
    terminal.press(b"\x03")
    assert terminal.exit_code() == 130
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["cicd.pipeline.task.run.result"] == "cancellation"


def test_the_terminal_is_the_commands(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    look = "import os; print([os.isatty(fd) for fd in (0, 1, 2)], os.tcgetpgrp(0) == os.getpgrp())"
    terminal = Terminal(cli, "stage", "test", "--", sys.executable, "-c", look)
    assert terminal.exit_code() == 0
    assert terminal.shown == b"[True, True, True] True\r\n"
    assert without_history(otlp_receiver.records)[0].attributes["vsm.actor.type"] == "human"
