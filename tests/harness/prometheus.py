"""A real Prometheus that scrapes a collector, on a free port."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

WAIT_S = 60


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str, **more: str) -> list[dict[str, Any]]:
        """The series that it answers with now. Raises where it does not understand."""
        try:
            return list(self._get("query", query=expression, **more)["result"])
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}\n{error.read().decode()}") from error

    def labels(self, series: str, label: str) -> list[str]:
        """The values of a label of a series."""
        return list(self._get(f"label/{label}/values", **{"match[]": series}))

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """The same once there is any."""
        deadline = time.monotonic() + WAIT_S
        last: object = None
        while time.monotonic() < deadline:
            try:
                if found := self.query(expression):
                    return found
            except (urllib.error.URLError, ConnectionError) as error:
                last = error
            time.sleep(0.2)
        raise AssertionError(f"no answer to {expression} within {WAIT_S} s; {last or 'it was empty'}")

    def _get(self, path: str, **parameters: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=30) as found:
            return json.load(found)["data"]


def program(name: str, package: str = "prometheus") -> str:
    """Where it is; the test is skipped where it is nowhere."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[None]:
    """A process that is ended at the end."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def prometheus(config: str, folder: Path) -> Iterator[Prometheus]:
    """One with this configuration, which keeps its data in the folder."""
    found = program("prometheus")
    address = free_address()
    (folder / "prometheus.yml").write_text(config)
    command = [
        found,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
    ]
    with running(command, folder / "prometheus.log"):
        yield Prometheus(f"http://{address}")
