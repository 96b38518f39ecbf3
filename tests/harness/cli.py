"""The command line from outside, and a git repository to run it in."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

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
        completed = subprocess.run(
            ["git", *arguments], cwd=self.path, env=self._env, check=True, capture_output=True, text=True
        )
        return completed.stdout.strip()

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
        self._receiver = receiver

    @property
    def receiver(self) -> OtlpReceiver:
        """Where it sends to; the fixture `quiet` has none."""
        assert self._receiver
        return self._receiver

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

    def record(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Record:
        """Run what succeeds and says nothing; the one span that came of it, besides the change's history."""
        before = len(self.receiver.records)
        completed = self(*arguments, env=env, cwd=cwd)
        assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
        records = self.receiver.records[before:]
        # What `change --at` tells looks the same as the history that goes along with work.
        [record] = records if len(records) == 1 else without_history(records)
        return record


def without_history(records: Iterable[Record]) -> list[Record]:
    """Without the events of a change that the CI and git tell of, and that go along with what is told."""
    return [record for record in records if not is_history(record)]


def is_history(record: Record) -> bool:
    return str(record.attributes.get("vsm.event.name", "")).startswith("change.") and bool(
        record.attributes.get("vsm.backfilled")
    )


def read_line(process: "subprocess.Popen[Any]") -> str:
    """The next line of its standard output."""
    assert process.stdout
    line: str = process.stdout.readline()
    return line
