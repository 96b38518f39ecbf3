"""The program as one file: it needs a Python, and nothing that is installed there."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import otel_vsm
from otel_vsm.testing import OtlpReceiver

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_zipapp.py"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dist") / "otel-vsm.pyz"
    subprocess.run([sys.executable, str(SCRIPT), str(path)], check=True)
    return path


def run(
    program: Path, *arguments: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    # Without any package that is installed.
    return subprocess.run(
        [sys.executable, "-IS", str(program), *arguments],
        env={"PATH": os.environ["PATH"], "OTEL_VSM_STATE_DIR": str(program.parent / "state"), **(env or {})},
        cwd=program.parent,
        capture_output=True,
        text=True,
    )


def test_it_wraps_and_sends(program: Path, otlp_receiver: OtlpReceiver) -> None:
    command = ("stage", "build", "--change", "github.com/acme/shop#12", "--", "sh", "-c", "echo out; exit 3")
    done = run(program, *command, env=otlp_receiver.environment())
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "could not" not in done.stderr
    assert [record.name for record in otlp_receiver.records] == ["build"]
    assert run(program, "--version").stdout == f"otel-vsm, version {otel_vsm.__version__}\n"


def test_it_says_what_it_lacks(program: Path) -> None:
    assert "pip install 'otel-vsm[collector]'" in run(program, "collector").stderr
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert "pip install 'otel-vsm[grpc]'" in run(program, "stage", "x", "--", "true", env=env).stderr


def test_it_holds_what_is_needed_and_can_be_started(program: Path) -> None:
    spec = spec_from_file_location("make_zipapp", SCRIPT)
    assert spec and spec.loader
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split("[<>=]", name)[0] for name in project["dependencies"]} == set(script.DEPENDENCIES)
    assert not [
        name for name in zipfile.ZipFile(program).namelist() if not name.endswith((".py", ".pyc", "/"))
    ]
    assert program.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert os.access(program, os.X_OK)
    assert program.stat().st_size < 3e6
