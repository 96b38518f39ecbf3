"""`otel-vsm flush` sends what is spooled, and says what is left."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.factories import NewRecord
from otel_vsm.cli import main
from otel_vsm.export.endpoint import Protocol
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import Spool
from otel_vsm.testing import ACCEPT, BAD_REQUEST, BUSY, OtlpReceiver


@pytest.fixture(params=Protocol, ids=str)
def receiver(
    otlp_receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> OtlpReceiver:
    for name, value in otlp_receiver.environment(request.param).items():
        monkeypatch.setenv(name, value)
    return otlp_receiver


@pytest.fixture
def keep(new_record: NewRecord) -> Callable[..., None]:
    def put(*names: str) -> None:
        Spool.of_this_user().put(Parcel(resource={}, records=tuple(map(new_record, names)))).release()

    return put


def flush() -> Result:
    return CliRunner().invoke(main, ["flush"])


def test_all_that_is_spooled_is_sent(receiver: OtlpReceiver, keep: Callable[..., None]) -> None:
    keep("a", "b")
    keep("c")
    done = flush()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Sent 3 spans to http://127.0.0.1:")
    assert done.stdout.endswith("; 0 left.\n")
    assert [record.name for record in receiver.records] == ["a", "b", "c"]
    assert Spool.of_this_user().entries() == []


def test_nothing_spooled_is_well(receiver: OtlpReceiver) -> None:
    done = flush()
    assert (done.exit_code, done.output) == (0, "Nothing is spooled.\n")
    assert receiver.requests == []


def test_what_is_left_is_said_and_why(
    receiver: OtlpReceiver, keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("a", "b")
    receiver.response = BUSY
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "700")
    done = flush()
    assert done.exit_code == 1
    assert "Sent 0 spans" in done.stdout
    assert "; 2 left.\n" in done.stdout
    assert done.stderr.startswith(f"Left in {Spool.of_this_user().directory}: ")
    assert done.stderr.endswith("too busy.\n")


def test_what_another_process_sends_is_left(receiver: OtlpReceiver, keep: Callable[..., None]) -> None:
    keep("a")
    (theirs,) = Spool.of_this_user().locked_entries()
    done = flush()
    assert done.exit_code == 1
    assert "another process is sending them" in done.stderr
    assert receiver.requests == []
    theirs.release()


def test_what_was_refused_is_said(receiver: OtlpReceiver, keep: Callable[..., None]) -> None:
    keep("poison")
    keep("a")
    receiver.response = lambda spans: (
        BAD_REQUEST if any(span.record.name == "poison" for span in spans) else ACCEPT
    )
    done = flush()
    assert done.exit_code == 1
    assert "Sent 1 span " in done.stdout
    assert done.stderr.startswith("Refused and dropped: 1 span (")
    assert Spool.of_this_user().entries() == []


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [("", "set OTEL_EXPORTER_OTLP_ENDPOINT"), ("localhost:4318", "write it like http")],
)
def test_without_a_usable_endpoint_all_is_left(
    keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch, endpoint: str, message: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    keep("a")
    done = flush()
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: 1 span left in {Spool.of_this_user().directory}: ")
    assert message in done.stderr
    assert len(Spool.of_this_user().entries()) == 1


def test_a_spool_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "spool").write_text("in the way")
    done = flush()
    assert done.exit_code == 1
    assert "the spool cannot be read" in done.stderr
