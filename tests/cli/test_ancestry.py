"""Which changes a revision stands on, by real repositories."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import Repository
from otel_vsm import ancestry, git
from otel_vsm.ancestry import Ancestry
from otel_vsm.identity import ChangeId
from otel_vsm.identity import Repository as Name

SHOP = Name("github.com/acme/shop")
Of = Callable[..., Ancestry]


@pytest.fixture
def repository(tmp_path: Path, plain_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Repository:
    path = tmp_path / "shop"
    path.mkdir()
    plain_env["GIT_COMMITTER_DATE"] = "2026-03-01T09:30:00Z"
    made = Repository(path, plain_env)
    made.git("init", "--quiet", "--initial-branch=main")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(path)
    return made


def told(repository: Repository, revision: str = "HEAD", *paths: str) -> Ancestry:
    return ancestry.ancestry(repository.git("rev-parse", revision), SHOP, paths)._replace(times=())


def named(*names: str) -> tuple[ChangeId, ...]:
    return tuple(ChangeId(f"{SHOP}{name}") for name in names)


def touch(repository: Repository, message: str, file: str) -> str:
    path = repository.path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(message)
    repository.git("add", "--all")
    return repository.commit(message)


def merge(repository: Repository, message: str, branch: str) -> str:
    repository.git("merge", "--quiet", "--no-ff", "--message", message, branch)
    return repository.git("rev-parse", "HEAD")


def test_the_changes_of_the_line_newest_first(repository: Repository) -> None:
    first = repository.commit("Start")
    repository.commit("Add a cart (#1)")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit("Seen through its merge only (#99)")
    repository.git("switch", "--quiet", "main")
    merge(repository, "Merge pull request #2 from ada/topic", "topic")
    repository.commit("Begin payment (#3)")
    repository.commit("Finish payment (#3)")
    repository.commit(f"Picked\n\n(cherry picked from commit {'9' * 40})")
    changes = named(f"@{'9' * 40}", "#3", "#2", "#1", f"@{first}")
    assert told(repository) == Ancestry(changes, cut=False)
    assert told(repository, "HEAD~1").changes == changes[1:]


def test_a_merge_that_is_nobodys_work_brings_the_changes_of_its_line(repository: Repository) -> None:
    """`develop` with a request by itself and one behind another such merge; a branch without requests."""
    first = repository.commit("Start")
    repository.git("switch", "--quiet", "--create", "plain")
    repository.commit("Work")
    repository.git("switch", "--quiet", "--create", "develop", "main")
    repository.commit("Add a cart (#1)")
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("Add a basket (#2)")
    repository.git("switch", "--quiet", "develop")
    between = repository.commit("Straight to develop")
    merge(repository, "Merge branch 'other' into develop", "other")
    repository.git("switch", "--quiet", "main")
    repository.commit("Meanwhile (#3)")
    merge(repository, "Merge branch 'develop'", "develop")
    of_work = merge(repository, "Merge branch 'plain'", "plain")
    expected = named(f"@{of_work}", "#2", f"@{between}", "#1", "#3", f"@{first}")
    assert told(repository) == Ancestry(expected, cut=False)


def test_a_request_on_a_merged_line_keeps_its_commits_to_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what lies before it is not looked at any more."""
    repository.commit("Start (#1)")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit("Seen through its merge only (#99)")
    repository.git("switch", "--quiet", "--create", "develop", "main")
    merge(repository, "Merge pull request #2 from ada/topic", "topic")
    repository.git("switch", "--quiet", "main")
    repository.commit("Meanwhile (#3)")
    merge(repository, "Merge branch 'develop'", "develop")
    monkeypatch.setattr(ancestry, "LINE_COMMITS", 2)
    assert told(repository) == Ancestry(named("#2", "#3"), cut=False)


