"""Three real histories, from git through CLI, OTLP and collector to the API, against what git counted."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otel_vsm.export import export_all, intercepted
from otel_vsm.export.endpoint import Protocol
from otel_vsm.record import Record
from otel_vsm.testing import RunningCollector, collector

HISTORIES = Path(__file__).parents[2] / "shared" / "fixtures" / "histories"
NAMES = ("httpx", "click", "sqlite-utils")
OPTIONS = {"all-tags": ("--deploy-tags", "*"), "default": ()}
"""Which expectations are of which options."""

pytestmark = pytest.mark.skipif(
    not HISTORIES.is_dir(), reason=f"no histories to compare with: {HISTORIES} is not there"
)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in NAMES:
        made[name] = tmp_path_factory.mktemp("histories") / name
        subprocess.run(["git", "init", "-q", "-b", "main", str(made[name])], check=True)
        stream = gzip.decompress((HISTORIES / f"{name}.fi.gz").read_bytes())
        subprocess.run(["git", "-C", str(made[name]), "fast-import", "--quiet"], input=stream, check=True)
    return made


def _backfill(repository: Path, options: Sequence[str], environment: dict[str, str]) -> None:
    command = [
        sys.executable,
        "-c",
        "from otel_vsm.cli import main; main()",
        "backfill",
        "git",
        str(repository),
    ]
    done = subprocess.run(
        [*command, "--service", repository.name, *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _all(running: RunningCollector, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list, page after page."""
    cursor: dict[str, str] = {}
    while True:
        page = running.get(path, limit=1000, from_="2000-01-01", to="2027-01-01", **parameters, **cursor)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _check(running: RunningCollector, name: str, options: str) -> None:
    expect = json.loads((HISTORIES / f"{name}.{options}.json").read_text())
    dora = running.get("/api/v1/dora", service=name, from_="2000-01-01", to="2027-01-01")
    lead = dora["change_lead_time"]
    assert lead["count"] == expect["lead_time_s"]["count"]
    assert lead["mean"] == pytest.approx(expect["lead_time_s"]["mean"], abs=0.0006)
    assert lead["p50"] == expect["lead_time_s"]["p50"]
    assert lead["max"] == expect["lead_time_s"]["max"]
    assert dora["deployment_frequency"]["deployments"] == expect["deployments"]

    deployments = {
        deployment["version"]: (
            deployment["revision"],
            int(datetime.fromisoformat(deployment["finished_at"]).timestamp()),
            len(deployment["change_ids"]),
        )
        for deployment in _all(running, "/api/v1/deployments", service=name)
    }
    assert deployments == {
        wanted["tag"]: (wanted["revision"], wanted["at"], wanted["changes"])
        for wanted in expect["per_deployment"]
    }

    changes = list(_all(running, "/api/v1/changes", service=name))
    assert len(changes) == expect["changes_delivered"]
    assert sum("#" in change["id"] for change in changes) == expect["numbered"]
    assert sum(change["excluded"] == "clock_skew" for change in changes) == expect["excluded_clock_skew"]


@pytest.mark.parametrize(("options", "protocol"), list(zip(OPTIONS, Protocol, strict=True)))
def test_histories_give_the_expected_numbers(
    repositories: dict[str, Path], options: str, protocol: Protocol
) -> None:
    with collector() as running:
        for repository in repositories.values():
            _backfill(repository, OPTIONS[options], running.environment(protocol))
        for name in NAMES:
            _check(running, name, options)


def test_twice_in_any_order_with_a_power_cut_between_gives_the_same(
    repositories: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "sqlite-utils"
    records: list[Record] = []
    with intercepted(records.extend):
        from click.testing import CliRunner

        from otel_vsm.cli.backfill import backfill

        completed = CliRunner().invoke(backfill, ["git", str(repositories[name]), "--service", name])
        assert completed.exit_code == 0, completed.output
    chance = random.Random(20261120)
    sent = records * 2
    chance.shuffle(sent)

    def send(part: list[Record], running: RunningCollector) -> None:
        for variable, value in running.environment(chance.choice(list(Protocol))).items():
            monkeypatch.setenv(variable, value)
        while part:
            size = chance.choice([1, 7, 100, 500])
            export_all(part[:size])
            part = part[size:]

    data = tmp_path / "data"
    with collector(data=data) as running:
        send(sent[: len(sent) // 2], running)
        running.kill()
    with collector(data=data) as running:
        send(sent[len(sent) // 2 :], running)
        _check(running, name, "default")
        now = datetime.now(UTC).isoformat()
        before = running.get("/api/v1/dora", from_="2000-01-01", to=now, service=name)
        running.kill()
    with collector(data=data) as running:
        assert running.get("/api/v1/dora", from_="2000-01-01", to=now, service=name) == before
