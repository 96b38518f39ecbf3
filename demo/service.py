"""A collector process for the length of the demo."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.request import urlopen

STOPS_WITHIN_S = 20
DERIVES_WITHIN_S = 60
_HOST = "127.0.0.1"
_PORTS = {"grpc": 4317, "http": 4318, "web": 8750}
"""The usual ports; where one is taken, another is picked."""


class CollectorError(Exception):
    """The collector did not start, or does not get on; the message has what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    grpc: str
    """HOST:PORT, as all of them."""
    http: str
    web: str
    data: Path
    stderr_path: Path
    """What it said on stderr."""
    process: "subprocess.Popen[str]"

    def wait_until_derived(self) -> None:
        """Returns once the figures cover everything that was sent; CollectorError where they do not."""
        if not is_derived(f"http://{self.web}"):
            stderr = self.stderr_path.read_text()
            raise CollectorError(f"The collector has not derived everything yet:\n{stderr}")


def is_derived(web: str) -> bool:
    """Waits until the figures at the URL cover everything that was sent; whether they do."""
    deadline = time.monotonic() + DERIVES_WITHIN_S
    while time.monotonic() < deadline:
        # It answers when all is derived, or after five seconds.
        with urlopen(f"{web}/api/v1/stages?limit=1", timeout=30) as response:
            if response.headers["vsm-lag-seconds"] == "0":
                return True
    return False


@contextmanager
def collector(folder: Path, environment: Mapping[str, str]) -> Iterator[Collector]:
    """A collector that keeps its data in the folder, stopped at the end."""
    data, stderr_path = folder / "data", folder / "collector.stderr"
    command = ["otel-vsm", "collector", "--data", str(data)]
    for name, port in _PORTS.items():
        command += [f"--{name}", f"{_HOST}:{port if _is_free(port) else 0}"]
    with stderr_path.open("w") as stderr:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout
    try:
        addresses = _addresses(process.stdout)
        if addresses is None:
            raise CollectorError(f"The collector did not start:\n{stderr_path.read_text()}")
        yield Collector(
            grpc=addresses["otlp/grpc"],
            http=addresses["otlp/http"],
            web=addresses["web"],
            data=data,
            stderr_path=stderr_path,
            process=process,
        )
    finally:
        _stop(process)


def _addresses(output: IO[str]) -> dict[str, str] | None:
    """Protocol → HOST:PORT, read until the collector is ready; None where it ends before."""
    addresses: dict[str, str] = {}
    for line in output:
        if line.strip() == "ready":
            return addresses
        name, _, address = line.strip().rpartition(" ")
        addresses[name] = address
    return None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections have just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
