"""The collector as a process: what it says, how it stops, and that a power cut loses nothing acknowledged."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from handmade.otlp import Otlp
from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import CollectorFailed, RunningCollector, collector
from otel_vsm_collector.spans.accept import accept
from otel_vsm_collector.stores.journal import Journal


def send(running: RunningCollector, payload: bytes, protocol: Protocol = Protocol.HTTP) -> None:
    """Comes back when it is acknowledged, without reserve."""
    address = running.otlp(protocol).removeprefix("http://")
    if protocol is Protocol.GRPC:
        with grpc.insecure_channel(address) as channel:
            path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
            assert export(payload, timeout=10) == b""
    else:
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("POST", "/v1/traces", payload, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        connection.close()


def merged(otlp: Otlp, number: int) -> bytes:
    """A request that tells of one more change."""
    event = {"vsm.event.name": "change.merged", "vsm.change.id": f"github.com/acme/shop#{number}"}
    return bytes(otlp.payload(otlp.span(event)))


def changes(running: RunningCollector) -> set[str]:
    window = {"from_": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "limit": 500}
    return {change["id"] for change in running.get("/api/v1/changes", **window)["items"]}


def ids(count: int) -> set[str]:
    return {f"github.com/acme/shop#{number}" for number in range(count)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    """One for the tests that leave it as it is, over a data folder that it made itself."""
    with collector(data=tmp_path_factory.mktemp("kept") / "data") as running:
        yield running


@pytest.mark.parametrize("protocol", Protocol)
def test_what_was_acknowledged_is_in_the_next_answer(
    otlp: Otlp, running: RunningCollector, protocol: Protocol
) -> None:
    before = changes(running)
    for number in range(len(before), len(before) + 3):
        send(running, merged(otlp, number), protocol)
        assert changes(running) == ids(number + 1)


@pytest.mark.kill
def test_a_power_cut_between_two_sends_loses_nothing_acknowledged(otlp: Otlp, tmp_path: Path) -> None:
    with collector(data=tmp_path) as running:
        send(running, merged(otlp, 0))
        running.kill()
    with collector(data=tmp_path) as running:
        send(running, merged(otlp, 1))
        assert changes(running) == ids(2)


@pytest.mark.kill
def test_a_power_cut_among_many_senders_loses_nothing_acknowledged(otlp: Otlp, tmp_path: Path) -> None:
    acknowledged: list[int] = []
    with collector(data=tmp_path) as running:

        def sender(first: int) -> None:
            for number in range(first, 10_000, 8):
                try:
                    send(running, merged(otlp, number))
                except (OSError, http.client.HTTPException):
                    return
                acknowledged.append(number)
                if len(acknowledged) == 200:
                    running.kill()

        threads = [threading.Thread(target=sender, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 200
    journal = Journal(tmp_path / "journal.sqlite")
    kept = [accept([row.body]).spans for row in journal.read(1, journal.last_seq)]
    journal.close()
    # Some may have been kept whose answer the sender did not see any more.
    assert len(acknowledged) <= sum(one.count for one in kept if one is not None) <= len(acknowledged) + 8
    with collector(data=tmp_path) as running:
        assert {f"github.com/acme/shop#{number}" for number in acknowledged} <= changes(running)


def test_it_stops_by_itself_on_a_signal_and_leaves_nothing_to_derive(otlp: Otlp, tmp_path: Path) -> None:
    with collector(data=tmp_path) as running:
        send(running, merged(otlp, 0))
        os.kill(running.pid, signal.SIGTERM)
    with collector(data=tmp_path) as running:
        assert changes(running) == ids(1)
        send(running, merged(otlp, 1))
        os.kill(running.pid, signal.SIGINT)
    with collector(data=tmp_path) as running:
        assert changes(running) == ids(2)


def test_a_ledger_that_is_lost_is_made_again_and_said(otlp: Otlp, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.append([merged(otlp, 0)])
    journal.close()
    (tmp_path / "ledger.duckdb").write_bytes(b"\0" * 100_000)
    with started(tmp_path) as process:
        assert process.stdout is not None
        addresses = {}
        while (line := process.stdout.readline()) != "ready\n":
            assert process.poll() is None
            name, _, addresses[name] = line.rstrip("\n").partition(" ")
        running = RunningCollector(process, addresses, tmp_path)
        assert changes(running) == ids(1)
        running.stop()
        _, errors = process.communicate(timeout=30)
    assert errors.count("\n") == 1
    assert errors.startswith(f"otel-vsm collector: the ledger {tmp_path}/ledger.duckdb is damaged")


def test_all_files_are_the_owners_only(otlp: Otlp, running: RunningCollector) -> None:
    before = changes(running)
    send(running, merged(otlp, len(before)))
    assert changes(running) == ids(len(before) + 1)
    for file in (running.data, *running.data.rglob("*")):
        assert stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600), file


@pytest.mark.parametrize("name", ["grpc", "http", "web"])
def test_a_port_in_use_is_one_clear_line_before_anything_else(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path / "data", **{name: f"127.0.0.1:{port}"}) as process:
            output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors == (
        f"otel-vsm collector: cannot listen on 127.0.0.1:{port} (Address already in use);"
        f" name another address with --{name} HOST:PORT\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_folder_in_use_is_one_clear_line(running: RunningCollector) -> None:
    with started(running.data) as process:
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith(f"otel-vsm collector: another collector is using the data folder {running.data}")
    assert errors.count("\n") == 1


def test_it_says_where_it_listens_and_then_that_it_is_ready(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
        process.terminate()
        process.communicate(timeout=30)
    assert [line.partition(" ")[0] for line in lines] == ["otlp/grpc", "otlp/http", "web", "ready"]
    assert all(line.partition(" ")[2].startswith("127.0.0.1:") for line in lines[:3])
    assert process.returncode == 0


def test_a_restart_where_the_store_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(CollectorFailed, match="cannot be written"),
        collector("--store", "duckdb:///no/such/x"),
    ):
        pass
    with pytest.raises(CollectorFailed, match="exit code 2"), collector("--store", "sqlite:"):
        pass


def test_a_hangup_without_a_file_to_read_again_ends_nothing(running: RunningCollector) -> None:
    os.kill(running.pid, signal.SIGHUP)
    assert running.get("/readyz")["ready"]


def started(data: Path, **addresses: str) -> "subprocess.Popen[str]":
    """A collector of which nothing is expected yet."""
    options = [
        part for name in ("grpc", "http", "web") for part in (f"--{name}", addresses.get(name, "127.0.0.1:0"))
    ]
    code = "from otel_vsm.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "collector", *options, "--data", str(data)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
