"""The place for what outlives a process."""

import os
import stat
from pathlib import Path

import pytest

from otel_vsm.state import private_directory, state_directory


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def blocked(tmp_path: Path) -> str:
    """A path below a file, where nobody can make a folder, root included."""
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "below")


def test_the_variable_comes_first(tmp_path: Path, home: Path) -> None:
    directory = tmp_path / "named" / "deep"
    env = {"OTEL_VSM_STATE_DIR": str(directory), "XDG_STATE_HOME": str(tmp_path / "xdg"), "HOME": str(home)}
    assert state_directory(env) == directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_then_xdg_then_home(tmp_path: Path, home: Path) -> None:
    assert state_directory({"XDG_STATE_HOME": str(tmp_path / "xdg")}) == tmp_path / "xdg" / "otel-vsm"
    assert state_directory({"HOME": str(home)}) == home / ".local" / "state" / "otel-vsm"


def test_a_relative_xdg_folder_is_none_by_its_specification(home: Path) -> None:
    env = {"XDG_STATE_HOME": "state", "HOME": str(home)}
    assert state_directory(env) == home / ".local" / "state" / "otel-vsm"


def test_what_cannot_be_made_is_passed_over(blocked: str, home: Path) -> None:
    env = {"OTEL_VSM_STATE_DIR": blocked, "XDG_STATE_HOME": blocked, "HOME": str(home)}
    assert state_directory(env) == home / ".local" / "state" / "otel-vsm"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder / f"otel-vsm-{os.geteuid()}"


def test_without_a_home_it_is_a_folder_of_the_user_among_the_temporary_ones(
    temporary: Path, tmp_path: Path
) -> None:
    assert state_directory({"HOME": str(tmp_path / "missing")}) == temporary
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700
    assert not (tmp_path / "missing").exists()


def test_a_temporary_folder_that_someone_else_put_there_is_refused(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "trap").mkdir()
    temporary.symlink_to(tmp_path / "trap")
    assert state_directory({"HOME": str(tmp_path / "missing")}) is None


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    with pytest.raises(PermissionError, match="another user"):
        private_directory(tmp_path)
