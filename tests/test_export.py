"""Records leave or are kept, and the user's command does not notice; over real sockets, both protocols."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from harness.factories import NewRecord, RunPython
from otel_vsm.export import ExportError, configured, export, export_all, intercepted, leave, preload
from otel_vsm.export.background import response_budget_s
from otel_vsm.export.endpoint import Protocol
from otel_vsm.export.spool import Spool
from otel_vsm.record import BATCH_RECORDS, Record
from otel_vsm.testing import ACCEPT, BAD_REQUEST, BUSY, UNAUTHENTICATED, ExportResponse, OtlpReceiver

Stderr = pytest.CaptureFixture[str]

PATIENT_S = 60.0
"""A budget that a slow machine does not use up, where a test is not about the budget."""


@pytest.fixture(params=Protocol, ids=str)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    protocol: Protocol = request.param
    return protocol


@pytest.fixture
def receiver(
    otlp_receiver: OtlpReceiver, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> OtlpReceiver:
    for name, value in otlp_receiver.environment(protocol).items():
        monkeypatch.setenv(name, value)
    # Shorter than the exporters' first pause, so that they do not try again.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "700")
    return otlp_receiver


@pytest.fixture
def redacted_url(receiver: OtlpReceiver, protocol: Protocol) -> str:
    return receiver.url(protocol) + ("/v1/traces" if protocol is Protocol.HTTP else "")


@pytest.fixture
def spool() -> Spool:
    return Spool.of_this_user()


def names_kept(spool: Spool) -> list[str]:
    entries = list(spool.locked_entries())
    for entry in entries:
        entry.release()
    return [record.name for entry in entries for record in entry.parcel.records]


def test_a_record_is_sent_and_nothing_is_left(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr
) -> None:
    record = new_record()
    export([record], budget_s=PATIENT_S)
    assert receiver.records == [record]
    assert names_kept(spool) == []
    assert capsys.readouterr() == ("", "")


def test_what_could_not_be_sent_goes_with_the_next(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr, redacted_url: str
) -> None:
    with receiver.refusing():
        export([new_record("first"), new_record("second")], budget_s=PATIENT_S)
        export([new_record("third")], budget_s=PATIENT_S)
    assert names_kept(spool) == ["first", "second", "third"]
    message = capsys.readouterr().err.splitlines()
    assert message == [
        f"otel-vsm: warning: could not send {spans} to {redacted_url} (refused);"
        f" kept for the next run in {spool.directory}"
        for spans in ("2 spans", "1 span")
    ]
    export([new_record("fourth")], budget_s=PATIENT_S)
    assert [request.records[0].name for request in receiver.requests] == ["fourth", "first"]
    assert [record.name for record in receiver.records] == ["fourth", "first", "second", "third"]
    assert names_kept(spool) == []
    assert capsys.readouterr().err == ""


def test_silence_is_given_up(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr, redacted_url: str
) -> None:
    with receiver.silent():
        export([new_record()], budget_s=0.1)
        assert capsys.readouterr().err == (
            f"otel-vsm: warning: could not send 1 span to {redacted_url} (no answer within 0.1 s);"
            f" kept for the next run in {spool.directory}\n"
        )
    assert len(spool.entries()) == 1


def test_loading_that_takes_too_long_is_given_up(
    receiver: OtlpReceiver,
    spool: Spool,
    new_record: NewRecord,
    capsys: Stderr,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = threading.Event()
    monkeypatch.setattr("otel_vsm.export.background.LOADING_S", 0.01)
    monkeypatch.setattr("otel_vsm.export.transport.new_exporter", lambda _: loaded.wait())
    export([new_record()], budget_s=PATIENT_S)
    loaded.set()
    assert "(loading the exporter took over 0.01 s); kept for the next run" in capsys.readouterr().err


def test_loading_leaves_time_for_an_answer() -> None:
    assert response_budget_s(0.8, loading_s=0.25) == pytest.approx(0.55)
    assert response_budget_s(0.8, loading_s=1.5) == pytest.approx(0.4)


def test_what_the_receiver_will_never_take_is_not_kept(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr, redacted_url: str
) -> None:
    receiver.response = BAD_REQUEST
    export([new_record()], budget_s=PATIENT_S)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"otel-vsm: warning: {redacted_url} refused 1 span (")
    assert line.endswith("not understood); dropped")
    assert names_kept(spool) == []


@pytest.mark.parametrize("response", [BUSY, UNAUTHENTICATED], ids=["busy", "unauthenticated"])
def test_what_may_be_taken_another_time_is_kept(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr, response: ExportResponse
) -> None:
    receiver.response = response
    export([new_record()], budget_s=PATIENT_S)
    assert response.message in capsys.readouterr().err
    assert names_kept(spool) == ["build"]


def test_rejected_spans_are_said_and_not_sent_again(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr, redacted_url: str
) -> None:
    receiver.response = ExportResponse(rejected=1, message="no id")
    export([new_record(), new_record()], budget_s=PATIENT_S)
    assert capsys.readouterr().err == f"otel-vsm: warning: {redacted_url} rejected 1 of 2 spans (no id)\n"
    assert names_kept(spool) == []


def test_a_poisoned_record_of_an_earlier_run_goes_alone(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, capsys: Stderr
) -> None:
    with receiver.refusing():
        for name in ("good", "poison", "better"):
            export([new_record(name)], budget_s=PATIENT_S)
    capsys.readouterr()
    receiver.response = lambda spans: (
        BAD_REQUEST if any(span.record.name == "poison" for span in spans) else ACCEPT
    )
    export([new_record("own")], budget_s=PATIENT_S)
    assert names_kept(spool) == []
    assert "refused 1 span of earlier runs" in capsys.readouterr().err
    assert [[record.name for record in request.records] for request in receiver.requests] == [
        ["own"],
        ["good", "poison", "better"],
        ["good"],
        ["poison"],
        ["better"],
    ]


def test_a_spooled_record_keeps_the_resource_that_it_was_made_under(
    receiver: OtlpReceiver, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "vsm.team=payments")
    with receiver.refusing():
        export([new_record("theirs")], budget_s=PATIENT_S)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "vsm.team=web")
    export([new_record("ours")], budget_s=PATIENT_S)
    teams = {span.record.name: span.resource["vsm.team"] for span in receiver.spans}
    assert teams == {"theirs": "payments", "ours": "web"}


def test_a_full_spool_is_said_in_the_same_line(
    receiver: OtlpReceiver, new_record: NewRecord, capsys: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Spool,
        "of_this_user",
        classmethod(lambda cls: cls(Path(os.environ["OTEL_VSM_STATE_DIR"]), max_files=1)),
    )
    with receiver.refusing():
        export([new_record(), new_record()], budget_s=PATIENT_S)
        export([new_record()], budget_s=PATIENT_S)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("; the spool was full or too old: dropped the oldest 2 spans")


def test_without_a_place_for_the_spool_it_is_sent_all_the_same(
    receiver: OtlpReceiver, new_record: NewRecord, capsys: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_vsm.export.spool.state_directory", lambda: None)
    export([new_record()], budget_s=PATIENT_S)
    assert len(receiver.records) == 1
    assert capsys.readouterr().err == ""
    with receiver.refusing():
        export([new_record()], budget_s=PATIENT_S)
    assert "lost, since it could not be kept (no folder can be written" in capsys.readouterr().err


def test_on_a_full_disk_it_is_sent_all_the_same(receiver: OtlpReceiver, run_python: RunPython) -> None:
    # A limit on the size of files fails as a full disk does, and needs no disk to fill.
    done = run_python(
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n" + EXPORT_ONE,
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert len(receiver.records) == 1


def test_a_broken_environment_is_said_and_the_record_kept(
    spool: Spool, new_record: NewRecord, capsys: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "broken")
    export([new_record()])
    (line,) = capsys.readouterr().err.splitlines()
    assert "OTEL_RESOURCE_ATTRIBUTES is ignored" in line
    assert "write it like http://localhost:4318; kept for the next run" in line
    assert names_kept(spool) == ["build"]


def test_nothing_that_goes_wrong_is_raised(
    receiver: OtlpReceiver, new_record: NewRecord, capsys: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("otel_vsm.export.transport.Sender.send", fail)
    export([new_record()], budget_s=PATIENT_S)
    assert "(RuntimeError: a bug); kept" in capsys.readouterr().err
    monkeypatch.setattr("otel_vsm.export.spool.Spool.put", fail)
    export([new_record()], budget_s=PATIENT_S)
    assert "could not send telemetry (RuntimeError: a bug)" in capsys.readouterr().err


def test_an_interrupt_ends_the_wait_and_nothing_else(
    receiver: OtlpReceiver, new_record: NewRecord, capsys: Stderr
) -> None:
    released = threading.Event()

    def interrupt(_: object) -> ExportResponse:
        os.kill(os.getpid(), signal.SIGINT)
        released.wait(PATIENT_S)
        return ACCEPT

    receiver.response = interrupt
    export([new_record()], budget_s=PATIENT_S)
    released.set()
    assert "(interrupted); kept" in capsys.readouterr().err


EXPORT_ONE = dedent(
    """
    from otel_vsm import export
    from otel_vsm.record import Record
    export.export([Record(trace_id="ab" * 16, span_id="cd" * 8, parent_span_id=None, name="build",
                           start_ns=1, end_ns=2, attributes={})])
    export.leave(3)
    """
)


@pytest.mark.parametrize("state", ["refusing", "silent"])
def test_a_process_ends_soon_whatever_the_endpoint_does(
    receiver: OtlpReceiver, run_python: RunPython, state: str
) -> None:
    with getattr(receiver, state)():
        start = time.monotonic()
        done = run_python(EXPORT_ONE)
        took_s = time.monotonic() - start
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    # Left alone, the exporters take 6 s to give up a closed port and 10 s for silence.
    assert took_s < 5


def test_a_process_ends_soon_when_a_name_is_not_resolved(run_python: RunPython) -> None:
    hang = "import socket, time; socket.getaddrinfo = lambda *_, **__: time.sleep(600)\n"
    start = time.monotonic()
    done = run_python(hang + EXPORT_ONE, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert time.monotonic() - start < 5


def test_what_a_dying_process_had_to_send_is_not_lost(
    receiver: OtlpReceiver, spool: Spool, run_python: RunPython
) -> None:
    killed = "import os, signal\nfrom otel_vsm.export.background import BackgroundExport\n"
    killed += "BackgroundExport.run = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
    assert run_python(killed + EXPORT_ONE).returncode == -signal.SIGKILL
    assert names_kept(spool) == ["build"]


def test_without_an_endpoint_nothing_happens(run_python: RunPython, tmp_path: Path) -> None:
    done = run_python(
        EXPORT_ONE.replace(
            "export.leave(3)",
            "export.preload()\nimport sys; print([n for n in sys.modules if n.split('.')[0] in "
            "('opentelemetry', 'requests', 'urllib3', 'grpc', 'google', 'socket')])",
        )
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_importing_it_loads_nothing_heavy(receiver: OtlpReceiver, run_python: RunPython) -> None:
    done = run_python(
        "import sys; from otel_vsm import export; export.configured()\n"
        "print([n for n in sys.modules if n.split('.')[0] in "
        "('opentelemetry', 'requests', 'urllib3', 'grpc', 'google', 'socket', 'tempfile', 'logging')])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_preloading_loads_what_is_needed_and_not_the_other(
    receiver: OtlpReceiver, run_python: RunPython, protocol: Protocol
) -> None:
    done = run_python(
        "import sys; from otel_vsm import export; export.preload()\n"
        "loaded = ('opentelemetry.proto.trace.v1.trace_pb2', 'http.client', 'grpc')\n"
        "print(*(name in sys.modules for name in loaded))"
    )
    assert done.stdout == f"True {protocol is Protocol.HTTP} {protocol is Protocol.GRPC}\n", done.stderr


def test_preloading_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
    preload()


def test_whether_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not configured()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
    assert configured()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not configured()


def test_leaving_without_an_export_is_the_ordinary_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_vsm.export._background", None)
    with pytest.raises(SystemExit) as left:
        leave(7)
    assert left.value.code == 7


def test_intercepted_records_go_nowhere_else(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    intercepted_records: list[Record] = []
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with intercepted(intercepted_records.extend):
        assert configured()
        export([new_record("one")])
        assert export_all([new_record("two"), new_record("three")]) == 2
    assert [record.name for record in intercepted_records] == ["one", "two", "three"]
    assert receiver.requests == []
    assert names_kept(spool) == []
    assert not configured()


def test_all_are_sent_in_batches_and_no_more_is_held_than_one(
    receiver: OtlpReceiver, new_record: NewRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TIMEOUT")
    made = 0
    made_at_request = []
    progress: list[int] = []

    def make() -> Iterator[Record]:
        nonlocal made
        for made in range(1, 2 * BATCH_RECORDS + 11):
            yield new_record(str(made))

    def response(_: object) -> ExportResponse:
        made_at_request.append(made)
        return ACCEPT

    receiver.response = response
    assert export_all(make(), progress=progress.append) == 2 * BATCH_RECORDS + 10
    assert progress == [BATCH_RECORDS, BATCH_RECORDS, 10]
    assert made_at_request == [BATCH_RECORDS, 2 * BATCH_RECORDS, 2 * BATCH_RECORDS + 10]
    assert [record.name for record in receiver.records] == [str(n) for n in range(1, 2 * BATCH_RECORDS + 11)]


def test_sending_nothing_is_no_request(receiver: OtlpReceiver) -> None:
    assert export_all([]) == 0
    assert receiver.requests == []


def test_of_all_the_rejected_are_not_counted(
    receiver: OtlpReceiver, new_record: NewRecord, capsys: Stderr, redacted_url: str
) -> None:
    receiver.response = ExportResponse(rejected=2, message="no id")
    assert export_all([new_record(), new_record(), new_record()]) == 1
    assert capsys.readouterr().err == f"otel-vsm: warning: {redacted_url} rejected 2 of 3 spans (no id)\n"


def test_when_not_all_can_be_sent_it_is_said_what_to_do(
    receiver: OtlpReceiver, spool: Spool, new_record: NewRecord, redacted_url: str
) -> None:
    responses = iter([ACCEPT, BUSY])
    receiver.response = lambda spans: next(responses)
    progress: list[int] = []
    with pytest.raises(ExportError) as failed:
        export_all((new_record() for _ in range(3 * BATCH_RECORDS)), progress=progress.append)
    assert str(failed.value).startswith(f"{redacted_url} took 512 spans and then no more (")
    assert "too busy" in str(failed.value)
    assert "run the command again" in str(failed.value)
    assert progress == [BATCH_RECORDS]
    assert names_kept(spool) == []


def test_the_standard_timeout_is_in_milliseconds(receiver: OtlpReceiver, new_record: NewRecord) -> None:
    # As seconds, which is how the exporters read it, this would last for twelve minutes.
    with receiver.silent(), pytest.raises(ExportError, match=r"no answer within 0\.7 s"):
        export_all([new_record()])


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [("", "set OTEL_EXPORTER_OTLP_ENDPOINT"), ("localhost:4318", "write it like http://")],
)
def test_all_without_a_usable_endpoint(
    monkeypatch: pytest.MonkeyPatch, new_record: NewRecord, endpoint: str, message: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    with pytest.raises(ExportError, match=f"nothing can be sent: .*{message}"):
        export_all([new_record()])
