"""A shop: a repository with a past, and the way from it to the figures."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import Cli, Repository
from otel_vsm.testing import RunningCollector

NOW = datetime.now(UTC).replace(microsecond=0)


class Shop:
    """A repository of its own in the one collector, committed to at given times, and `otel-vsm` in it."""

    def __init__(self, path: Path, env: dict[str, str], collector: RunningCollector, name: str) -> None:
        self.env, self.path, self.name, self.collector = env, path, name, collector
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", f"https://{self.name}.git")
        self.run = Cli({**env, **collector.environment()}, path)

    def git(self, *arguments: str, ago: timedelta = timedelta()) -> str:
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), (NOW - ago).isoformat())
        return Repository(self.path, {**self.env, **dates}).git(*arguments)

    def commit(self, message: str, *, ago: timedelta) -> str:
        # With its repository's name in it: a commit that is in two repositories makes one a fork.
        self.git("commit", "-qm", f"{message}\n\n{self.name}", "--allow-empty", ago=ago)
        return self.git("rev-parse", "HEAD")

    def __call__(self, *arguments: str, **env: str) -> None:
        done = self.run(*arguments, env=env)
        assert (done.returncode, done.stderr) == (0, "")

    def change(self, name: str) -> dict[str, Any]:
        items = self.collector.get("/api/v1/changes", repository=self.name, limit=100)["items"]
        [change] = [item for item in items if item["id"] == f"{self.name}{name}"]
        return dict(change)

    def since(self, ago: timedelta) -> object:
        return pytest.approx(time.time() - (NOW - ago).timestamp(), abs=60)
