"""Workflows of GitHub Actions, run by act as GitHub would.

act runs a job in a copy of the repository and gives it the variables and the event file that GitHub does.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.cli import PROGRAM
from harness.shop import Shop


class GitHub:
    """Starts workflows in a shop's repository by events."""

    def __init__(self, act: str, shop: Shop, folder: Path) -> None:
        self.act, self.shop = act, shop
        self._event = folder / "event.json"
        self._env = {**shop.env, **shop.collector.environment()}
        self._env["PATH"] = f"{Path(PROGRAM).parent}:{shop.env['PATH']}"

    def push(self, run: int, workflow: str, **options: Any) -> None:
        """`run` is the run's id, with which attempts count anew."""
        sha = self.shop.git("rev-parse", "HEAD")
        event = {
            "ref": "refs/heads/main",
            "after": sha,
            "head_commit": {
                "id": sha,
                "message": self.shop.git("log", "-1", "--format=%B"),
                "timestamp": self.shop.git("log", "-1", "--format=%cI"),
            },
            "repository": {"default_branch": "main", "full_name": "acme/shop"},
        }
        self._start("push", event, run, workflow, **options)

    def request(self, run: int, workflow: str, fields: dict[str, Any], **options: Any) -> None:
        event = {
            "pull_request": fields,
            "number": fields["number"],
            "repository": {"default_branch": "main", "full_name": "acme/shop"},
        }
        self._start("pull_request", event, run, workflow, **options)

    def _start(
        self,
        name: str,
        event: dict[str, Any],
        run: int,
        workflow: str,
        *,
        attempt: int = 1,
        broken: str = "",
        only: str | None = None,
        succeeds: bool | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        options: Sequence[str] = (),
    ) -> None:
        """`broken` is what the workflow makes fail; `succeeds` says whether it does all the same."""
        self._event.write_text(json.dumps(event))
        variables = {"GITHUB_RUN_ID": run, "GITHUB_RUN_ATTEMPT": attempt, "BROKEN": broken, **env}
        completed = subprocess.run(
            [
                *(self.act, name, "--workflows", f".github/workflows/{workflow}.yaml"),
                *("--platform", "ubuntu-latest=-self-hosted", "--eventpath", str(self._event)),
                *(part for key, value in variables.items() for part in ("--env", f"{key}={value}")),
                *(("--matrix", f"python:{only}") if only else ()),
                *options,
            ],
            cwd=self.shop.path,
            env=self._env,
            timeout=120,
            capture_output=True,
            text=True,
        )
        output = completed.stdout + completed.stderr
        assert (completed.returncode == 0) is (not broken if succeeds is None else succeeds), output
        assert "otel-vsm: warning" not in output, output
