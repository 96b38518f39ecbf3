"""Accidents around a wrapped command: what a pipeline must never notice of the wrapper.

The numbers are those of the project's list of such accidents.
"""

import contextlib
import errno
import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import Cli, Repository, read_line, without_history
from harness.factories import RunPython
from otel_vsm.testing import OtlpReceiver

PATIENCE_S = 30
RESULT = "cicd.pipeline.task.run.result"
OUT_OF_REACH = "http://127.0.0.1:1"


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether the process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("code", [0, 1, 75, 255])
@pytest.mark.parametrize("endpoint", [OUT_OF_REACH, "nonsense", "http://[::1"])
def test_d01_the_exit_code_is_the_commands_whatever_telemetry_does(
    quiet: Cli, code: int, endpoint: str
) -> None:
    done = quiet(
        "stage", "x", "--", "sh", "-c", f"exit {code}", env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    )
    assert done.returncode == code
    assert done.stderr.startswith("otel-vsm: warning: could not send")


@pytest.mark.parametrize(("endpoint", "code"), [(OUT_OF_REACH, 75), (None, 0)])
def test_d01_who_wants_it_strict_gets_it(cli: Cli, endpoint: str | None, code: int) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}
    assert cli("stage", "x", "--strict", "--", "true", env=env).returncode == code
    assert cli("stage", "x", "--strict", "--", "sh", "-c", "exit 3", env=env).returncode == 3
    telling = cli("deploy", "--strict", "--service", "shop", "--environment", "production", env=env)
    assert telling.returncode == code


@pytest.mark.parametrize("name", ["TERM", "ABRT", "USR2"])
def test_d02_death_by_a_signal_is_128_and_its_number(quiet: Cli, name: str) -> None:
    done = quiet("stage", "x", "--", "sh", "-c", f"kill -{name} $$")
    assert done.returncode == 128 + signal.Signals[f"SIG{name}"]


