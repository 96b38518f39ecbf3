"""Small repositories, built by a script, from git through CLI, OTLP and collector to the API."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otel_vsm.testing import RunningCollector

CASES = Path(__file__).parents[2] / "shared" / "cases"
PROGRAM = str(Path(sys.executable).with_name("otel-vsm"))
DAY, HOUR = 86_400.0, 3_600.0

PRELUDE = """
set -e
git init -q -b main repo; cd repo
git config user.name Ada; git config user.email ada@example.com
at() { export GIT_AUTHOR_DATE="2026-05-$1:00:00Z" GIT_COMMITTER_DATE="2026-05-${2:-$1}:00:00Z"; }
commit() { git commit -q --allow-empty -m "$1"; }
merge() { git merge -q --no-ff -m "$1" "$2"; }
tag() { git tag -a -m "$1" "$1" "${2:-HEAD}"; }
"""


@dataclass(frozen=True, kw_only=True)
class Right:
    """What the API has to say."""

    carries: Mapping[str, set[str]]
    """Version → the changes, `#12`, `@` for one of a commit."""
    lead_times: list[float]
    """Of all delivered changes in seconds, sorted."""
    mended: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Version that failed → the one that mended it, and after how many seconds."""


TWICE = """
at 01T08; commit "Start"; tag v1.0.0
git checkout -q -b develop
for k in 11 12; do
  git checkout -q -b f$k develop; at $((k-9))T08; commit "Work on $k"
  git checkout -q develop; at $((k-9))T12; merge "Merge pull request #$k from acme/f$k" f$k
done
git checkout -q -b release main; at 08T08; merge "Merge branch 'develop' into release" develop
at 09T08; commit "Mend the release"
git checkout -q main; at 10T08; merge "Merge branch 'release'" release; tag v1.1.0
at 11T08; commit "Wait (#13)"
"""
PULLED = """
at 01T08; commit "Start (#1)"; tag v1.0.0
git checkout -q -b mine; at 02T08; commit "Mend a typo"
git checkout -q main; at 03T08; commit "Add a cart (#10)"; at 04T08; commit "Add a till (#11)"
git checkout -q mine; at 05T08; merge "Merge branch 'main'" main
git checkout -q main; git merge -q --ff-only mine; at 06T08; tag v1.1.0
"""
FIRST = """
at 01T08; commit "Start"
git checkout -q -b develop; at 02T08; commit "Add a cart (#2)"; at 03T08; commit "Add a till (#3)"
git checkout -q main; at 04T08; merge "Merge branch 'develop'" develop; tag v1.0.0
"""
NAMED = r"""
at 01T08; commit "Merged PR 11: Start"; at 01T09; tag v1
at 02T08; commit "Merged PR 12: Round the total (#45)"; at 02T09; tag v2
at 03T08; commit "$(printf 'Round the tax (#45)\r\n\r\nSee merge request acme/shop!13\r\n')"; at 03T09; tag v3
at 04T08; commit "$(printf 'Round all that is left\r\nto round (#14)\r\n\r\nSee (#45)\r\n')"; at 04T09; tag v4
"""
SECOND = """
at 01T08; commit "Start (#1)"; git tag one
at 02T08; commit "Two (#2)"; at 03T08; commit "Three (#3)"; git tag three
at 04T08; commit "Four (#4)"; at 05T08; tag v1.9.0 one; tag v1.10.0 three; tag v1.11.0
git tag -d one three >/dev/null
"""
REVERTED = """
at 01T08; commit "Start (#1)"; at 01T09; tag v1
at 02T08; commit "Add a cart (#2)"; at 02T09; tag v2; A=$(git rev-parse HEAD)
at 03T08; commit "Add a till (#3)"; at 03T09; tag v3; B=$(git rev-parse HEAD)
at 03T10; commit "Take both back (#4)

This reverts commits $A and $B."; at 03T11; tag v4; C=$(git rev-parse HEAD)
at 04T08; commit "Try again (#5)

This reverts commit $C."; at 04T09; tag v5; D=$(git rev-parse HEAD)
at 04T10; commit "Away with it (#6)

This reverts commit $D."; at 04T12; tag v6
at 05T08; commit 'Revert "Revert "Try again" (#6)" (#7)'; at 05T09; tag v7
"""

