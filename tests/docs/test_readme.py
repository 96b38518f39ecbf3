"""Every snippet of the README does what it says, against a real collector and in a real repository."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import metadata
from pathlib import Path
from shutil import which
from urllib.request import urlopen

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
STARTS_A_COLLECTOR = "otel-vsm collector"
LEAD_TIME = timedelta(days=3)
BEGAN = (datetime.now(UTC) - LEAD_TIME).isoformat(timespec="seconds")

# Stands in for pip: the environment is installed already, so all that can be wrong is the name.
PIP = f"""\
#!{sys.executable}
import sys
command, requirement = sys.argv[1:]
assert command == "install", command
name, _, extra = requirement.rstrip("]").partition("[")
assert name == "otel-vsm", name
assert not extra or extra in {metadata("otel-vsm").get_all("Provides-Extra")}, extra
"""


def snippets(language: str) -> list[str]:
    return [text for found, text in SNIPPETS if found == language]


@dataclass(kw_only=True)
class Reader:
    """Someone who types the snippets into one shell, one after the other."""

    folder: Path
    environment: dict[str, str]
    ports: dict[str, str] = field(default_factory=dict)
    """The address that the README names → the one that the collector of this test has."""
    exports: list[str] = field(default_factory=list)

    def shell(self, snippet: str) -> str:
        text = self.here(snippet)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join((*self.exports, text))],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        self.exports += [line for line in text.splitlines() if line.startswith("export ")]
        return done.stdout

    def here(self, text: str) -> str:
        for address, actual in self.ports.items():
            text = text.replace(address, actual)
            # It asks at the usual port unless it is told another.
            if address.endswith(":8750"):
                for command in ("report", "map"):
                    text = text.replace(f"otel-vsm {command}", f"otel-vsm {command} --url http://{actual}")
        return text


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader in a repository of his own, who has started the collector of the README."""
    folder = tmp_path_factory.mktemp("shop")
    programs = tmp_path_factory.mktemp("programs")
    script(programs / "pip", PIP)
    script(folder / "deploy.sh", "#!/bin/sh\nexit 0\n")
    (folder / "Makefile").write_text("build test package:\n\t@echo $@\n")
    reader = Reader(
        folder=folder,
        environment={
            "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(tmp_path_factory.mktemp("home")),
            **{
                f"GIT_{who}_{what}": "ada@example.com"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        },
    )
    reader.shell(
        "git init -q -b main; git remote add origin git@github.com:acme/shop.git;"
        f"git add .; export GIT_AUTHOR_DATE={BEGAN} GIT_COMMITTER_DATE={BEGAN};"
        "git commit -qm 'Sell apples (#1)'; git tag v1.0"
    )
    (start,) = (
        line for text in snippets("sh") for line in text.splitlines() if line.startswith(STARTS_A_COLLECTOR)
    )
    any_ports = [word for flag in ("--grpc", "--http", "--web") for word in (flag, "127.0.0.1:0")]
    with subprocess.Popen(
        [*shlex.split(start), *any_ports],
        cwd=folder,
        env=reader.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        told = {}
        for line in process.stdout:
            if line == "ready\n":
                break
            name, _, address = line.strip().rpartition(" ")
            told[name] = address
        else:
            pytest.fail(f"`{start}` ended before it was ready; it said {told}")
        reader.ports = {
            "localhost:4317": told["otlp/grpc"],
            "localhost:4318": told["otlp/http"],
            "localhost:8750": told["web"],
        }
        yield reader
        process.terminate()
        assert process.wait() == 0


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("snippet", [text for text in snippets("sh") if text.startswith("make ")])
def test_the_chores_exist(snippet: str) -> None:
    """Only that make knows them: what they do has tests of its own, of which this is one."""
    for line in snippet.splitlines():
        subprocess.run([*line.split(), "--dry-run"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("snippet", [text for text in snippets("sh") if not text.startswith("make ")])
def test_shell(reader: Reader, snippet: str) -> None:
    if "curl " in snippet and not which("curl"):
        pytest.skip("curl is not installed")
    lines = [line for line in snippet.splitlines() if not line.startswith(STARTS_A_COLLECTOR)]
    reader.shell("\n".join(lines))


@pytest.mark.parametrize("snippet", snippets("python"))
def test_python(reader: Reader, snippet: str) -> None:
    said = reader.shell(f"python -c {shlex.quote(snippet + 'print(resource.to_json())')}")
    assert json.loads(said)["attributes"]["vsm.change.id"] == "github.com/acme/shop#1"


@pytest.mark.parametrize("snippet", snippets("yaml"))
def test_scraping(reader: Reader, snippet: str) -> None:
    for job in yaml.safe_load(reader.here(snippet))["scrape_configs"]:
        for target in (target for group in job["static_configs"] for target in group["targets"]):
            with urlopen(f"http://{target}{job.get('metrics_path', '/metrics')}", timeout=10) as answer:
                assert b"vsm_deployment_count_total" in answer.read()


def test_what_the_snippets_told_can_be_asked(reader: Reader) -> None:
    """Depends on the tests above: a figure here means that their telemetry has really arrived."""
    with urlopen(f"http://{reader.ports['localhost:8750']}/api/v1/stages", timeout=10) as answer:
        assert answer.headers["vsm-lag-seconds"] == "0"
        runs = {stage["name"]: stage["runs"] for stage in json.load(answer)["items"]}
    # Deployed by the pipeline, and by the tag in the history.
    assert runs == {"build": 1, "test": 1, "package": 1, "deploy": 2}


def test_the_deployment_of_the_snippets_has_its_change_and_lead_time(reader: Reader) -> None:
    api = f"http://{reader.ports['localhost:8750']}/api/v1"
    with urlopen(f"{api}/deployments", timeout=10) as answer:
        [deployment] = json.load(answer)["items"]
    assert deployment["change_ids"] == ["github.com/acme/shop#1"]
    with urlopen(f"{api}/dora?window=30d", timeout=10) as answer:
        lead_time = json.load(answer)["change_lead_time"]
    assert lead_time["count"] == 1
    assert lead_time["p50"] == pytest.approx(LEAD_TIME.total_seconds(), abs=600)


def test_links_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
