"""From a repository and a pipeline to the figure: the wrappers, a real collector and its API."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from harness.shop import NOW, Shop
from otel_vsm.testing import RunningCollector

DEPLOY = ("deploy", "--service", "shop", "--environment")


@pytest.fixture
def shop(
    tmp_path: Path,
    plain_env: dict[str, str],
    running_collector: RunningCollector,
    request: pytest.FixtureRequest,
) -> Shop:
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").replace("]", "")
    return Shop(tmp_path / "repository", plain_env, running_collector, f"github.com/acme/{name}")


def test_the_quick_start_gives_the_time_since_the_first_commit(shop: Shop) -> None:
    shop.commit("Start", ago=timedelta(days=20))
    shop.git("switch", "--quiet", "--create", "topic")
    shop.commit("Begin a cart", ago=timedelta(days=8))
    shop.commit("Finish the cart", ago=timedelta(days=6))
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "-qm", "Merge branch 'topic'", "--no-ff", "topic", ago=timedelta(days=4))
    shop("stage", "build", "--", "true")
    shop("stage", "test", "--", "true")
    shop(*DEPLOY, "production", "--", "true")
    dora = shop.collector.get("/api/v1/dora", repository=shop.name, window="30d")
    assert dora["change_lead_time"]["count"] == 1
    assert dora["change_lead_time"]["p50"] == shop.since(timedelta(days=8))
    change = shop.change(f"@{shop.git('rev-parse', 'HEAD')}")
    assert change["events"]["change.merged"] == (NOW - timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_each_deployment_of_the_quick_start_brings_what_came_since_the_one_before(shop: Shop) -> None:
    start = shop.commit("Start", ago=timedelta(days=9))
    shop.build_and_test()
    first = shop.commit("Sell something", ago=timedelta(days=8))
    shop.build_and_test()
    assert shop.deploy() == {f"@{first}"}

    shop.commit("Add a cart (#12)", ago=timedelta(days=6))
    shop.build_and_test()
    shop.git("switch", "--quiet", "--create", "topic")
    shop.commit("Begin a basket", ago=timedelta(days=5))
    shop.commit("Finish the basket", ago=timedelta(days=4))
    shop.git("switch", "--quiet", "main")
    message = "Merge pull request #13 from ada/topic"
    shop.git("merge", "-qm", message, "--no-ff", "topic", ago=timedelta(days=4))
    shop.build_and_test()
    trunk = shop.commit("Straight to the trunk", ago=timedelta(days=3))
    shop.build_and_test()
    assert shop.deploy() == {"#12", "#13", f"@{trunk}"}

    shop.commit("Pay (#14)", ago=timedelta(days=2))
    shop.build_and_test()
    last = shop.commit("Pay by card", ago=timedelta(days=1))
    shop.build_and_test()
    assert shop.deploy() == {"#14", f"@{last}"}
    assert shop.deploy() == set()
    assert shop.deploy("--revision", first, "--kind", "rollback") == set()
    assert shop.deploy() == set()

    days = {f"@{first}": 8, "#12": 6, "#13": 5, f"@{trunk}": 3, "#14": 2, f"@{last}": 1}
    for name, ago in days.items():
        assert shop.change(name)["lead_time_s"] == shop.since(timedelta(days=ago))
    # What the first deployment stood on had been delivered before anyone measured.
    assert shop.change(f"@{start}")["lead_time_s"] is None
    dora = shop.collector.get("/api/v1/dora", repository=shop.name, window="30d")
    assert dora["change_lead_time"]["count"] == len(days)


@pytest.mark.parametrize("told", ["ancestry", "previous"])
def test_changes_that_no_pipeline_ran_for_are_delivered_with_their_lead_times(shop: Shop, told: str) -> None:
    """Commits pushed together, and requests that were squashed and merged meanwhile."""
    shop.commit("Start", ago=timedelta(days=20))
    shop.commit("Trade", ago=timedelta(days=15))
    first = shop.commit("Sell something", ago=timedelta(days=9))
    shop.build_and_test()
    assert shop.deploy() == {f"@{first}"}

    commits = [shop.commit(f"Work {days}", ago=timedelta(days=days)) for days in (8, 7)]
    shop.commit("Add a cart (#12)", ago=timedelta(days=6))
    shop.git("switch", "--quiet", "--create", "topic")
    shop.commit("Begin a basket", ago=timedelta(days=5))
    shop.git("switch", "--quiet", "main")
    message = "Merge pull request #13 from ada/topic"
    shop.git("merge", "-qm", message, "--no-ff", "topic", ago=timedelta(days=4))
    last = shop.commit("Work 3", ago=timedelta(days=3))
    shop.build_and_test()
    previous = ("--previous", first) if told == "previous" else ()
    assert shop.deploy(*previous) == {*(f"@{sha}" for sha in commits), "#12", "#13", f"@{last}"}

    days = {f"@{commits[0]}": 8, f"@{commits[1]}": 7, "#12": 6, "#13": 5, f"@{last}": 3}
    for name, ago in days.items():
        assert shop.change(name)["lead_time_s"] == shop.since(timedelta(days=ago))
    asked = {"repository": shop.name, "window": "30d"}
    assert shop.collector.get("/api/v1/dora", **asked)["change_lead_time"]["count"] == 6
    # What was there before the first deployment is neither delivered by it nor in progress.
    assert shop.collector.get("/api/v1/flow", **asked)["wip"] == 0


def test_requests_that_were_squashed_and_rebased_on_the_way(shop: Shop, tmp_path: Path) -> None:
    shop.commit("Start (#1)", ago=timedelta(days=10))
    shop.build_and_test()
    assert shop.deploy() == {"#1"}

    shop.git("switch", "--quiet", "--create", "topic")
    for days, title in ((9, "model"), (8, "view")):
        shop.commit(f"Cart: {title}", ago=timedelta(days=days))
    shop.git("switch", "--quiet", "main")
    shop.commit("Meanwhile (#2)", ago=timedelta(days=7))
    shop.build_and_test()
    shop.git("cherry-pick", "--allow-empty", "main..topic", ago=timedelta(days=6))
    shop("stage", "announce", "--", "true", **shop.merged(tmp_path, 12, "topic", "main~2", days=6))
    shop.commit("Add a basket (#13)", ago=timedelta(days=5))
    shop.build_and_test()
    assert shop.deploy() == {"#2", "#12", "#13"}
    for name, days in (("#2", 7), ("#12", 9), ("#13", 5)):
        assert shop.change(name)["lead_time_s"] == shop.since(timedelta(days=days))


def test_a_shallow_clone_brings_what_it_holds_and_is_counted(shop: Shop, tmp_path: Path) -> None:
    shop.commit("Start (#1)", ago=timedelta(days=10))
    shop.build_and_test()
    assert shop.deploy() == {"#1"}
    for number in (2, 3, 4):
        shop.commit(f"Work (#{number})", ago=timedelta(days=9 - number))
        shop.build_and_test()
    whole = shop.path
    shop.git("clone", "--quiet", "--depth=2", f"file://{whole}", str(tmp_path / "clone"))
    shop.path = shop.run.cwd = tmp_path / "clone"
    shop.git("remote", "set-url", "origin", f"https://{shop.name}.git")
    assert shop.deploy() == {"#3", "#4"}
    asked = {"repository": shop.name, "window": "30d"}
    assert shop.collector.get("/api/v1/measurement", **asked)["deployments"]["cut_history"] == 1

    shop.path = shop.run.cwd = whole
    shop.commit("Work (#5)", ago=timedelta(days=1))
    shop.build_and_test()
    assert shop.deploy() == {"#2", "#5"}


@pytest.mark.parametrize("told", ["event", "options"])
def test_a_request_that_was_rebased(shop: Shop, tmp_path: Path, told: str) -> None:
    """By what the event of its merge says, or by what its users say of each of its commits."""
    shop.commit("Start (#1)", ago=timedelta(days=10))
    shop.git("switch", "--quiet", "--create", "topic")
    ages = [timedelta(days=9), timedelta(days=8), timedelta(days=7)]
    for ago, title in zip(ages, ("model", "view", "tests"), strict=True):
        shop.commit(f"Cart: {title}", ago=ago)
    shop.git("switch", "--quiet", "main")
    shop.commit("Meanwhile (#2)", ago=timedelta(days=6))
    shop.git("cherry-pick", "--allow-empty", "main..topic", ago=timedelta(days=5))
    shas = shop.git("log", "-3", "--format=%H").split()
    if told == "options":
        for sha in shas:
            at = (NOW - timedelta(days=5)).isoformat()
            shop("change", "merged", "--change", "12", "--revision", sha, "--at", at)
    else:
        shop("stage", "announce", "--", "true", **shop.merged(tmp_path, 12, "topic", "main~3", days=5))
    shop(*DEPLOY, "production", "--previous", "main~3", "--", "true")
    [deployment] = shop.collector.get("/api/v1/deployments", repository=shop.name)["items"]
    assert deployment["change_ids"] == [f"{shop.name}#12"]
    change = shop.change("#12")
    assert {f"{shop.name}@{sha}" for sha in shas} <= set(change["aliases"])
    if told == "event":
        assert change["lead_time_s"] == shop.since(ages[0])


def test_a_preview_by_a_comment_is_of_the_request(shop: Shop, tmp_path: Path) -> None:
    shop.commit("Start (#1)", ago=timedelta(days=10))
    main = shop.commit("Merged before (#41)", ago=timedelta(days=9))
    shop.git("switch", "--quiet", "--create", "feature")
    head = shop.commit("Work on the cart", ago=timedelta(days=8))
    (tmp_path / "event.json").write_text(json.dumps({"issue": {"number": 42, "pull_request": {"url": "…"}}}))
    env = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": shop.name.removeprefix("github.com/"),
        "GITHUB_EVENT_NAME": "issue_comment",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_RUN_ID": "6100",
        "GITHUB_SHA": main,
    }
    shop("stage", "build", "--", "true", **env)
    shop(*DEPLOY, "preview", "--", "true", **env)
    asked = {"repository": shop.name, "environment": "preview"}
    [deployment] = shop.collector.get("/api/v1/deployments", **asked)["items"]
    assert (deployment["change_ids"], deployment["revision"]) == ([f"{shop.name}#42"], head)
    first = (NOW - timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shop.change("#42")["events"]["change.first_commit"] == first
    dora = shop.collector.get("/api/v1/dora", **asked, window="30d")
    assert dora["change_lead_time"]["count"] == 1