@pytest.mark.parametrize(("command", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
def test_d03_what_cannot_be_started_is_told_too(
    cli: Cli, otlp_receiver: OtlpReceiver, command: str, code: int
) -> None:
    assert cli("stage", "x", "--", command).returncode == code
    [record] = without_history(otlp_receiver.records)
    assert record.attributes[RESULT] == "error"


# Says which signals come, and ends when its standard input does.
LISTEN = r"""
import os, signal
for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"):
    caught = lambda number, _: os.write(1, f"{signal.Signals(number).name}\n".encode())
    signal.signal(getattr(signal, "SIG" + name), caught)
os.write(1, b"ready\n")
while os.read(0, 1):
    pass
"""


def test_d04_every_signal_is_forwarded_every_time(quiet: Cli) -> None:
    wrapper = quiet.start("stage", "x", "--", sys.executable, "-c", LISTEN, stdin=subprocess.PIPE)
    assert read_line(wrapper) == "ready\n"
    for name in ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"] * 2:
        wrapper.send_signal(signal.Signals[f"SIG{name}"])
        assert read_line(wrapper) == f"SIG{name}\n"
    assert wrapper.communicate("", timeout=PATIENCE_S) == ("", "")


def test_d05_a_cancelled_job_is_told_though_the_endpoint_is_silent(
    cli: Cli, otlp_receiver: OtlpReceiver
) -> None:
    """As a runner cancels: the entry process is interrupted, then terminated, then all is killed."""
    with otlp_receiver.silent():
        wrapper = cli.start("stage", "x", "--", "sh", "-c", "echo ready; exec sleep 600")
        assert read_line(wrapper) == "ready\n"
        wrapper.send_signal(signal.SIGINT)
        assert wrapper.wait(timeout=PATIENCE_S) == 130
    assert cli("flush").returncode == 0
    assert without_history(otlp_receiver.records)[0].attributes[RESULT] == "cancellation"


class Terminal:
    """A terminal that a command is in the foreground of, leading the session."""

    def __init__(self, cli: Cli, *command: str) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(cli.cwd)
            os.execve(command[0], command, cli.env)
        self.shown = b""

    def press(self, key: bytes) -> None:
        os.write(self._descriptor, key)

    def read_until(self, text: bytes) -> None:
        while text not in self.shown:
            self.read_some()

    def read_some(self) -> None:
        assert select.select([self._descriptor], [], [], PATIENCE_S)[0], self.shown
        self.shown += os.read(self._descriptor, 4096)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        os.close(self._descriptor)

    def exit_code(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_d06_ctrl_c_reaches_the_command_once(quiet: Cli) -> None:
    terminal = Terminal(quiet, quiet.program, "stage", "x", "--", sys.executable, "-c", LISTEN)
    terminal.read_until(b"ready")
    terminal.press(b"\x03")
    terminal.read_until(b"SIGINT")
    terminal.press(b"\x1c")
    terminal.read_until(b"SIGQUIT")
    assert terminal.shown.count(b"SIGINT") == 1
    terminal.press(b"\x04")
    terminal.read_until(b"SIGQUIT\r\n")
    assert terminal.exit_code() == 0


def test_d06_a_hang_up_reaches_the_command_where_the_wrapper_leads_the_session(
    quiet: Cli, tmp_path: Path
) -> None:
    """As behind `ssh -t` and `docker run -it`: the kernel tells the leader of the session only."""
    script = f"trap 'echo hung up > {tmp_path}/seen; exit 4' HUP; echo ready; while :; do sleep 0.01; done"
    terminal = Terminal(quiet, quiet.program, "stage", "x", "--", "sh", "-c", script)
    terminal.read_until(b"ready")
    terminal.hang_up()
    assert terminal.exit_code() == 4
    assert (tmp_path / "seen").read_text() == "hung up\n"


def test_d06_a_resized_window_is_noticed_once(quiet: Cli) -> None:
    script = "trap 'stty size' WINCH; echo ready; while ! read -t 0.05 line; do :; done; echo got $line"
    terminal = Terminal(quiet, quiet.program, "stage", "x", "--", "bash", "-c", script)
    terminal.read_until(b"ready")
    terminal.resize(33, 99)
    terminal.read_until(b"33 99")
    terminal.press(b"done\n")
    terminal.read_until(b"got done")
    assert terminal.shown.count(b"33 99") == 1
    assert terminal.exit_code() == 0


def test_d06_a_command_that_is_stopped_goes_on_with_its_wrapper(quiet: Cli) -> None:
    """Ctrl-Z in a shell with job control stops both; `fg` lets both go on."""
    # With an editor of lines, a shell may lose what is typed while it changes the terminal's mode.
    terminal = Terminal(quiet, "/bin/bash", "--norc", "--noediting", "-i")
    script = "echo pid=$$.; read line; echo got $line"
    terminal.press(f"{quiet.program} stage x -- sh -c '{script}'\n".encode())
    while not (shown := re.search(rb"pid=(\d+)\.", terminal.shown)):
        terminal.read_some()
    terminal.press(b"\x1a")
    terminal.read_until(b"Stopped")
    # The shell waits for the wrapper alone: until it has stopped too, the command may take what is typed.
    eventually(lambda: "\nState:\tT" in Path(f"/proc/{int(shown[1])}/status").read_text())
    terminal.shown = b""
    terminal.press(b"fg\n")
    terminal.read_until(b"got $line")  # the shell says what goes on, and has the terminal no more
    terminal.press(b"done\n")
    terminal.read_until(b"got done")
    terminal.press(b"exit\n")
    assert terminal.exit_code() == 0


def test_d07_streams_are_the_commands_own(quiet: Cli) -> None:
    look = "import os\nfor fd in (0, 1, 2): print(os.readlink(f'/proc/self/fd/{fd}'))"
    with (quiet.cwd / "errors").open("w") as stderr:
        done = quiet(
            *("stage", "x", "--", sys.executable, "-c", look),
            capture_output=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    stdin_path, stdout_path, stderr_path = done.stdout.splitlines()
    assert done.returncode == 0
    assert (stdin_path, stderr_path) == (os.devnull, str(quiet.cwd / "errors"))
    assert stdout_path.startswith("pipe:")


def test_d08_huge_output_and_a_reader_that_leaves(quiet: Cli) -> None:
    script = '{ "$@"; echo $? >&2; } | head -c 5'
    done = quiet.shell(script, "stage", "x", "--", "yes")
    assert (done.stdout, done.stderr) == ("y\ny\ny", "141\n")
    data = os.urandom(1 << 20)
    assert quiet("stage", "x", "--", "cat", input=data, text=False).stdout == data


def test_d08_a_warning_never_lands_in_the_commands_output(quiet: Cli) -> None:
    quiet.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = OUT_OF_REACH
    for closed in ("2>&-", "0<&- 2>&-"):
        done = quiet.shell(f'"$@" {closed}', "stage", "x", "--", "sh", "-c", "echo out")
        assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "")


def test_d08_what_is_opened_later_is_not_taken_for_a_closed_stream(quiet: Cli) -> None:
    quiet.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = OUT_OF_REACH
    assert quiet.shell('"$@" 0<&- 1>&- 2>&-', "stage", "x", "--", "true").returncode == 0
    [spooled] = (Path(quiet.env["OTEL_VSM_STATE_DIR"]) / "spool").iterdir()
    for line in spooled.read_text().splitlines():
        json.loads(line)


def test_d09_no_orphan_holds_up_the_exit_and_none_is_left_of_ours(quiet: Cli) -> None:
    script = "sleep 600 & echo $!; read line"
    wrapper = quiet.start("stage", "x", "--", "sh", "-c", script, stdin=subprocess.PIPE)
    grandchild = int(read_line(wrapper))
    eventually(lambda: len(children(wrapper.pid)) == 2)  # the command, and who watches over it
    ours = children(wrapper.pid)
    assert wrapper.stdin
    wrapper.stdin.close()
    assert wrapper.wait(timeout=PATIENCE_S) == 1
    assert not is_gone(grandchild)
    os.kill(grandchild, signal.SIGKILL)
    eventually(lambda: all(map(is_gone, ours)))


def children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def unshared(quiet: Cli, *command: str) -> list[str]:
    """The command as process 1 of a container; skips where none can be made."""
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("no namespace for processes can be made here")
    return [*prefix, quiet.program, *command]


def test_d09_process_1_of_a_container_hears_signals_and_reaps(quiet: Cli) -> None:
    script = "(sleep 0.05 &) ; trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"
    command = unshared(quiet, "stage", "x", "--", "sh", "-c", script)
    with subprocess.Popen(
        command, env=quiet.env, cwd=quiet.cwd, stdout=subprocess.PIPE, text=True
    ) as container:
        assert read_line(container) == "ready\n"
        [inner] = children(container.pid)
        os.kill(inner, signal.SIGTERM)
        assert container.wait(timeout=PATIENCE_S) == 9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_d09_a_signal_before_the_command_runs_ends_process_1(quiet: Cli, tmp_path: Path, number: int) -> None:
    os.mkfifo(tmp_path / "gate")
    (tmp_path / "git").write_text(f"#!/bin/sh\nread line < {tmp_path}/gate\n")
    (tmp_path / "git").chmod(0o755)
    quiet.env["PATH"] = f"{tmp_path}{os.pathsep}{quiet.env['PATH']}"
    command = unshared(quiet, "deploy", "--service", "x", "--environment", "y")
    with subprocess.Popen(command, env=quiet.env, cwd=quiet.cwd, stderr=subprocess.PIPE) as container:
        with (tmp_path / "gate").open("w"):  # opens once git runs, and so before a command would
            [inner] = children(container.pid)
            os.kill(inner, number)
            assert container.communicate(timeout=PATIENCE_S)[1] == b""
        assert container.returncode == 128 + number


def test_d10_no_thread_runs_when_the_command_is_started(run_python: RunPython) -> None:
    done = run_python(
        "import os, threading\n"
        "real = os.posix_spawnp\n"
        "def spawn(*arguments, **settings):\n"
        "    assert threading.active_count() == 1\n"
        "    import sys; assert 'grpc' not in sys.modules\n"
        "    return real(*arguments, **settings)\n"
        "os.posix_spawnp = spawn\n"
        "from otel_vsm.cli import main\n"
        "main(['stage', 'x', '--', 'sh', '-c', 'exit 5'])",
        OTEL_EXPORTER_OTLP_ENDPOINT=OUT_OF_REACH,
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
    )
    assert done.returncode == 5, done.stderr


def test_d11_a_wrapper_that_is_killed_leaves_no_orphan_and_its_stage_is_told_as_begun(
    cli: Cli, otlp_receiver: OtlpReceiver
) -> None:
    wrapper = cli.start("stage", "build", "--", "sh", "-c", "sleep 600 & echo $$ $!; wait")
    pids = [int(pid) for pid in read_line(wrapper).split()]
    running = Path(cli.env["OTEL_VSM_STATE_DIR"]) / "running"
    eventually(lambda: running.is_dir() and any(running.glob("*.spans")))
    wrapper.kill()
    eventually(lambda: all(map(is_gone, pids)))
    assert otlp_receiver.records == []
    assert cli("flush").returncode == 0
    [record] = otlp_receiver.records
    assert (record.name, record.attributes["vsm.stage.name"]) == ("stage.started", "build")
    assert list(running.iterdir()) == []


def test_d11_a_stage_that_runs_is_not_told_as_abandoned(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    nested = f"{cli.program} stage inner -- true"
    assert cli("stage", "outer", "--", "sh", "-c", f"sleep 0.3; {nested}").returncode == 0
    assert {record.name for record in without_history(otlp_receiver.records)} == {"inner", "outer"}
    assert list((Path(cli.env["OTEL_VSM_STATE_DIR"]) / "running").iterdir()) == []


def test_d12_without_an_endpoint_no_network(quiet: Cli) -> None:
    trace = (
        "import socket\n"
        "def refuse(*_, **__): raise SystemExit(99)\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
    )
    (quiet.cwd / "sitecustomize.py").write_text(trace)
    done = quiet("stage", "x", "--", "sh", "-c", "exit 3", env={"PYTHONPATH": str(quiet.cwd)})
    assert (done.returncode, done.stderr) == (3, "")
    assert not Path(quiet.env["OTEL_VSM_STATE_DIR"]).exists()


def test_d13_whatever_the_endpoint_does_the_command_ends(quiet: Cli) -> None:
    """One that says nothing, over HTTP, TLS and gRPC, and one whose name is not resolved."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        for endpoint, protocol in (
            (f"http://{address}", "http/protobuf"),
            (f"https://{address}", "http/protobuf"),
            (f"http://{address}", "grpc"),
            ("http://collector.invalid:4318", "http/protobuf"),
        ):
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
            done = quiet("stage", "x", "--", "sh", "-c", "exit 6", env=env)
            assert done.returncode == 6
            assert "kept for the next run" in done.stderr


def test_d13_one_that_drips_is_given_up(quiet: Cli) -> None:
    """Each byte comes in time, and the response never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(b"H")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.getsockname()[1]}"}
        done = quiet("stage", "x", "--", "sh", "-c", "exit 6", env=env)
    assert done.returncode == 6
    assert "kept for the next run" in done.stderr


def test_d14_what_could_not_be_sent_goes_with_the_next(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    with otlp_receiver.refusing():
        running = [cli.start("stage", f"lost-{number}", "--", "true") for number in range(6)]
        assert [one.wait(timeout=PATIENCE_S) for one in running] == [0] * 6
    assert cli("stage", "found", "--", "true").returncode == 0
    names = [record.name for record in without_history(otlp_receiver.records)]
    assert sorted(names) == ["found", *(f"lost-{number}" for number in range(6))]


def test_d15_nothing_slow_is_loaded_before_the_command_runs(quiet: Cli) -> None:
    done = quiet("stage", "x", "--", "true", env={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "otel_vsm.process" in loaded
    assert not {"google.protobuf", "ssl", "http.client", "subprocess", "asyncio", "urllib3"} & loaded


def test_d16_arguments_are_untouched_and_no_shell_reads_them(quiet: Cli) -> None:
    arguments = ["a b", "", '"', "'", "$HOME", "`id`", "*", "--", "{{traceparent}}", "\n"]
    show = "import json, sys; print(json.dumps(sys.argv[1:]))"
    done = quiet("stage", "x", "--", sys.executable, "-c", show, *arguments)
    assert json.loads(done.stdout) == arguments


def test_d17_what_a_process_inherits_is_handed_down(quiet: Cli) -> None:
    (quiet.cwd / "show").write_text("umask; pwd; ulimit -n; nice; cat <&9; grep SigBlk /proc/self/status\n")
    given = "umask 027; ulimit -n 200; exec 9<<E\nhere\nE\n"
    wrapped = quiet.shell(f'{given} nice -n 3 "$@"; true', "stage", "x", "--", "sh", "show")
    assert wrapped.stdout == quiet.shell(f"{given} nice -n 3 sh show; true").stdout
    assert "here" in wrapped.stdout


@pytest.mark.parametrize("between", ["", "env", "nice", "timeout 60", "xargs -n9"])
def test_d17_an_ignored_sigpipe_stays_ignored(quiet: Cli, between: str) -> None:
    show = f"{between} sh -c 'echo | \"$@\"; true' sh"
    script = f"trap '' PIPE; {show} \"$@\" </dev/null; true"
    done = quiet.shell(script, "stage", "x", "--", "grep", "SigIgn", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) >> (signal.SIGPIPE - 1) & 1


def test_d18_wrappers_nest_and_run_side_by_side(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    inner = " & ".join(f"{cli.program} stage inner-{number} -- true" for number in range(3))
    assert cli("stage", "outer", "--", "sh", "-c", f"{inner} & wait").returncode == 0
    records = {record.name: record for record in without_history(otlp_receiver.records)}
    assert {record.parent_span_id for name, record in records.items() if name != "outer"} == {
        records["outer"].span_id
    }
    assert len({record.span_id for record in records.values()}) == 4


def test_d19_a_clock_that_is_set_does_not_matter(run_python: RunPython) -> None:
    done = run_python(
        "import time\n"
        "from otel_vsm import process\n"
        "wall = iter([2 * 10**18, 10**18])\n"
        "time.time_ns = lambda: next(wall)\n"
        "done = process.run(['true'], {'PATH': '/usr/bin:/bin'}, meanwhile=lambda: None)\n"
        "print(0 < done.end_ns - done.start_ns < 60 * 10**9)"
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("home", [None, "", "/nowhere", "/proc/self"])
def test_d20_whatever_home_is_the_command_runs(quiet: Cli, home: str | None, tmp_path: Path) -> None:
    del quiet.env["OTEL_VSM_STATE_DIR"], quiet.env["HOME"]
    # Of its own, since HOME that is empty means the one in the list of users.
    quiet.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": OUT_OF_REACH, "XDG_STATE_HOME": str(tmp_path / "xdg")}
    before = set(Path("/").iterdir())
    done = quiet("stage", "x", "--", "sh", "-c", "exit 4", env={} if home is None else {"HOME": home})
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert set(Path("/").iterdir()) == before


def test_d20_an_empty_home_is_not_the_root(run_python: RunPython) -> None:
    code = "from otel_vsm.state import _candidates; print(*_candidates({'HOME': ''}))"
    assert not run_python(code, HOME="").stdout.startswith("/.local")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user that nobody knows")
def test_d20_a_user_without_an_entry_runs_commands_too(quiet: Cli) -> None:
    del quiet.env["OTEL_VSM_STATE_DIR"], quiet.env["HOME"]
    quiet.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = OUT_OF_REACH
    done = quiet.shell('setpriv --reuid 54321 --clear-groups -- "$0" "$@"', "stage", "x", "--", "id", "-u")
    if "ermission denied" in done.stderr:
        pytest.skip("others may not run the program that is tested")
    assert (done.returncode, done.stdout) == (0, "54321\n")
    assert "Traceback" not in done.stderr


def test_d20_on_a_full_disk_the_command_runs(quiet: Cli) -> None:
    def no_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    quiet.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = OUT_OF_REACH
    done = quiet("stage", "x", "--", "sh", "-c", "exit 3", preexec_fn=no_files)
    assert done.returncode == 3
    assert os.strerror(errno.EFBIG) in done.stderr


def test_d21_a_command_that_takes_too_long_is_stopped_with_all_its_own(
    cli: Cli, otlp_receiver: OtlpReceiver
) -> None:
    wrapper = cli.start("stage", "x", "--timeout", "0.5", "--", "sh", "-c", "sleep 600 & echo $!; wait")
    grandchild = int(read_line(wrapper))
    _, errors = wrapper.communicate(timeout=PATIENCE_S)
    assert (wrapper.returncode, errors) == (
        124,
        "otel-vsm: warning: sh did not end within 0.5 s and was stopped\n",
    )
    eventually(lambda: is_gone(grandchild))
    assert without_history(otlp_receiver.records)[0].attributes[RESULT] == "timeout"


def test_d21_one_that_does_not_listen_is_killed(run_python: RunPython) -> None:
    done = run_python(
        "from otel_vsm import process\n"
        "process.KILL_AFTER_S = 0.2\n"
        "command = ['sh', '-c', 'trap \"\" TERM; while :; do sleep 0.01; done']\n"
        "done = process.run(command, {'PATH': '/usr/bin:/bin'}, meanwhile=lambda: None, timeout_s=0.3)\n"
        "print(done.exit_code)"
    )
    assert done.stdout == "124\n", done.stderr


def test_d21_one_that_is_in_time_is_as_without(quiet: Cli) -> None:
    assert quiet("stage", "x", "--timeout", "1h", "--", "sh", "-c", "exit 5").returncode == 5
    wrapper = quiet.start("stage", "x", "--timeout", "60s", "--", "sh", "-c", "echo ready; exec sleep 600")
    assert read_line(wrapper) == "ready\n"
    wrapper.send_signal(signal.SIGTERM)
    assert wrapper.wait(timeout=PATIENCE_S) == 143


def test_d22_what_goes_wrong_is_one_line(quiet: Cli, tmp_path: Path) -> None:
    broken = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": OUT_OF_REACH,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "zip",
        "OTEL_RESOURCE_ATTRIBUTES": "nonsense",
        "OTEL_VSM_STATE_DIR": "/dev/null/nowhere",
    }
    done = quiet("stage", "x", "--", "sh", "-c", "exit 3", env=broken, cwd=tmp_path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2  # of the context, and of telemetry


def test_d22_an_interrupt_at_any_moment_shows_no_traceback(quiet: Cli, tmp_path: Path) -> None:
    """From when the program's own code runs; what Python does before is beyond it."""
    os.mkfifo(tmp_path / "gate")
    (tmp_path / "git").write_text(f"#!/bin/sh\nread line < {tmp_path}/gate\n")
    (tmp_path / "git").chmod(0o755)
    quiet.env["PATH"] = f"{tmp_path}{os.pathsep}{quiet.env['PATH']}"
    for command in (("stage", "x", "--", "true"), ("deploy", "--service", "x", "--environment", "y")):
        wrapper = quiet.start(*command)
        with (tmp_path / "gate").open("w"):  # opens once git runs
            wrapper.send_signal(signal.SIGINT)
            assert wrapper.communicate(timeout=PATIENCE_S) == ("", "")
        assert wrapper.returncode == -signal.SIGINT


def test_d23_no_process_is_taken_for_another(quiet: Cli) -> None:
    wrapper = quiet.start("stage", "x", "--", "sh", "-c", "echo $$ $PPID")
    pid, parent = map(int, read_line(wrapper).split())
    assert parent == wrapper.pid != pid
    assert wrapper.wait(timeout=PATIENCE_S) == 0


def test_a_git_that_hangs_hardly_holds_the_command_up(
    cli: Cli, shop: Repository, tmp_path: Path, otlp_receiver: OtlpReceiver
) -> None:
    """The command starts without its change; where git answers later, the stage is told with it."""
    real = shop.git("--exec-path") + "/git"
    marks = tmp_path / "asked"
    (tmp_path / "git").write_text(
        f"#!/bin/sh\nif mkdir {marks} || mkdir {marks}2; then exec sleep 600; fi 2>/dev/null\n"
        f'exec {real} "$@"\n'
    )
    (tmp_path / "git").chmod(0o755)
    env = {"PATH": f"{tmp_path}{os.pathsep}{cli.env['PATH']}"}
    done = cli("stage", "x", "--", "sh", "-c", "echo ${TRACEPARENT-none}; sleep 1", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "none\n", "")
    assert without_history(otlp_receiver.records)[0].attributes["vsm.change.id"] == "github.com/acme/shop#12"
