"""A shop: a repository with a past, and the way from it to the figures."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import Cli, Repository
from otel_vsm.testing import RunningCollector

DEPLOY = ("deploy", "--service", "shop", "--environment", "production")
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

    def build_and_test(self) -> None:
        for stage in ("build", "test"):
            self("stage", stage, "--", "true")

    def deploy(self, *options: str) -> set[str]:
        """Deployed as the quick start has it; the changes that it brought."""
        self(*DEPLOY, *options, "--", "true")
        items = self.collector.get("/api/v1/deployments", repository=self.name)["items"]
        latest = max(items, key=lambda item: item["finished_at"])
        return {name.removeprefix(self.name) for name in latest["change_ids"]}

    def merged(self, folder: Path, number: int, branch: str, base: str, *, days: int) -> dict[str, str]:
        """The variables of a CI that runs because a request was merged, some days ago."""
        event = {
            "pull_request": {
                "number": number,
                "created_at": (NOW - timedelta(days=days + 2)).isoformat(),
                "merged_at": (NOW - timedelta(days=days)).isoformat(),
                "merge_commit_sha": self.git("rev-parse", "main"),
                "head": {"sha": self.git("rev-parse", branch), "ref": branch},
                "base": {"sha": self.git("rev-parse", base), "ref": "main"},
            }
        }
        (folder / "event.json").write_text(json.dumps(event))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.name.removeprefix("github.com/"),
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
        }

    def since(self, ago: timedelta) -> object:
        return pytest.approx(time.time() - (NOW - ago).timestamp(), abs=60)