OWN = {
    "twice": (
        TWICE,
        Right(
            carries={"v1.0.0": {"@"}, "v1.1.0": {"#11", "#12", "@"}},
            lead_times=[0.0, DAY, 7 * DAY, 8 * DAY],
        ),
    ),
    "pulled": (
        PULLED,
        Right(
            carries={"v1.0.0": {"#1"}, "v1.1.0": {"#10", "#11", "@"}},
            lead_times=[0.0, 2 * DAY, 3 * DAY, 4 * DAY],
        ),
    ),
    "first": (FIRST, Right(carries={"v1.0.0": {"#3"}}, lead_times=[DAY])),
    "named": (
        NAMED,
        Right(carries={"v1": {"#11"}, "v2": {"#12"}, "v3": {"#13"}, "v4": {"#14"}}, lead_times=[HOUR] * 4),
    ),
    "second": (
        SECOND,
        Right(
            carries={"v1.9.0": {"#1"}, "v1.10.0": {"#2", "#3"}, "v1.11.0": {"#4"}},
            lead_times=[DAY, 2 * DAY, 3 * DAY, 4 * DAY],
        ),
    ),
    "reverted": (
        REVERTED,
        Right(
            carries={f"v{number}": {f"#{number}"} for number in range(1, 8)},
            lead_times=[HOUR] * 5 + [HOUR, 2 * HOUR],
            mended={"v3": ("v4", 2 * HOUR), "v5": ("v6", 3 * HOUR)},
        ),
    ),
}

SHARED = {
    "merged-twice-on-the-way/twice.sh": Right(
        carries={"v1.0.0": {"@"}, "v1.1.0": {"#11", "#12", "#13"}},
        lead_times=[0.0, 6 * DAY, 7 * DAY, 8 * DAY],
    ),
    "merged-twice-on-the-way/pulled.sh": OWN["pulled"][1],
    "number-that-is-no-request/azure.sh": Right(
        carries={"v1.0.0": {"#11"}, "v1.1.0": {"#12"}, "v1.2.0": {"#13"}}, lead_times=[HOUR] * 3
    ),
    "number-that-is-no-request/gitlab.sh": Right(
        carries={"v1.0.0": {"#11"}, "v1.1.0": {"#12"}, "v1.2.0": {"#13"}}, lead_times=[HOUR] * 3
    ),
    "several-reverts-in-one/build.sh": Right(
        carries={"v1.0.0": {"#1"}, "v1.1.0": {"#2"}, "v1.2.0": {"#3"}, "v1.2.1": {"#4"}},
        lead_times=[HOUR] * 4,
        mended={"v1.2.0": ("v1.2.1", 2 * HOUR)},
    ),
    "tags-of-one-second/build.sh": Right(
        carries={"v1.8.0": {"#1"}, "v1.9.0": {"#2"}, "v1.10.0": {"#3"}}, lead_times=[DAY, 2 * DAY, 3 * DAY]
    ),
}

REBASED_CASE = CASES / "request-that-was-rebased" / "build.sh"
REBASED = """
at 01T08; commit "Start (#1)"; at 01T09; tag v1.0.0
at 02T08 06T08; commit "Cart: model"; at 03T08 06T08; commit "Cart: view"
at 06T09; tag v1.1.0
"""


@dataclass(frozen=True)
class Checkout:
    """A repository of its own name, and the command line in it, which sends to a collector."""

    path: Path
    name: str
    environment: Mapping[str, str]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def otel_vsm(self, *arguments: str) -> None:
        self.run(PROGRAM, *arguments, "--repository", f"github.com/acme/{self.name}")


def _environment(running: RunningCollector) -> dict[str, str]:
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return {**os.environ, **running.environment(), **settings}


def _built(script: str, name: str, folder: Path, running: RunningCollector) -> Checkout:
    """The repository that a shell script builds in the folder `repo`."""
    environment = _environment(running)
    subprocess.run(["sh", "-c", script], cwd=folder, env=environment, check=True, capture_output=True)
    return Checkout(folder / "repo", name, environment)


