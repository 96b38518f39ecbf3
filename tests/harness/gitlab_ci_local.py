"""Pipelines of GitLab, run by gitlab-ci-local.

It runs jobs where the repository is. What it makes up (it says that it is no GitLab, and every commit is
called the same) is given to it as GitLab has it.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from harness.cli import PROGRAM
from harness.shop import Shop


def pipeline(
    program: str,
    shop: Shop,
    number: int,
    variables: Mapping[str, str] = MappingProxyType({}),
    *,
    succeeds: bool = True,
) -> None:
    """Run the pipeline of the repository with these variables of GitLab."""
    told = {
        "GITLAB_CI": "true",
        "CI_PIPELINE_ID": str(number),
        "CI_COMMIT_MESSAGE": shop.git("log", "-1", "--format=%B"),
        "CI_COMMIT_TIMESTAMP": shop.git("log", "-1", "--format=%cI"),
        **variables,
    }
    env = {**shop.env, **shop.collector.environment()}
    # The Node.js that it was installed with is beside it.
    env["PATH"] = f"{Path(PROGRAM).parent}:{Path(program).parent}:{shop.env['PATH']}"
    completed = subprocess.run(
        [
            *(program, "--force-shell-executor"),
            *(part for key, value in told.items() for part in ("--variable", f"{key}={value}")),
        ],
        cwd=shop.path,
        env=env,
        timeout=120,
        capture_output=True,
        text=True,
    )
    output = completed.stdout + completed.stderr
    assert (completed.returncode == 0) is succeeds, output
    assert "otel-vsm: warning" not in output, output
