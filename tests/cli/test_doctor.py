"""`otel-vsm doctor` says what is configured and whether it works, and gives no secret away."""

import json
import time
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner

from harness.factories import NewRecord
from otel_vsm import __version__
from otel_vsm.cli import main
from otel_vsm.export.endpoint import Protocol
from otel_vsm.export.parcel import Parcel
from otel_vsm.export.spool import Spool
from otel_vsm.testing import UNAUTHENTICATED, ExportResponse, OtlpReceiver


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is no checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture(params=Protocol, ids=str)
def receiver(
    otlp_receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> OtlpReceiver:
    for name, value in otlp_receiver.environment(request.param).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "700")
    return otlp_receiver


def doctor() -> tuple[int, dict[str, str]]:
    """The exit code and, by what they are about, the lines."""
    done = CliRunner().invoke(main, ["doctor"])
    assert done.stderr == ""
    return done.exit_code, {
        about: text.strip() for about, _, text in (line.partition(" ") for line in done.stdout.splitlines())
    }


def test_off_is_no_problem() -> None:
    code, findings = doctor()
    assert code == 0
    assert findings["version"].startswith(f"otel-vsm {__version__}, Python 3.")
    assert findings["telemetry"].startswith("off: no endpoint: set OTEL_EXPORTER_OTLP_ENDPOINT")
    assert "connection" not in findings


def test_all_works(receiver: OtlpReceiver) -> None:
    code, findings = doctor()
    assert code == 0
    assert findings["endpoint"].startswith("http://127.0.0.1:")
    assert "timeout 0.7 s" in findings["endpoint"]
    assert findings["connection"].startswith("works; an empty request was answered in ")
    assert findings["spool"] == f"0 spans in {Spool.of_this_user().directory}"
    assert findings["resource"] == "service.name=otel-vsm"
    assert [request.spans for request in receiver.requests] == [()]


def test_a_closed_port_is_a_problem_with_a_remedy(receiver: OtlpReceiver) -> None:
    with receiver.refusing():
        code, findings = doctor()
    assert code == 1
    assert findings["connection"].startswith("PROBLEM: refused; see that the collector runs")


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (UNAUTHENTICATED, "check OTEL_EXPORTER_OTLP_HEADERS"),
        (
            ExportResponse(http=400, grpc=grpc.StatusCode.INTERNAL, message="no"),
            "not as an OTLP receiver should",
        ),
    ],
    ids=["unauthenticated", "error"],
)
def test_an_answer_that_is_no_success_is_a_problem(
    receiver: OtlpReceiver, response: ExportResponse, message: str
) -> None:
    receiver.response = response
    code, findings = doctor()
    assert code == 1
    assert message in findings["connection"]


def test_no_secret_is_shown(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    address = receiver.url().replace("http://", "http://user:hunter2@")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2,x-key=hunter2")
    _, findings = doctor()
    assert findings["headers"] == "authorization, x-key"
    assert "hunter2" not in str(findings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5s"),
        ("OTEL_RESOURCE_ATTRIBUTES", "broken"),
    ],
)
def test_what_is_ignored_is_a_problem(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    code, findings = doctor()
    assert code == 1
    assert findings["environment"].startswith(f"PROBLEM: {name}")
    assert findings["connection"].startswith("works")


def test_an_endpoint_that_is_no_url_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
    code, findings = doctor()
    assert code == 1
    assert findings["endpoint"].startswith("PROBLEM: OTEL_EXPORTER_OTLP_ENDPOINT ")
    assert "connection" not in findings


def test_what_is_spooled_is_told_with_its_age(receiver: OtlpReceiver, new_record: NewRecord) -> None:
    spool = Spool.of_this_user()
    entry = spool.put(Parcel(resource={}, records=(new_record(), new_record())))
    entry.release()
    entry.entry.path.rename(spool.directory / f"{time.time_ns() - 7 * 60 * 10**9:020d}-2-00000000.spans")
    code, findings = doctor()
    assert code == 0
    assert findings["spool"] == (
        f"2 spans in {spool.directory}, the oldest since 7 min; otel-vsm flush sends them"
    )
    assert len(spool.entries()) == 1


def test_a_state_directory_that_cannot_be_used_is_a_problem(
    receiver: OtlpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OTEL_VSM_STATE_DIR", str(tmp_path / "file" / "below"))
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert f"PROBLEM: OTEL_VSM_STATE_DIR={tmp_path / 'file' / 'below'} cannot be written" in done.stdout
    assert f"0 spans in {tmp_path / 'home'}" in done.stdout


def test_what_the_ci_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sha = "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_PROJECT_URL", "https://gitlab.com/acme/shop")
    monkeypatch.setenv("CI_COMMIT_SHA", sha)
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", "12")
    _, findings = doctor()
    assert findings["repository"] == "gitlab.com/acme/shop (by the CI)"
    assert findings["revision"] == f"{sha} (by the CI)"
    assert findings["change"] == "gitlab.com/acme/shop#12 (by the CI)"
    assert findings["CI"] == "GitLab CI/CD"
    monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_PROJECT_URL", "https://gitlab.com/ada/shop")
    monkeypatch.setenv("CI_JOB_NAME", "unit 1/2")
    monkeypatch.setenv("OTEL_VSM_CHANGE_ID", "13")
    _, findings = doctor()
    assert findings["CI"] == (
        "GitLab CI/CD, job unit 1/2, leg 1/2, a request of a fork, whose jobs most systems give no secrets"
    )
    assert findings["change"] == "gitlab.com/acme/shop#13 (by OTEL_VSM_CHANGE_ID)"


def test_a_ci_that_is_not_known_is_told_with_what_names_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    code, findings = doctor()
    assert code == 0
    assert findings["CI"].startswith(
        "one that is not known here (CI is set): git says the rest, and OTEL_VSM_"
    )


def test_a_program_gets_the_same_as_a_document(receiver: OtlpReceiver) -> None:
    def document() -> tuple[int, dict[str, object], dict[str, str]]:
        done = CliRunner().invoke(main, ["doctor", "--json"])
        content = json.loads(done.stdout)
        return done.exit_code, content, {each["about"]: each["text"] for each in content["findings"]}

    code, content, findings = document()
    assert (code, content["works"]) == (0, True)
    lines = doctor()[1]
    assert list(findings) == list(lines)
    assert findings["endpoint"] == lines["endpoint"]
    with receiver.refusing():
        code, content, findings = document()
    assert (code, content["works"]) == (1, False)
    assert findings["connection"].startswith("refused; ")


def test_what_is_not_found_is_told() -> None:
    code, findings = doctor()
    assert code == 0
    assert findings["change"] == "not found"
    assert findings["CI"] == "none that is known"
