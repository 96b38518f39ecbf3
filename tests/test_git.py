"""Git is asked little, and whatever it says is taken well."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_vsm import git
from otel_vsm.git import CommitRangeError, branch, checkout, commits_between, full_sha, messages
from otel_vsm.message import CommitMessage

Commit_ = Callable[..., str]


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commit_:
    """Makes a commit in the current folder, which is a repository; its hash."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    run("init", "--quiet", "--initial-branch=main")

    def make(message: bytes | str, *options: str) -> str:
        text = message if isinstance(message, bytes) else message.encode()
        run("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--file=-", *options, input=text)
        return run("rev-parse", "HEAD")

    return make


def run(*arguments: str, input: bytes = b"") -> str:
    done = subprocess.run(["git", *arguments], input=input, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("message", ["", "title", "title\n\nbody\n\ntrailer: x", "ä" * 100_000, "a\r\nb"])
def test_the_last_commit_comes_with_its_whole_message(commit: Commit_, message: str) -> None:
    sha = commit(message, "--cleanup=verbatim")
    head = checkout(repository=False).commit
    assert head is not None
    assert (head.sha, head.message.rstrip("\n")) == (sha, message)


def test_a_message_that_is_no_text_is_read_as_well_as_can_be(commit: Commit_) -> None:
    sha = commit(b"caf\xe9 (#12)")
    head = checkout(repository=False).commit
    assert head is not None
    assert head.sha == sha
    assert "(#12)" in head.message


def test_what_the_user_likes_to_see_in_a_log_does_not_matter(commit: Commit_) -> None:
    sha = commit("title\n")
    for key, value in (("log.showSignature", "true"), ("color.ui", "always"), ("format.pretty", "oneline")):
        run("config", key, value)
    run("remote", "add", "origin", "https://github.com/acme/shop")
    checked_out = checkout()
    assert (checked_out.repository, checked_out.commit) == (
        "github.com/acme/shop",
        CommitMessage(sha, "title\n\n"),
    )
    assert branch() == "main"


def test_what_is_carried_is_the_first_parent_history(commit: Commit_) -> None:
    first = commit("first")
    second = commit("second\n\nwith a body")
    run("switch", "--quiet", "--create", "topic")
    commit("aside")
    run("switch", "--quiet", "main")
    run("merge", "--quiet", "--no-ff", "--message=merged", "topic")
    merge = run("rev-parse", "HEAD")
    assert commits_between(first, "HEAD") == [
        CommitMessage(merge, "merged\n"),
        CommitMessage(second, "second\n\nwith a body\n"),
    ]
    assert commits_between("HEAD", "HEAD") == []


def test_too_long_a_history_is_refused(commit: Commit_, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit("0")
    for number in range(3):
        commit(f"{number}")
    monkeypatch.setattr(git, "COMMIT_LIMIT", 3)
    assert len(commits_between(first, "HEAD")) == 3
    commit("one more")
    with pytest.raises(CommitRangeError, match="more than 3 commits lie between"):
        commits_between(first, "HEAD")


@pytest.mark.parametrize("revision", ["missing", "--all", "a b", "HEAD:x"])
def test_a_revision_that_is_none_is_no_option_either(commit: Commit_, revision: str) -> None:
    commit("first")
    assert checkout(revision=revision, repository=False).commit is None
    with pytest.raises(CommitRangeError, match="cannot be read"):
        commits_between(revision, "HEAD")


def test_messages_are_those_that_the_clone_has(commit: Commit_) -> None:
    first, second = commit("first\n\nbody"), commit("")
    assert messages([second, "1" * 40, first]) == {first: "first\n\nbody\n", second: ""}
    assert messages(["1" * 40]) == {}


def test_a_short_hash_is_completed_where_it_names_one_commit(commit: Commit_) -> None:
    sha = commit("first")
    run("tag", "--annotate", "--message=x", "v1")
    assert full_sha(sha[:7]) == full_sha("v1") == sha
    assert full_sha("1234567") is full_sha("--all") is None


@pytest.mark.parametrize("path", ["missing", "../outside", ":(nonsense)x"])
def test_a_path_that_nothing_touches_gives_no_commit(commit: Commit_, path: str) -> None:
    commit("first")
    assert checkout(repository=False, paths=[path]).commit is None
