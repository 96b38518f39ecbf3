"""Reading a repository, whatever the user's git is set to."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_vsm.backfill.history import HistoryError, read_history
from otel_vsm.message import Revert

Git = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "shop"


@pytest.fixture
def git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs git in the repository; keyword `at` is the second at which it happens."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "gitconfig").write_text("[user]\n name = someone\n email = someone@example.org\n")
    repository.mkdir()

    def run(*arguments: str, at: int = 100_000_000, authored: int | None = None, stdin: bytes = b"") -> str:
        dates = {
            "GIT_COMMITTER_DATE": f"{at} +0200",
            "GIT_AUTHOR_DATE": f"{at if authored is None else authored} +0200",
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=repository,
            env=os.environ | dates,
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    run("init", "-q", "-b", "main")
    return run


def commit(git: Git, message: str, *, at: int, authored: int | None = None) -> str:
    git("commit", "-q", "--allow-empty", "-m", message, at=at, authored=authored)
    return git("rev-parse", "HEAD")


def test_a_commit_has_its_times_its_parents_and_the_request_that_its_message_names(
    git: Git, repository: Path
) -> None:
    first = commit(git, "Begin", at=100_000_005, authored=100_000_003)
    second = commit(git, "Add a cart (#12)\n\nWith a body.", at=100_000_009)
    history = read_history(repository)
    assert history.head == second
    assert not history.shallow
    assert set(history.commits) == {first, second}
    begin, cart = history.commits[first], history.commits[second]
    assert (begin.authored_s, begin.committed_s, begin.request, begin.parents) == (
        100_000_003,
        100_000_005,
        None,
        (),
    )
    assert (cart.request, cart.parents) == (12, (first,))


def test_tags_come_by_time_then_name_and_an_annotated_one_has_its_taggers(git: Git, repository: Path) -> None:
    first = commit(git, "Begin", at=100_000_001)
    git("tag", "b-light")
    git("tag", "a-light")
    git("tag", "-a", "-m", "release", "annotated", at=100_000_000)
    git("tag", "-a", "-m", "again", "of-a-tag", "annotated", at=100_000_007)
    git("tag", "no-commit", git("hash-object", "-w", "--stdin"))
    git("tag", "-a", "-m", "a file", "no-commit-annotated", "no-commit")
    assert [(tag.name, tag.revision, tag.at_s) for tag in read_history(repository).tags] == [
        ("annotated", first, 100_000_000),
        ("a-light", first, 100_000_001),
        ("b-light", first, 100_000_001),
        ("of-a-tag", first, 100_000_007),
    ]


def test_only_tags_that_the_glob_fits_are_read_and_only_what_they_and_head_reach(
    git: Git, repository: Path
) -> None:
    first = commit(git, "Begin", at=100_000_001)
    git("tag", "shop/v1")
    git("checkout", "-q", "-b", "side")
    side = commit(git, "Aside", at=100_000_002)
    git("tag", "nightly")
    git("checkout", "-q", "main")
    history = read_history(repository, tags=["shop/*"])
    assert [tag.name for tag in history.tags] == ["shop/v1"]
    assert set(history.commits) == {first}
    assert side in read_history(repository).commits


def test_without_a_glob_pre_releases_are_left_out_and_counted(git: Git, repository: Path) -> None:
    commit(git, "Begin", at=100_000_001)
    for name in ("v1.0", "v1.1-rc.1", "v1.1-rc.2"):
        git("tag", name)
    history = read_history(repository)
    assert ([tag.name for tag in history.tags], history.pre_releases) == (["v1.0"], 2)
    history = read_history(repository, tags=["*", "!*.1"])
    assert ([tag.name for tag in history.tags], history.pre_releases) == (["v1.0", "v1.1-rc.2"], 0)


def test_tags_of_one_second_come_by_ancestry(git: Git, repository: Path) -> None:
    for number in (8, 9, 10):
        sha = commit(git, f"Commit {number}", at=100_000_000 + number)
        git("tag", "-a", "-m", "release", f"v1.{number}", sha, at=100_000_050)
    assert [tag.name for tag in read_history(repository).tags] == ["v1.8", "v1.9", "v1.10"]


def test_settings_and_environment_of_the_user_change_nothing(
    git: Git, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit(git, "Begin (#3)", at=100_000_001)
    git("tag", "-a", "-m", "release", "v1", at=100_000_004)
    expected = read_history(repository)
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(
            "[log]\n showSignature = true\n date = relative\n decorate = full\n follow = true\n"
            "[color]\n ui = always\n[format]\n pretty = oneline\n notes = true\n"
            "[i18n]\n logOutputEncoding = UTF-16\n[tag]\n sort = -refname\n[core]\n abbrev = 4\n"
        )
    git("notes", "add", "-m", "a note", sha)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert read_history(repository) == expected


def test_a_message_that_is_no_utf_8_is_read_for_its_number_all_the_same(git: Git, repository: Path) -> None:
    stream = b"commit refs/heads/main\ncommitter A <a> 100000001 +0000\ndata 14\nCaf\xe9 \xff\xfe (#77)\n\n"
    git("fast-import", "--quiet", stdin=stream)
    (commit,) = read_history(repository).commits.values()
    assert commit.request == 77


def test_a_repository_without_a_commit_is_an_empty_history(git: Git, repository: Path) -> None:
    history = read_history(repository)
    assert (history.commits, history.tags, history.head) == ({}, (), None)


def test_a_clone_that_is_cut_says_so(git: Git, repository: Path, tmp_path: Path) -> None:
    for number in range(3):
        last = commit(git, f"Commit {number}", at=100_000_000 + number)
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", repository.as_uri(), str(tmp_path / "cut")],
        check=True,
        capture_output=True,
    )
    history = read_history(tmp_path / "cut")
    assert history.shallow
    assert set(history.commits) == {last}
    assert history.commits[last].parents == ()


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"is not a git repository: give the path of a clone"):
        read_history(tmp_path)


def test_without_git_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HistoryError, match="install it"):
        read_history(tmp_path)


def test_a_tag_may_be_called_anything_that_git_allows(git: Git, repository: Path) -> None:
    commit(git, "Begin", at=100_000_001)
    names = ["release/1.0", "v1\u2028\x85", "日本", "%(refname)", "'v\"1'"]
    for name in names:
        git("tag", "--", name)
    assert [tag.name for tag in read_history(repository).tags] == sorted(names)


@pytest.mark.parametrize("tags", [1, 5000])
def test_what_git_refuses_is_told_in_its_words(tags: int, git: Git, repository: Path) -> None:
    """Also where it gives up while it is still being told of what to read."""
    sha = commit(git, "Begin", at=100_000_001)
    stream = "".join(
        f"commit refs/tags/v{number}\ncommitter A <a@b> {number} +0000\ndata 0\n\n" for number in range(tags)
    )
    git("fast-import", "--quiet", stdin=stream.encode())
    (repository / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(HistoryError, match=f"git could not read .*: .*{sha}"):
        read_history(repository)


def test_a_picked_commit_has_the_number_of_its_original_on_whatever_branch(
    git: Git, repository: Path
) -> None:
    def picked(sha: str, title: str = "Picked") -> str:
        return commit(git, f"{title}\n\n(cherry picked from commit {sha})", at=100_000_005)

    commit(git, "Begin", at=100_000_001)
    git("checkout", "-q", "-b", "side")
    aside, plain = commit(git, "Aside (#8)", at=100_000_002), commit(git, "Plain", at=100_000_003)
    git("checkout", "-q", "main")
    here = commit(git, "Here (#9)", at=100_000_004)
    shas = [picked(aside), picked(plain), picked(here), picked("1" * 40), picked(aside, "Backport (#10)")]
    commits = read_history(repository).commits
    assert aside not in commits
    assert [(commits[sha].request, commits[sha].picked_from) for sha in shas] == [
        (8, None),
        (None, plain),
        (9, None),
        (None, "1" * 40),
        (10, None),
    ]


def touch(git: Git, repository: Path, file: str, *, at: int) -> str:
    path = repository / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    git("add", "--all")
    return commit(git, f"Add {file}", at=at)


def test_a_commit_says_what_it_takes_back(git: Git, repository: Path) -> None:
    first = touch(git, repository, "cart/a", at=100_000_001)
    git("revert", "--no-edit", first, at=100_000_002)
    history = read_history(repository)
    assert history.commits[str(history.head)].reverts == (Revert(commit=first),)
    assert history.commits[first].reverts == ()


def test_of_a_path_the_last_commits_that_touch_it_are_what_was_tagged(git: Git, repository: Path) -> None:
    touch(git, repository, "pay/a", at=100_000_001)
    git("tag", "before-there-was-a-cart")
    cart = touch(git, repository, "cart/a", at=100_000_002)
    touch(git, repository, "pay/b", at=100_000_003)
    git("tag", "v1")
    git("checkout", "-q", "-b", "topic")
    topic = touch(git, repository, "cart/b", at=100_000_004)
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "Merged", "topic", at=100_000_005)
    merge = git("rev-parse", "HEAD")
    git("tag", "v2")
    touch(git, repository, "pay/c", at=100_000_006)
    history = read_history(repository, paths=["cart"])
    assert history.touching == frozenset({cart, topic, merge})
    assert [(tag.name, tag.revision, tag.at_s) for tag in history.tags] == [
        ("v1", cart, 100_000_003),
        ("v2", merge, 100_000_005),
    ]
    assert history.head == merge
    assert [tag.commit for tag in history.tags] == [
        git("rev-parse", f"v{number}^{{commit}}") for number in (1, 2)
    ]
    everything = read_history(repository, paths=["cart", "pay"])
    assert [tag.name for tag in everything.tags] == ["before-there-was-a-cart", "v1", "v2"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["pay", "crat"], "no commit of .* touches 'crat': check --path"),
        (["../pay"], "git could not read .*: ../pay: '../pay' is outside repository"),
        ([":(nonsense)pay"], "git could not read .*: Invalid pathspec magic 'nonsense'"),
    ],
)
def test_a_path_that_there_is_not_is_said(git: Git, repository: Path, paths: list[str], message: str) -> None:
    touch(git, repository, "pay/a", at=100_000_001)
    with pytest.raises(HistoryError, match=message):
        read_history(repository, paths=paths)
