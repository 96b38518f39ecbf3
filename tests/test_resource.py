"""The hook in a service's SDK: through the SDK itself, and against everything that could be wrong with it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_vsm import resource
from otel_vsm.resource import OtelVsmResourceDetector, resource_attributes
from otel_vsm.stamp import Stamp, write_stamp

WHOLE = Stamp(
    change_id="github.com/acme/shop#12",
    repository="github.com/acme/shop",
    revision="9f2c1d7",
    version="1.4.0",
    artifact_purl="pkg:oci/shop@sha256:abc",
    artifact_hash="sha256:abc",
    deployment_id="shop-7",
)
TOLD = {
    "vsm.change.id": "github.com/acme/shop#12",
    "vcs.repository.url.full": "https://github.com/acme/shop",
    "vcs.ref.head.revision": "9f2c1d7",
    "service.version": "1.4.0",
    "artifact.purl": "pkg:oci/shop@sha256:abc",
    "artifact.hash": "sha256:abc",
    "deployment.id": "shop-7",
}


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An environment without variables of ours, in a folder without a stamp."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(
        resource, "STAMP_PATHS", (Path("otel-vsm.stamp.json"), tmp_path / "etc" / "stamp.json")
    )
    monkeypatch.chdir(tmp_path)
    resource._warn.cache_clear()
    yield


def test_a_service_that_was_told_nothing_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert resource_attributes() == {}
    assert caplog.records == []


def test_the_named_stamp_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stamp(tmp_path / "anywhere.json", stamp=WHOLE)
    monkeypatch.setenv("OTEL_VSM_STAMP", str(tmp_path / "anywhere.json"))
    assert resource_attributes() == TOLD


def test_the_usual_places_are_looked_at_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    write_stamp(tmp_path / "etc" / "stamp.json", stamp=Stamp(version="etc"))
    assert resource_attributes() == {"service.version": "etc"}
    write_stamp(tmp_path / "otel-vsm.stamp.json", stamp=Stamp(version="here"))
    assert resource_attributes() == {"service.version": "here"}


def test_each_variable_wins_over_the_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stamp(tmp_path / "otel-vsm.stamp.json", stamp=WHOLE)
    monkeypatch.setenv("OTEL_VSM_DEPLOYMENT_ID", "shop-8")
    monkeypatch.setenv("OTEL_VSM_VERSION", "")
    assert resource_attributes() == TOLD | {"deployment.id": "shop-8"}


@pytest.mark.parametrize(
    ("variable", "value", "attribute", "expected"),
    [
        ("OTEL_VSM_CHANGE_ID", "github.com/acme/shop#1", "vsm.change.id", "github.com/acme/shop#1"),
        (
            "OTEL_VSM_REPOSITORY",
            "git@GitHub.com:acme/shop.git",
            "vcs.repository.url.full",
            "https://github.com/acme/shop",
        ),
        ("OTEL_VSM_REPOSITORY", "/srv/shop", "vcs.repository.url.full", "local/shop"),
        ("OTEL_VSM_REVISION", "abc", "vcs.ref.head.revision", "abc"),
        ("OTEL_VSM_VERSION", "2", "service.version", "2"),
        ("OTEL_VSM_ARTIFACT_PURL", "pkg:npm/shop@2", "artifact.purl", "pkg:npm/shop@2"),
        ("OTEL_VSM_ARTIFACT_HASH", "sha256:0", "artifact.hash", "sha256:0"),
        ("OTEL_VSM_DEPLOYMENT_ID", "d", "deployment.id", "d"),
    ],
)
def test_each_variable_alone(
    variable: str, value: str, attribute: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert resource_attributes() == {attribute: expected}


def test_a_named_stamp_that_is_missing_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_VSM_STAMP", "nowhere.json")
    monkeypatch.setenv("OTEL_VSM_VERSION", "2")
    for _ in range(3):
        assert OtelVsmResourceDetector().detect().attributes == {"service.version": "2"}
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "There is no stamp nowhere.json, which OTEL_VSM_STAMP names.")
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["change_id", "repository", "revision", "version"]),
        st.none() | st.integers() | st.text() | st.just("\ud800") | st.lists(st.text()),
    ).map(lambda document: json.dumps(document).encode())
)
def test_garbage_never_raises_and_what_is_told_can_be_sent(content: bytes) -> None:
    Path("otel-vsm.stamp.json").write_bytes(content)
    for value in OtelVsmResourceDetector().detect().attributes.values():
        assert str(value).encode()


@pytest.mark.parametrize("path", ["", ".", "/", "/dev/zero", "otel-vsm.stamp.json/below", "x" * 5000])
def test_a_stamp_anywhere_never_raises(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("otel-vsm.stamp.json").write_text("{}")
    monkeypatch.setenv("OTEL_VSM_STAMP", path)
    assert resource_attributes() == {}


def test_bytes_in_the_environment_that_are_no_text_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "OTEL_VSM_VERSION", os.fsdecode(b"\xff"))
    monkeypatch.setenv("OTEL_VSM_REVISION", "abc")
    assert resource_attributes() == {"vcs.ref.head.revision": "abc"}


def test_the_sdk_finds_the_detector_by_its_name(tmp_path: Path) -> None:
    """As a service does it: by the standard variable, and what the service itself says wins."""
    write_stamp(tmp_path / "stamp.json", stamp=WHOLE)
    script = (
        "import json; from opentelemetry.sdk.resources import Resource;"
        "print(json.dumps(dict(Resource.create().attributes)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel_vsm",
            "OTEL_VSM_STAMP": str(tmp_path / "stamp.json"),
            "OTEL_VSM_DEPLOYMENT_ID": "shop-8",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop,service.version=mine",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert done.stderr == ""
    expected = TOLD | {"deployment.id": "shop-8", "service.name": "shop", "service.version": "mine"}
    assert expected.items() <= document.items()


@pytest.mark.parametrize(
    "name", [f"pkg:oci/shop@sha256%3A{'AB' * 32}", f"ghcr.io/acme/shop@sha256:{'ab' * 32}"]
)
def test_the_artifact_is_named_as_by_the_option(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stamp(tmp_path / "otel-vsm.stamp.json", stamp=Stamp(artifact_hash="sha256:other"))
    monkeypatch.setenv("OTEL_VSM_ARTIFACT_PURL", name)
    told = resource_attributes()
    assert told["artifact.hash"] == f"sha256:{'ab' * 32}"
    assert told.get("artifact.purl") == (name if name.startswith("pkg:") else None)


def test_an_artifact_by_no_such_name_is_left_out_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_VSM_ARTIFACT_PURL", "https://user:secret@example.com/shop.tgz")
    assert resource_attributes() == {}
    assert "is left out" in caplog.text
    assert "secret" not in caplog.text
