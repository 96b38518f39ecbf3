"""`otel-vsm init` puts the wrappers into a repository's pipelines, and changes nothing else of them."""

import os
import pty
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from harness.act import GitHub
from harness.cli import Cli
from harness.gitlab_ci_local import pipeline
from harness.shop import Shop
from otel_vsm.pipelines.kinds import kind_of
from otel_vsm.testing import RunningCollector

ACT, GITLAB = shutil.which("act"), shutil.which("gitlab-ci-local")
WORKFLOW = """\
# Delivery of the shop.
name: delivery
on: [push]   # requests too, one day

jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix: {python: ["3.11", "3.12"]}
    steps:
      - uses: actions/checkout@v4 # pinned elsewhere
      - run: echo "install"
      # The tests.
      - name: Tests
        run: pytest -q # quickly
      - run: |
          ruff check .
          if true; then mypy; fi

  ship:
    needs: test
    runs-on: ubuntu-latest
    environment: production
    steps:
      - {uses: actions/checkout@v4, with: {persist-credentials: false}}
      - run: 'make build'
      - run: ./deploy.sh --now
"""
EXPECTED = """\
# Delivery of the shop.
name: delivery
on: [push]   # requests too, one day

env:
  OTEL_EXPORTER_OTLP_ENDPOINT: ${{ vars.OTEL_EXPORTER_OTLP_ENDPOINT }}
  OTEL_EXPORTER_OTLP_HEADERS: ${{ secrets.OTEL_EXPORTER_OTLP_HEADERS }}
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix: {python: ["3.11", "3.12"]}
    env:
      OTEL_VSM_LEG: ${{ join(matrix.*, ', ') }}
    steps:
      - uses: actions/checkout@v4 # pinned elsewhere
        with:
          fetch-depth: 0
      - run: echo "install"
      - name: Set up otel-vsm
        run: pipx install otel-vsm
      # The tests.
      - name: Tests
        run: otel-vsm stage test -- pytest -q # quickly
      - shell: otel-vsm stage lint --type test -- bash -e {0}
        run: |
          ruff check .
          if true; then mypy; fi

  ship:
    needs: test
    runs-on: ubuntu-latest
    environment: production
    steps:
      - {uses: actions/checkout@v4, with: {fetch-depth: 0, persist-credentials: false}}
      - name: Set up otel-vsm
        run: pipx install otel-vsm
      - run: 'otel-vsm stage build -- make build'
      - run: otel-vsm deploy --service shop --environment production -- ./deploy.sh --now
"""
PIPELINE = """\
# Delivery of the shop.
stages: [test, deploy]
unit:
  stage: test
  script:
    - echo install
    - "make test"  # all of them
production:
  stage: deploy
  environment: {name: production}
  before_script:
    - echo before
  script: ./deploy.sh
other:
  stage: test
  image: golang:1.23
  script: go test ./...
"""
EXPECTED_PIPELINE = """\
# Delivery of the shop.
default:
  before_script:
    - pip install --quiet otel-vsm
variables:
  GIT_DEPTH: 0
stages: [test, deploy]
unit:
  stage: test
  script:
    - echo install
    - "otel-vsm stage test -- make test"  # all of them
production:
  stage: deploy
  environment: {name: production}
  before_script:
    - pip install --quiet otel-vsm
    - echo before
  script: otel-vsm deploy --service shop --environment production -- ./deploy.sh
other:
  stage: test
  image: golang:1.23
  script: go test ./...
"""


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_workflow_is_written_and_then_left_alone(quiet: Cli) -> None:
    file = put(quiet.cwd, ".github/workflows/delivery.yaml", WORKFLOW)
    shown = quiet("init", "--service", "shop")
    assert (shown.returncode, shown.stderr, file.read_text()) == (0, "", WORKFLOW)
    assert "+        run: otel-vsm stage test -- pytest -q # quickly" in shown.stdout
    written = quiet("init", "--service", "shop", "--write")
    assert (written.returncode, written.stdout) == (0, "wrote .github/workflows/delivery.yaml\n")
    assert file.read_text() == EXPECTED
    again = quiet("init", "--service", "shop", "--write")
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to put in place" in again.stderr
    assert file.read_text() == EXPECTED


