"""Every test starts from an environment that names no endpoint, no CI and nobody's change."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from harness.factories import NewRecord, RunPython
from harness.github_api import GitHubApi
from otel_vsm.identity import SpanId, change_root
from otel_vsm.record import Record
from otel_vsm.state import STATE_VARIABLE
from otel_vsm.testing import CountingIds
from otel_vsm.testing.fixtures import (  # noqa: F401 - fixtures are found by their names
    captured,
    counting_ids,
    fake_clock,
    otlp_receiver,
    running_collector,
)

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# A shell that runs this in the background has its jobs ignore the terminal's signals, and what is ignored
# stays so in every process that a test starts.
_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGTERM: signal.SIG_DFL,
}
for _number, _usual in _USUAL.items():
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _usual)

_CLEARED = re.compile(
    r"OTEL_.*|TRACEPARENT|TRACESTATE|BAGGAGE|XDG_STATE_HOME|GRPC_.*|GIT_.*"
    r"|CI|CI_.*|CONTINUOUS_INTEGRATION|BUILD_.*|RUNNER_.*|GITHUB_.*|GITLAB_.*|JENKINS_.*|BUILDKITE.*|CIRCLE.*"
    r"|GITEA_.*|FORGEJO_.*|NETLIFY|VERCEL.*|TEKTON_.*|ARGO_.*|WOODPECKER_.*|PROJECT_ID|PROJECT_NUMBER"
    r"|TRAVIS.*|TF_BUILD|SYSTEM_.*|BITBUCKET_.*|DRONE.*|TEAMCITY_.*|APPVEYOR.*|CODEBUILD_.*"
    r"|(https?|all|no|grpc|no_grpc)_proxy|(HTTPS?|ALL|NO)_PROXY"
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if _CLEARED.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))


@pytest.fixture
def github_api() -> Iterator[GitHubApi]:
    api = GitHubApi()
    yield api
    api.stop()


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
def new_record(counting_ids: CountingIds) -> NewRecord:  # noqa: F811 - that is how fixtures are asked for
    """Make a record of a change; keyword arguments replace what it has."""
    trace_id, root = change_root("github.com/acme/shop#123")

    def make(name: str = "build", **replaced: Any) -> Record:
        fields: dict[str, Any] = {
            "trace_id": trace_id,
            "span_id": counting_ids.span_id(),
            "parent_span_id": SpanId(root),
            "name": name,
            "start_ns": 1_770_000_000_000_000_001,
            "end_ns": 1_770_000_002_500_000_000,
            "attributes": {"vsm.stage.name": name},
        }
        return Record(**{**fields, **replaced})

    return make


@pytest.fixture
def run_python() -> RunPython:
    """Run code in a Python of its own, which finds the same packages, installed or not."""

    def run(code: str, **env: str) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join(filter(None, [os.fspath(Path.cwd()) if "" in sys.path else "", *sys.path]))
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path, **env},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
