"""Workflows of GitHub Actions, run by act: what was written down before is what they give."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.act import GitHub
from harness.shop import NOW, Shop
from otel_vsm.testing import RunningCollector

ACT = shutil.which("act")
pytestmark = pytest.mark.skipif(ACT is None, reason="act is missing: go install github.com/nektos/act@latest")

NAME = "github.com/acme/shop"
TESTS = """
name: tests
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix: {python: ["3.11", "3.12"]}
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - run: otel-vsm stage test --leg "${{ matrix.python }}" -- test "$BROKEN" != "${{ matrix.python }}"
"""
DEPLOY = """
name: deploy
on: [push]
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - run: otel-vsm deploy --service shop --environment production -- test "$BROKEN" != deploy
"""
MERGED = """
name: merged
on: {pull_request: {types: [closed]}}
jobs:
  announce:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - run: otel-vsm stage announce -- true
"""


@pytest.fixture
def github(tmp_path: Path, plain_env: dict[str, str], running_collector: RunningCollector) -> GitHub:
    shop = Shop(tmp_path / "repository", plain_env, running_collector, NAME)
    workflows = shop.path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for name, text in (("tests", TESTS), ("deploy", DEPLOY), ("merged", MERGED)):
        (workflows / f"{name}.yaml").write_text(text)
    shop.git("add", ".")
    return GitHub(ACT or "", shop, tmp_path)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def request(number: int, branch: str, shop: Shop, *, opened: timedelta) -> dict[str, Any]:
    return {
        "number": number,
        "created_at": (NOW - opened).isoformat(),
        "head": {"sha": shop.git("rev-parse", branch), "ref": branch},
        "base": {"sha": shop.git("merge-base", "main", branch), "ref": "main"},
    }


def test_a_push_and_requests_squashed_merged_and_rebased(github: GitHub) -> None:
    """Five deployments, one of two changes, and lead times of 20, 9, 7, 2½, 4 and 1 days.

    The tests of the squashed request fail once in one leg, which is run again; and they run once more on the
    main branch. Those of the others succeed at once. The last deployment fails first and is run again.
    """
    shop = github.shop
    first = shop.commit("Start", ago=days(20))
    github.push(100, "tests")
    github.push(200, "deploy")

    shop.git("switch", "--quiet", "--create", "cart")
    shop.commit("Begin a cart", ago=days(9))
    shop.commit("Finish the cart", ago=days(8))
    cart = request(12, "cart", shop, opened=days(8))
    github.request(101, "tests", cart, broken="3.12")
    github.request(101, "tests", cart, attempt=2, only="3.12")
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "--quiet", "--squash", "cart")
    shop.commit("Add a cart (#12)", ago=days(6))
    github.push(102, "tests")
    github.push(202, "deploy")

    shop.git("switch", "--quiet", "--create", "pay")
    shop.commit("Begin to pay", ago=days(7))
    shop.commit("Pay", ago=days(5.5))
    shop.git("switch", "--quiet", "main")
    title = "Merge pull request #13 from acme/pay"
    shop.git("merge", "--quiet", "--no-ff", "-m", title, "pay", ago=days(5))
    github.push(103, "tests")
    github.push(203, "deploy")

    shop.git("switch", "--quiet", "--create", "ship")
    for ago, message in ((4, "Ship: model"), (3, "Ship: view")):
        shop.commit(message, ago=days(ago))
    ship = request(14, "ship", shop, opened=days(3))
    shop.git("switch", "--quiet", "main")
    shop.commit("Meanwhile (#15)", ago=days(2.5))
    github.push(104, "tests")
    shop.git("cherry-pick", "--allow-empty", "ship~2..ship", ago=days(2))
    merged = {"merged_at": (NOW - days(2)).isoformat(), "merged": True}
    github.request(300, "merged", {**ship, **merged, "merge_commit_sha": shop.git("rev-parse", "main")})
    github.push(105, "tests")
    github.push(205, "deploy")

    last = shop.commit("Mend a typo", ago=days(1))
    github.push(106, "tests")
    github.push(206, "deploy", broken="deploy")
    github.push(206, "deploy", attempt=2)

    deployments = shop.collector.get("/api/v1/deployments", repository=NAME)["items"]
    carried = sorted((one["finished_at"], sorted(one["change_ids"])) for one in deployments)
    names = [[f"@{first}"], ["#12"], ["#13"], ["#14", "#15"], [f"@{last}"]]
    assert [changes for _, changes in carried] == [[f"{NAME}{name}" for name in some] for some in names]
    assert {one["result"] for one in deployments} == {"success"}
    dora = shop.collector.get("/api/v1/dora", repository=NAME, window="30d")
    assert dora["deployment_frequency"]["deployments"] == 5
    assert dora["change_fail_rate"] == {"failed": 0, "deployments": 5, "ratio": 0.0}
    lead_times = [shop.change(name)["lead_time_s"] for some in names for name in some]
    assert lead_times == [shop.since(days(ago)) for ago in (20, 9, 7, 4, 2.5, 1)]
    assert shop.change("#12")["events"]["change.opened"] == (NOW - days(8)).strftime("%Y-%m-%dT%H:%M:%SZ")

    stages = shop.collector.get("/api/v1/stages", repository=NAME, window="30d")["items"]
    [tests] = [stage for stage in stages if stage["name"] == "test"]
    # Two legs for each of six pushes, and for the request two, of which one again.
    assert tests["runs"] == 15
    # Of six changes one failed at first, and it came back after its first success.
    assert tests["first_pass_yield"] == pytest.approx(5 / 6)
    assert tests["complete_accurate"] == pytest.approx(5 / 6)
    assert tests["rework_runs"] == 1
