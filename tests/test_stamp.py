import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_vsm.stamp import MAX_BYTES, Stamp, StampError, read_stamp, write_stamp

WHOLE = Stamp(
    change_id="github.com/acme/shop#12",
    repository="github.com/acme/shop",
    revision="9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d",
    version="1.4.0",
    artifact_purl="pkg:oci/shop@sha256:abc",
    artifact_hash="sha256:abc",
    deployment_id="shop-7",
)


@pytest.mark.parametrize("stamp", [WHOLE, Stamp(), Stamp(version="ÿ 日本\n\0")])
def test_what_is_written_is_read(stamp: Stamp, tmp_path: Path) -> None:
    write_stamp(tmp_path / "stamp.json", stamp=stamp)
    assert read_stamp(tmp_path / "stamp.json") == stamp


def test_only_what_is_known_is_in_the_file_and_other_users_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "stamp.json"
    write_stamp(path, stamp=Stamp(version="1.4.0"))
    assert json.loads(path.read_text()) == {"version": "1.4.0"}
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_stamp_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stamp.json"
    write_stamp(path, stamp=WHOLE)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="no space left"):
        write_stamp(path, stamp=Stamp(version="2"))
    assert read_stamp(path) == WHOLE
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_a_later_version_are_passed_over_and_empty_ones_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "stamp.json"
    path.write_text('{"version": "1", "colour": ["red"], "revision": null, "change_id": ""}')
    assert read_stamp(path) == Stamp(version="1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"version": 1}', "version is not a text"),
        (b'{"revision": "\\ud800"}', "revision is not a text"),
        (b" " * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_stamp_is_refused_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "stamp.json"
    path.write_bytes(content)
    with pytest.raises(StampError, match=reason):
        read_stamp(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stamp.json")
    with pytest.raises(StampError, match="not a regular file"):
        read_stamp(tmp_path / "stamp.json")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_content_is_a_stamp_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-stamp.json"
    path.write_bytes(content)
    try:
        stamp = read_stamp(path)
    except StampError:
        return
    assert isinstance(stamp, Stamp)