def _answers(running: RunningCollector, name: str) -> Right:
    window: dict[str, Any] = {"from_": "2026-01-01", "to": "2027-01-01", "service": name}
    deployments = running.get("/api/v1/deployments", **window)["items"]
    changes = running.get("/api/v1/changes", **window)["items"]
    dora = running.get("/api/v1/dora", **window)
    versions = {deployment["id"]: deployment["version"] for deployment in deployments}
    lead_times = sorted(change["lead_time_s"] for change in changes if change["lead_time_s"] is not None)
    mended: dict[str, tuple[str, float]] = {}
    for deployment in deployments:
        if deployment["failed"]:
            back = _moment(deployment["recovered_at"]) - _moment(deployment["finished_at"])
            mended[deployment["version"]] = (versions[deployment["recovery"]["deployment_id"]], back)
    recovered = dora["failed_deployment_recovery_time"]
    assert dora["change_lead_time"]["count"] == len(lead_times)
    assert dora["change_fail_rate"]["failed"] == recovered["count"] == len(mended)
    return Right(
        carries={
            deployment["version"]: {
                "@" if "@" in change else f"#{change.rpartition('#')[2]}"
                for change in deployment["change_ids"]
            }
            for deployment in deployments
        },
        lead_times=lead_times,
        mended=mended,
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("name", OWN)
def test_a_history_gives_the_figures_that_are_right(
    name: str, running_collector: RunningCollector, tmp_path: Path
) -> None:
    script, right = OWN[name]
    checkout = _built(PRELUDE + script, f"own-{name}", tmp_path, running_collector)
    checkout.otel_vsm("backfill", "git", ".", "--service", checkout.name)
    assert _answers(running_collector, checkout.name) == right


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases to compare with: {CASES} is not there")
@pytest.mark.parametrize("case", SHARED)
def test_what_people_met_elsewhere_is_right(
    case: str, running_collector: RunningCollector, tmp_path: Path
) -> None:
    name = "shared-" + case.removesuffix(".sh").replace("/", "-")
    checkout = _built(f'exec sh "{CASES / case}"', name, tmp_path, running_collector)
    checkout.otel_vsm("backfill", "git", ".", "--service", name)
    assert _answers(running_collector, name) == SHARED[case]


@pytest.mark.parametrize("script", [PRELUDE + REBASED, f'exec sh "{REBASED_CASE}"'], ids=["own", "shared"])
def test_a_request_is_all_the_commits_that_it_was_told_to_have_become(
    script: str, request: pytest.FixtureRequest, running_collector: RunningCollector, tmp_path: Path
) -> None:
    if script.startswith("exec") and not REBASED_CASE.is_file():
        pytest.skip(f"no case to compare with: {REBASED_CASE} is not there")
    name = f"rebased-{request.node.callspec.id}"
    checkout = _built(script, name, tmp_path, running_collector)
    for sha in checkout.run("git", "log", "--format=%H", "v1.0.0..v1.1.0").split():
        checkout.otel_vsm("change", "merged", "--change", "12", "--revision", sha)
    checkout.otel_vsm("backfill", "git", ".", "--service", name)
    assert _answers(running_collector, name) == Right(
        carries={"v1.0.0": {"#1"}, "v1.1.0": {"#12"}}, lead_times=[HOUR, 4 * DAY + HOUR]
    )


def test_a_tag_that_moved_is_another_deployment_and_a_renamed_repository_has_the_same(
    running_collector: RunningCollector, tmp_path: Path
) -> None:
    checkout = _built(
        f"{PRELUDE} at 01T08; commit Start; git tag v1; at 02T08; commit Two; git tag v2",
        "own-moved",
        tmp_path,
        running_collector,
    )

    def ids() -> set[tuple[str, str]]:
        window = {"from_": "2026-01-01", "to": "2027-01-01", "service": "own-moved"}
        deployments = running_collector.get("/api/v1/deployments", **window)["items"]
        return {(deployment["id"], deployment["version"]) for deployment in deployments}

    backfill = ("backfill", "git", ".", "--service", "own-moved")
    checkout.otel_vsm(*backfill)
    before = ids()
    checkout.run(PROGRAM, *backfill, "--repository", "github.com/acme/own-renamed")
    assert ids() == before
    checkout.run("git", "tag", "-f", "v2", "v1")
    checkout.otel_vsm(*backfill)
    assert sorted(version for _, version in ids()) == ["v1", "v2", "v2"]
