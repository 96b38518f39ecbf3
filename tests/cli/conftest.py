"""The command line is tested from outside: processes, a cleared environment, a real OTLP server."""

from pathlib import Path

import pytest

from harness.cli import Cli, Repository
from otel_vsm.testing import OtlpReceiver


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