def test_no_more_than_so_many_commits_are_looked_at(
    repository: Repository, plain_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ancestry, "LINE_COMMITS", 3)
    for number in range(1, 6):
        repository.commit(f"Work (#{number})")
    assert told(repository) == Ancestry(named("#5", "#4", "#3"), cut=False)
    repository.git("switch", "--quiet", "--create", "develop")
    for number in (6, 7):
        repository.commit(f"Work (#{number})")
    repository.git("switch", "--quiet", "main")
    plain_env["GIT_COMMITTER_DATE"] = "2026-03-02T09:30:00Z"
    repository.commit("Work (#8)")
    merge(repository, "Merge branch 'develop'", "develop")
    assert told(repository) == Ancestry(named("#8", "#7", "#6"), cut=False)


def test_where_too_much_was_merged_a_merge_stands_for_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repository.commit("Start")
    repository.git("switch", "--quiet", "--create", "develop")
    for number in (1, 2, 3):
        repository.commit(f"Work (#{number})")
    repository.git("switch", "--quiet", "main")
    repository.commit("Work (#4)")
    merged = merge(repository, "Merge branch 'develop'", "develop")
    monkeypatch.setattr(ancestry, "COMMIT_LIMIT", 5)
    assert told(repository) == Ancestry(named(f"@{merged}", "#4", f"@{first}"), cut=False)


def test_only_what_touches_the_paths(repository: Repository) -> None:
    touch(repository, "Start (#1)", "cart/a")
    touch(repository, "Pay (#2)", "pay/a")
    repository.git("switch", "--quiet", "--create", "develop")
    touch(repository, "Fill the cart (#3)", "cart/b")
    touch(repository, "Pay more (#4)", "pay/b")
    repository.git("switch", "--quiet", "main")
    touch(repository, "Meanwhile (#5)", "pay/c")
    merge(repository, "Merge branch 'develop'", "develop")
    touch(repository, "Empty the cart (#6)", "cart/b")
    assert told(repository, "HEAD", "cart") == Ancestry(named("#6", "#3", "#1"), cut=False)
    assert told(repository, "HEAD", "cart/a", "pay/c") == Ancestry(named("#5", "#1"), cut=False)


@pytest.mark.parametrize(
    ("depth", "paths", "changes", "cut"),
    [
        (1, [], ["#5"], True),
        (3, [], ["#5", "#4", "#3"], True),
        (9, [], ["#5", "#4", "#3", "#2", "#1"], False),
        # Of the commit at the edge git does not know what it touched.
        (3, ["cart"], ["#5"], True),
        (9, ["cart"], ["#5", "#3", "#1"], False),
    ],
)
def test_a_shallow_clone_tells_what_it_holds(
    repository: Repository,
    tmp_path: Path,
    plain_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    depth: int,
    paths: list[str],
    changes: list[str],
    cut: bool,
) -> None:
    for number in range(1, 6):
        touch(repository, f"Work (#{number})", f"{('pay', 'cart')[number % 2]}/a")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", f"--depth={depth}", f"file://{repository.path}", str(clone))
    monkeypatch.chdir(clone)
    assert told(Repository(clone, plain_env), "HEAD", *paths) == Ancestry(named(*changes), cut)


def test_of_a_shallow_clone_that_reaches_far_enough_nothing_is_missing(
    repository: Repository, tmp_path: Path, plain_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ancestry, "LINE_COMMITS", 2)
    for number in range(1, 6):
        repository.commit(f"Work (#{number})")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=3", f"file://{repository.path}", str(clone))
    monkeypatch.chdir(clone)
    assert told(Repository(clone, plain_env)) == Ancestry(named("#5", "#4"), cut=False)


def test_what_git_had_listed_when_time_was_up_is_told(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("Work (#1)")
    repository.commit("Work (#2)")
    head = repository.git("rev-parse", "HEAD")
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    lists = f"printf '%s\\0' {head} '' 1 2 'Work (#2)' {'1' * 40} ''"
    slow.write_text(f"#!/bin/sh\ncase $1 in log) {lists}; sleep 60;; *) echo false;; esac\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT_S", 0.5)
    assert ancestry.ancestry(head, SHOP)[:2] == (named("#2"), True)


def test_outside_of_a_clone_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ancestry.ancestry("1" * 40, SHOP) == Ancestry((), cut=True)
