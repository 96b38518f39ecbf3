"""`otel-vsm service env` says to the SDK of any language what brought the service."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import OTELResourceDetector

from harness.cli import Cli, Repository

DIGEST = "sha256:" + "ab" * 32


def printed(cli: Cli, *options: str, **env: str) -> str:
    done = cli("service", "env", *options, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    [line] = done.stdout.splitlines()
    return str(line)


def test_the_sdk_reads_what_is_printed(quiet: Cli, shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    line = printed(
        quiet,
        *("--name", "the shop, here", "--version", "1.4 $(x)", "--artifact", f"ghcr.io/acme/shop@{DIGEST}"),
        OTEL_VSM_DEPLOYMENT_ID="d-1",
        OTEL_RESOURCE_ATTRIBUTES="service.version=9,team=a%2Cb",
    )
    name, _, value = line.partition("=")
    monkeypatch.setenv(name, value)
    assert dict(OTELResourceDetector().detect().attributes) == {
        "service.name": "the shop, here",
        # What was there wins.
        "service.version": "9",
        "team": "a,b",
        "vsm.change.id": "github.com/acme/shop#12",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.ref.head.revision": shop.git("rev-parse", "HEAD"),
        "artifact.hash": DIGEST,
        "deployment.id": "d-1",
    }


def test_a_shell_takes_it_as_it_is(quiet: Cli) -> None:
    hostile = "a b;touch ran '$(touch ran)' \"`touch ran`\" *"
    script = 'export $("$@") && printenv OTEL_RESOURCE_ATTRIBUTES'
    done = quiet.shell(script, "service", "env", "--version", hostile)
    assert done.stdout.strip() == printed(quiet, "--version", hostile).partition("=")[2]
    assert not (quiet.cwd / "ran").exists()


def test_a_deployments_command_has_the_deployment_in_it(cli: Cli) -> None:
    done = cli(
        *("deploy", "--service", "shop", "--environment", "production", "--deployment-id", "d-7"),
        *("--", cli.program, "service", "env"),
    )
    assert "deployment.id=d-7" in done.stdout


NODE = """
const { detectResources, envDetector } = require("@opentelemetry/resources");
const resource = detectResources({ detectors: [envDetector] });
console.log(resource.attributes["vsm.change.id"], resource.attributes["service.version"]);
"""


def test_node_reads_it(quiet: Cli, tmp_path: Path) -> None:
    modules = os.environ.get("NODE_PATH", "")
    if not shutil.which("node") or not (Path(modules) / "@opentelemetry/resources").is_dir():
        pytest.skip("@opentelemetry/resources is not in NODE_PATH")
    name, _, value = printed(quiet, "--version", "1,4 é").partition("=")
    (tmp_path / "read.js").write_text(NODE)
    done = subprocess.run(
        ["node", str(tmp_path / "read.js")],
        env={**quiet.env, "NODE_PATH": modules, name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "github.com/acme/shop#12 1,4 é\n", done.stderr