def test_a_pipeline_of_gitlab_is_written_and_then_left_alone(quiet: Cli) -> None:
    file = put(quiet.cwd, ".gitlab-ci.yml", PIPELINE)
    written = quiet("init", "--service", "shop", "--write")
    assert (written.returncode, written.stdout) == (0, "wrote .gitlab-ci.yml\n")
    assert "other: left as it is: its image golang:1.23 may have no Python" in written.stderr
    assert file.read_text() == EXPECTED_PIPELINE
    assert quiet("init", "--service", "shop", "--write").stdout == ""
    assert file.read_text() == EXPECTED_PIPELINE


STEPS = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("      - run: ./deploy.sh\n", "nobody says what and where to: --service and --environment do"),
        (
            "      - run: |\n          make build\n          pytest\n",
            "several kinds of work: make a step of each",
        ),
        ("      - run: pytest && helm upgrade shop c\n", "several kinds of work: make a step of each"),
        ("      - run: pytest; (kubectl apply -f x)\n", "several kinds of work"),
        ("      - {run: 'pytest && true'}\n", "put otel-vsm stage test -- before its commands"),
        (
            "      - run: pytest | tee out\n        shell: fish {0}\n",
            "put otel-vsm stage test -- before its commands",
        ),
    ],
)
def test_what_cannot_be_decided_is_left_and_said(quiet: Cli, step: str, why: str) -> None:
    put(quiet.cwd, ".github/workflows/x.yml", STEPS + step)
    done = quiet("init", stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (0, "")
    assert why in done.stderr


def test_what_only_the_user_knows_is_asked_for_once(quiet: Cli) -> None:
    put(quiet.cwd, ".github/workflows/x.yml", STEPS + "      - run: ./deploy.sh\n      - run: make deploy\n")
    terminal, stdin = pty.openpty()
    os.write(terminal, b"shop\nproduction\n")
    done = quiet("init", stdin=stdin)
    os.close(stdin)
    os.close(terminal)
    assert "Which service is deployed: " in done.stderr
    added = [line for line in done.stdout.splitlines() if line.startswith("+") and "deploy " in line]
    wrapper = "otel-vsm deploy --service shop --environment production --"
    assert added == [f"+      - run: {wrapper} ./deploy.sh", f"+      - run: {wrapper} make deploy"]


def test_a_container_is_left_alone(quiet: Cli) -> None:
    text = STEPS.replace("    steps:", "    container: golang:1.23\n    steps:") + "      - run: go test\n"
    put(quiet.cwd, ".github/workflows/x.yml", text)
    done = quiet("init")
    assert (done.stdout, "put otel-vsm into its image" in done.stderr) == ("", True)


def test_windows_is_left_alone(quiet: Cli) -> None:
    text = (STEPS + "      - run: pytest\n").replace("ubuntu", "windows")
    put(quiet.cwd, ".github/workflows/x.yml", text)
    done = quiet("init")
    assert (done.stdout, "it runs on Windows" in done.stderr) == ("", True)


def test_line_ends_stay(quiet: Cli) -> None:
    file = put(quiet.cwd, ".github/workflows/x.yml", "")
    file.write_bytes((STEPS + "      - run: pytest\n").replace("\n", "\r\n").encode())
    assert quiet("init", "--write").returncode == 0
    assert b"- run: otel-vsm stage test -- pytest\r\n" in file.read_bytes()


@pytest.mark.parametrize("text", ["a: [", "\x00", "", "- 1\n- 2\n", "jobs: 7\n", "jobs: {a: {steps: {}}}\n"])
def test_what_is_no_workflow_harms_nothing(quiet: Cli, text: str) -> None:
    file = put(quiet.cwd, ".github/workflows/x.yml", text)
    done = quiet("init", "--write")
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert file.read_text() == text


def test_a_repository_without_pipelines_is_said(quiet: Cli) -> None:
    done = quiet("init")
    assert (
        done.returncode,
        "neither workflows in .github/workflows nor a .gitlab-ci.yml" in done.stderr,
    ) == (1, True)


@pytest.mark.parametrize(
    ("command", "stage"),
    [
        ("make", "build"),
        ("make -j4", "build"),
        ("make install", None),
        ("npm ci", None),
        ("npm run build", "build"),
        ("npm test", "test"),
        ("uv run pytest -q", "test"),
        ("CI=1 python -m pytest", "test"),
        ("pip install pytest", None),
        ("./gradlew clean test", "test"),
        ("mvn -B verify", "test"),
        ("mvn -B package", "build"),
        ("cargo clippy", "lint"),
        ("docker buildx build .", "package"),
        ("trivy image shop", "security"),
        ("kubectl get pods", None),
        ("kubectl apply -f shop.yaml", "deploy"),
        ("helm upgrade shop ./chart", "deploy"),
        ("helm lint ./chart", None),
        ("echo deploy", None),
        ("", None),
    ],
)
def test_a_command_is_known_by_its_tool(command: str, stage: str | None) -> None:
    kind = kind_of(command)
    assert (kind.stage if kind else None) == stage


@pytest.fixture
def env(tmp_path: Path, plain_env: dict[str, str]) -> dict[str, str]:
    """With everything that the pipelines call, which all succeeds."""
    programs = tmp_path / "programs"
    for name in ("pipx", "pip", "pytest", "ruff", "mypy"):
        put(programs, name, "#!/bin/sh\nexit 0\n").chmod(0o755)
    return {**plain_env, "PATH": f"{programs}:{plain_env['PATH']}"}


def written(shop: Shop, name: str, text: str) -> None:
    put(shop.path, name, text)
    put(shop.path, "Makefile", "build test:\n\ttrue\n")
    put(shop.path, "deploy.sh", "#!/bin/sh\nexit 0\n").chmod(0o755)
    shop.run.env["PATH"] = shop.env["PATH"]
    assert shop.run("init", "--service", "shop", "--write").returncode == 0
    shop.git("add", ".")
    shop.commit("Start", ago=timedelta(days=1))


def runs(shop: Shop) -> dict[str, int]:
    items = shop.collector.get("/api/v1/stages", repository=shop.name, window="30d")["items"]
    return {item["name"]: item["runs"] for item in items}


@pytest.mark.skipif(ACT is None, reason="act is missing: go install github.com/nektos/act@latest")
def test_the_workflow_runs(tmp_path: Path, env: dict[str, str], running_collector: RunningCollector) -> None:
    shop = Shop(tmp_path / "repository", env, running_collector, "github.com/acme/init")
    written(shop, ".github/workflows/delivery.yaml", WORKFLOW)
    endpoint = running_collector.environment()["OTEL_EXPORTER_OTLP_ENDPOINT"]
    # Beside the program of the tests stands a pytest too.
    GitHub(ACT or "", shop, tmp_path).push(
        1,
        "delivery",
        options=(
            "--var",
            f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}",
            "--env",
            f"PATH={env['PATH']}:{shop.run.program.rpartition('/')[0]}",
        ),
    )
    assert runs(shop) == {"test": 2, "lint": 2, "build": 1, "deploy": 1}


@pytest.mark.skipif(GITLAB is None, reason="gitlab-ci-local is missing: npm install --global gitlab-ci-local")
def test_the_pipeline_runs(tmp_path: Path, env: dict[str, str], running_collector: RunningCollector) -> None:
    shop = Shop(tmp_path / "repository", env, running_collector, "gitlab.com/acme/init")
    text = PIPELINE[: PIPELINE.index("other:\n")]
    written(shop, ".gitlab-ci.yml", text)
    pipeline(GITLAB or "", shop, 1, {"CI_COMMIT_BRANCH": "main"})
    assert runs(shop) == {"test": 1, "deploy": 1}
