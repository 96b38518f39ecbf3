"""A real collector in a process of its own."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import urlopen

from otel_vsm.export.endpoint import Protocol

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
RESPONSE_TIMEOUT_S = 15.0

_COMMAND = (sys.executable, "-c", "from otel_vsm.cli import main; main()", "collector")


class CollectorFailed(RuntimeError):
    """It did not start or stop as it should; the message holds what it wrote on stderr."""


class RunningCollector:
    """A collector that takes telemetry and answers."""

    def __init__(self, process: "subprocess.Popen[str]", addresses: Mapping[str, str], data: Path) -> None:
        self._process = process
        self._addresses = addresses
        self.data = data
        """Its data folder."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def web(self) -> str:
        """The URL of API, page and metrics, without a slash at the end."""
        return f"http://{self._addresses['web']}"

    def otlp(self, protocol: Protocol = Protocol.HTTP) -> str:
        """The URL for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://{self._addresses['otlp/grpc' if protocol is Protocol.GRPC else 'otlp/http']}"

    def environment(self, protocol: Protocol = Protocol.HTTP) -> dict[str, str]:
        """The variables by which a process sends its telemetry here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp(protocol),
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol.value,
        }

    def get(self, path: str, **parameters: Any) -> Any:
        """What the API answers, decoded: `get("/api/v1/dora", window="30d")`.

        `from_` stands for `from`, which Python reserves. urllib.error.HTTPError where it answers an error.
        """
        query = urlencode({name.removesuffix("_"): value for name, value in parameters.items()}, doseq=True)
        with urlopen(
            f"{self.web}{path}{'?' if query else ''}{query}", timeout=RESPONSE_TIMEOUT_S
        ) as response:
            return json.load(response)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End it by SIGTERM; CollectorFailed if that takes too long or it does not end well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise CollectorFailed(f"did not stop within {timeout_s:g} s of SIGTERM") from None
        if self._process.returncode not in (0, -signal.SIGKILL):
            raise CollectorFailed(f"ended with exit code {self._process.returncode}")


@contextmanager
def collector(
    *arguments: str,
    data: Path | None = None,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = _COMMAND,
    start_timeout_s: float = START_TIMEOUT_S,
    stop_timeout_s: float = STOP_TIMEOUT_S,
) -> Iterator[RunningCollector]:
    """Start a collector on free ports, wait until it is ready, and stop it at the end.

    `arguments` are further ones for the command line, `data` is a folder to keep (by default one that is
    removed at the end), `env` adds to the environment, of which it inherits no OTEL_* variable, `command`
    starts it. CollectorFailed where it does not start or stop.
    """
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otel-vsm-")))
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))
        ports = [part for name in ("grpc", "http", "web") for part in (f"--{name}", "127.0.0.1:0")]
        process = subprocess.Popen(
            [*command, *ports, "--data", str(folder), *arguments],
            env={**_inherited(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            with _explained(errors):
                running = RunningCollector(process, _addresses(process, start_timeout_s), folder)
            yield running
            with _explained(errors):
                running.stop(timeout_s=stop_timeout_s)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _inherited() -> dict[str, str]:
    # What is tested must not send its metrics to where this process sends its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    # So that it finds the same packages as this process, installed or not.
    return {**env, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextmanager
def _explained(errors: IO[str]) -> Iterator[None]:
    try:
        yield
    except CollectorFailed as failed:
        errors.seek(0)
        raise CollectorFailed(f"the collector {failed}\n{errors.read()}") from None


def _addresses(process: "subprocess.Popen[str]", timeout_s: float) -> dict[str, str]:
    """What it says it listens on, once it is ready: `otlp/http 127.0.0.1:43210`."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        # To the end, and not only until it is ready: a full pipe would stop it.
        for line in process.stdout or ():
            lines.put(line.strip())
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    addresses: dict[str, str] = {}
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise CollectorFailed(f"was not ready within {timeout_s:g} s") from None
        if line == "ready":
            return addresses
        if not line and process.wait() is not None:
            raise CollectorFailed(f"ended with exit code {process.returncode} before it was ready")
        name, _, address = line.partition(" ")
        addresses[name] = address
