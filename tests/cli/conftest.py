"""The command line is tested from outside: processes, a cleared environment, a real OTLP server."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from otel_vsm.record import Record
from otel_vsm.testing import OtlpReceiver

PROGRAM = str(Path(sys.executable).with_name("otel-vsm"))
TIMEOUT_S = 60


class Repository:
    """A git repository in a folder."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self._env = env

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=self._env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """An empty commit; its hash."""
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


class Cli:
    """Runs `otel-vsm` in a folder and an environment."""

    program = PROGRAM

    def __init__(self, env: dict[str, str], cwd: Path, receiver: OtlpReceiver | None = None) -> None:
        self.env = env
        self.cwd = cwd
        self.receiver = receiver

    def __call__(
        self,
        *arguments: str | bytes,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        **settings: Any,
    ) -> "subprocess.CompletedProcess[Any]":
        settings = {"capture_output": True, "text": True, **settings}
        return subprocess.run(
            [PROGRAM, *arguments],
            env={**self.env, **(env or {})},
            cwd=cwd or self.cwd,
            timeout=TIMEOUT_S,
            **settings,
        )

    def start(self, *arguments: str, **settings: Any) -> "subprocess.Popen[Any]":
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **settings}
        return subprocess.Popen([PROGRAM, *arguments], env=self.env, cwd=self.cwd, **settings)

    def shell(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a shell script that finds `otel-vsm` with these arguments as its `"$@"`."""
        return subprocess.run(
            ["sh", "-c", script, "sh", PROGRAM, *arguments],
            env=self.env,
            cwd=self.cwd,
            timeout=TIMEOUT_S,
            capture_output=True,
            text=True,
        )

    def tell(self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Record:
        """Run what succeeds and says nothing; the one span that came of it."""
        assert self.receiver
        before = len(self.receiver.records)
        done = self(*arguments, env=env, cwd=cwd)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        [record] = self.receiver.records[before:]
        return record


@pytest.fixture
def plain_env(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing of the CI, the user or the machine that the tests run on."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OTEL_VSM_STATE_DIR": str(tmp_path / "state"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }


@pytest.fixture
def shop(tmp_path: Path, plain_env: dict[str, str]) -> Repository:
    """A repository with a remote, a branch `main` and one commit, which is of request 12."""
    path = tmp_path / "shop"
    path.mkdir()
    repository = Repository(path, plain_env)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    repository.commit("Add a cart (#12)")
    return repository


@pytest.fixture
def quiet(plain_env: dict[str, str], shop: Repository) -> Cli:
    """`otel-vsm` in the shop's repository, with no endpoint."""
    return Cli(plain_env, shop.path)


@pytest.fixture
def cli(plain_env: dict[str, str], shop: Repository, otlp_receiver: OtlpReceiver) -> Cli:
    """`otel-vsm` in the shop's repository, sending to `otlp_receiver`."""
    return Cli({**plain_env, **otlp_receiver.environment()}, shop.path, otlp_receiver)
