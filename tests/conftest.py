"""Every test starts from an environment that names no endpoint, no CI and nobody's change."""

import os
import re
from pathlib import Path

import pytest

from otel_vsm.state import STATE_VARIABLE
from otel_vsm.testing.fixtures import (  # noqa: F401 - fixtures are found by their names
    captured,
    counting_ids,
    fake_clock,
    otlp_receiver,
    running_collector,
)

_CLEARED = re.compile(
    r"OTEL_.*|TRACEPARENT|TRACESTATE|BAGGAGE|XDG_STATE_HOME|GRPC_.*"
    r"|CI|CI_.*|CONTINUOUS_INTEGRATION|BUILD_.*|RUNNER_.*|GITHUB_.*|GITLAB_.*|JENKINS_.*|BUILDKITE.*|CIRCLE.*|TRAVIS.*"
    r"|TF_BUILD|SYSTEM_.*|BITBUCKET_.*|DRONE.*|TEAMCITY_.*|APPVEYOR.*|CODEBUILD_.*|GIT_.*"
    r"|(https?|all|no|grpc|no_grpc)_proxy|(HTTPS?|ALL|NO)_PROXY"
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if _CLEARED.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
