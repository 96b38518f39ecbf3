"""What the CI and git know of a change's beginning is told along with the work on it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.cli import Cli, Repository, is_history, without_history
from otel_vsm.identity import change_root
from otel_vsm.record import Record

TRUE = ("stage", "build", "--", "true")
DEPLOY = ("deploy", "--service", "shop", "--environment", "production")
GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
    "GITHUB_RUN_ID": "6100",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "build",
}
GITLAB = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_DEFAULT_BRANCH": "main",
    "CI_PIPELINE_ID": "5100",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/shop/-/pipelines/5100",
}
GIVEN = {"repository": {"full_name": "acme/shop", "default_branch": "main"}}


class Dated(Repository):
    """A repository whose commits are made at the times that are given."""

    def at(self, authored: str, committed: str = "") -> "Dated":
        dates = {"GIT_AUTHOR_DATE": authored, "GIT_COMMITTER_DATE": committed or authored}
        return Dated(self.path, {**self._env, **dates})


@pytest.fixture
def dated(plain_env: dict[str, str], tmp_path: Path) -> Dated:
    """A repository that has only its start on `main`, as a commit outside of requests."""
    repository = Dated(tmp_path / "dated", plain_env)
    repository.path.mkdir()
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    repository.at("2026-10-01T08:00:00Z").commit("Start")
    return repository


class Told:
    """Runs commands in the repository, and keeps what was told of the change beside them."""

    def __init__(self, cli: Cli, repository: Repository, folder: Path) -> None:
        self.cli, self.repository, self.folder = cli, repository, folder
        self.github = {**GITHUB, "GITHUB_EVENT_PATH": str(folder / "event.json")}

    def __call__(
        self,
        *arguments: str,
        event: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> list[Record]:
        before = len(self.cli.receiver.records)
        variables = dict(env or {})
        if event is not None:
            (self.folder / "event.json").write_text(json.dumps({**GIVEN, **event}))
            variables = {**self.github, **variables}
        done = self.cli(*arguments, env=variables, cwd=cwd or self.repository.path)
        assert (done.returncode, done.stderr) == (0, "")
        self.records = self.cli.receiver.records[before:]
        [self.work] = without_history(self.records)
        return [record for record in self.records if is_history(record)]


@pytest.fixture
def told(cli: Cli, dated: Dated, tmp_path: Path) -> Told:
    return Told(cli, dated, tmp_path)


def times(records: list[Record]) -> list[tuple[str, str]]:
    return sorted((record.name, when(record.start_ns)) for record in records)


def when(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def merged_topic(dated: Dated, message: str = "Merge branch 'topic'") -> str:
    """Two commits of a topic, merged into `main`; the merge."""
    dated.git("switch", "--quiet", "--create", "topic")
    dated.at("2026-10-03T08:00:00Z", "2026-10-05T08:00:00Z").commit("Begin a cart")
    dated.at("2026-10-02T08:00:00Z", "2026-10-05T09:00:00Z").commit("Before the beginning")
    dated.git("switch", "--quiet", "main")
    dated.at("2026-10-04T08:00:00Z").commit("Meanwhile on main")
    dated.at("2026-10-06T08:00:00Z").git("merge", "--quiet", "--no-ff", "--message", message, "topic")
    return dated.git("rev-parse", "HEAD")


@pytest.mark.parametrize("command", [TRUE, ("begin", "build"), DEPLOY, (*DEPLOY, "--", "true")])
def test_a_commit_on_the_trunk_is_its_own_beginning(told: Told, dated: Dated, command: tuple[str]) -> None:
    sha = dated.at("2026-10-02T08:00:00Z", "2026-10-03T08:00:00Z").commit("Add a cart")
    # A deployment tells of what it stands on, too.
    history = [record for record in told(*command) if record.attributes["vcs.ref.head.revision"] == sha]
    assert times(history) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-03T08:00:00Z"),
    ]
    for record in history:
        root = change_root(f"github.com/acme/shop@{sha}")
        assert (record.trace_id, record.parent_span_id, record.links) == (*root, ())
        assert record.start_ns == record.end_ns
        assert record.attributes == {
            "vsm.event.name": record.name,
            "vsm.change.id": f"github.com/acme/shop@{sha}",
            "vcs.repository.url.full": "https://github.com/acme/shop",
            "vcs.ref.head.revision": sha,
            "vcs.ref.head.name": "main",
            "vcs.ref.head.type": "branch",
            "vcs.owner.name": "acme",
            "vcs.repository.name": "shop",
            "vsm.backfilled": True,
        }


@pytest.mark.parametrize(
    "command", [("end", "build"), ("change", "reviewed"), ("work-item", "started", "--id", "S")]
)
def test_what_is_no_work_on_a_checkout_tells_nothing_more(told: Told, command: tuple[str]) -> None:
    told("begin", "build")
    assert told(*command) == []


def test_a_merge_on_the_trunk_began_with_the_first_commit_that_it_brought(told: Told, dated: Dated) -> None:
    merged_topic(dated)
    assert times(told(*TRUE)) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-06T08:00:00Z"),
    ]


def test_what_an_earlier_tag_had_is_not_brought_by_a_merge(told: Told, dated: Dated) -> None:
    merged_topic(dated)
    dated.git("tag", "v1.0.1", "topic~1")
    assert times(told(*TRUE))[0] == ("change.first_commit", "2026-10-02T08:00:00Z")
    dated.git("tag", "v1.0.2", "topic")
    # It brings nothing that is new.
    assert times(told(*TRUE))[0] == ("change.first_commit", "2026-10-06T08:00:00Z")
    dated.git("tag", "v1.1.0", "main")
    assert times(told(*TRUE))[0] == ("change.first_commit", "2026-10-06T08:00:00Z")


def test_a_branch_is_not_merged(told: Told, dated: Dated) -> None:
    dated.git("switch", "--quiet", "--create", "topic")
    dated.at("2026-10-03T08:00:00Z").commit("Begin a cart")
    assert times(told(*TRUE)) == [("change.first_commit", "2026-10-03T08:00:00Z")]


def test_the_remote_says_which_branch_is_the_trunk(told: Told, dated: Dated) -> None:
    dated.git("branch", "--move", "main", "trunk")
    assert "change.merged" not in dict(times(told(*TRUE)))
    dated.git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    dated.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert times(told(*TRUE))[1] == ("change.merged", "2026-10-01T08:00:00Z")


@pytest.mark.parametrize(
    "message",
    [
        "Merge pull request #12 from ada/topic",
        "Merge branch 'topic'\n\nSee merge request acme/shop!12",
        "Merged PR 12: Add a cart",
    ],
)
def test_a_merged_request_is_what_its_merge_brought(told: Told, dated: Dated, message: str) -> None:
    sha = merged_topic(dated, message)
    history = told(*TRUE)
    assert times(history) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-06T08:00:00Z"),
    ]
    assert {record.attributes["vcs.change.id"] for record in history} == {"12"}
    assert {record.attributes["vcs.ref.head.revision"] for record in history} == {sha}


def test_a_squashed_request_is_merged_when_it_was_committed(told: Told, dated: Dated) -> None:
    dated.at("2026-10-02T08:00:00Z", "2026-10-03T08:00:00Z").commit("Add a cart (#12)")
    history = told(*TRUE, event={"head_commit": {"message": "Add a cart (#12)"}})
    assert times(history) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-03T08:00:00Z"),
    ]


def request_event(dated: Dated, **more: Any) -> dict[str, Any]:
    """The topic is checked out and is request 12 into `main`."""
    head, base = dated.git("rev-parse", "topic"), dated.git("rev-parse", "main")
    return {
        "pull_request": {
            "number": 12,
            "created_at": "2026-10-04T08:00:00Z",
            "merged_at": None,
            "merge_commit_sha": "1" * 40,
            "head": {"sha": head, "ref": "topic"},
            "base": {"sha": base, "ref": "main"},
            **more,
        }
    }


@pytest.fixture
def topic(dated: Dated) -> str:
    """The head of a branch of two commits, into which main was merged again; checked out."""
    dated.git("switch", "--quiet", "--create", "topic")
    dated.at("2026-10-03T08:00:00Z").commit("Begin a cart")
    dated.git("switch", "--quiet", "main")
    dated.at("2026-09-30T08:00:00Z").commit("Older, though later on main")
    dated.git("switch", "--quiet", "topic")
    dated.at("2026-10-04T08:00:00Z").git("merge", "--quiet", "--no-ff", "--message", "Catch up", "main")
    return dated.git("rev-parse", "HEAD")


def test_a_request_began_with_its_first_commit(told: Told, dated: Dated, topic: str) -> None:
    history = told(*TRUE, event=request_event(dated), env={"GITHUB_REF": "refs/pull/12/merge"})
    assert times(history) == [
        ("change.first_commit", "2026-10-03T08:00:00Z"),
        ("change.opened", "2026-10-04T08:00:00Z"),
    ]
    assert {record.attributes["vsm.change.id"] for record in history} == {"github.com/acme/shop#12"}
    for record in (told.work, *(record for record in history if record.name == "change.first_commit")):
        assert record.attributes["vcs.ref.head.revision"] == topic
        assert record.attributes["vcs.ref.base.name"] == "main"
        assert record.attributes["vcs.ref.base.revision"] == dated.git("rev-parse", "main")
    [opened] = (record for record in history if record.name == "change.opened")
    # The same span from every push to the request.
    assert set(opened.attributes) == {
        *("vsm.event.name", "vsm.change.id", "vcs.change.id", "vsm.backfilled"),
        *("vcs.repository.url.full", "vcs.owner.name", "vcs.repository.name"),
    }


def test_the_times_of_another_request_are_not_the_named_changes(told: Told, dated: Dated, topic: str) -> None:
    history = told(*("change", "reviewed", "--change", "13"), event=request_event(dated))
    assert history == []
    done = told.cli(*("stage", "build", "--change", "13", "--", "true"), cwd=dated.path, env=told.github)
    assert "is of github.com/acme/shop#12 and not of github.com/acme/shop#13" in done.stderr
    assert not any(is_history(record) for record in told.cli.receiver.records)


def test_a_request_that_was_merged_by_a_merge(told: Told, dated: Dated) -> None:
    merge = merged_topic(dated)
    merged = {"merged_at": "2026-10-06T08:00:01Z", "merge_commit_sha": merge}
    history = told(*TRUE, event=request_event(dated, **merged))
    assert times(history) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-06T08:00:01Z"),
        ("change.opened", "2026-10-04T08:00:00Z"),
    ]
    [merged_record] = (record for record in history if record.name == "change.merged")
    assert merged_record.attributes["vcs.ref.head.revision"] == merge


def test_a_request_that_was_rebased_became_all_of_its_commits(told: Told, dated: Dated) -> None:
    dated.git("switch", "--quiet", "--create", "topic")
    for day, title in enumerate(("model", "view", "tests"), start=2):
        dated.at(f"2026-10-0{day}T08:00:00Z").commit(f"Cart: {title}")
    dated.git("switch", "--quiet", "main")
    dated.at("2026-10-05T08:00:00Z").commit("Meanwhile")
    dated.at("", "2026-10-06T08:00:00Z").git("cherry-pick", "--allow-empty", "main..topic")
    results = dated.git("log", "-3", "--format=%H").split()
    merged = {"merged_at": "2026-10-06T08:00:01Z", "merge_commit_sha": results[0]}
    history = told(*TRUE, event=request_event(dated, **merged))
    assert times(history)[0] == ("change.first_commit", "2026-10-02T08:00:00Z")
    became = [record for record in history if record.name == "change.merged"]
    assert [record.attributes["vcs.ref.head.revision"] for record in became] == results
    assert len({record.span_id for record in became}) == 3


def test_a_squashed_request_became_one_commit(told: Told, dated: Dated, topic: str) -> None:
    dated.git("switch", "--quiet", "main")
    squashed = dated.at("2026-10-06T08:00:00Z").commit("Begin a cart")
    merged = {"merged_at": "2026-10-06T08:00:01Z", "merge_commit_sha": squashed}
    history = told(*TRUE, event=request_event(dated, **merged))
    assert times(history)[0] == ("change.first_commit", "2026-10-03T08:00:00Z")
    became = [record for record in history if record.name == "change.merged"]
    assert [record.attributes["vcs.ref.head.revision"] for record in became] == [squashed]


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("request_of", ["request", "trunk"])
def test_a_history_that_is_cut_off_says_nothing_of_the_beginning(
    told: Told, dated: Dated, tmp_path: Path, depth: int, request_of: str
) -> None:
    merged_topic(dated)
    branch = "topic" if request_of == "request" else "main"
    clone = tmp_path / "clone"
    dated.git("clone", "--quiet", f"--depth={depth}", "--branch", branch, f"file://{dated.path}", str(clone))
    Repository(clone, dated._env).git("remote", "set-url", "origin", "https://github.com/acme/shop.git")
    event = request_event(dated) if request_of == "request" else {}
    sha = {"GITHUB_SHA": dated.git("rev-parse", branch)}
    history = dict(times(told(*TRUE, event=event, env=sha, cwd=clone)))
    assert "change.first_commit" not in history
    assert set(history) == {"change.opened" if request_of == "request" else "change.merged"}


def test_a_shallow_clone_knows_its_last_commit(told: Told, dated: Dated, tmp_path: Path) -> None:
    dated.at("2026-10-02T08:00:00Z").commit("Add a cart")
    clone = tmp_path / "clone"
    dated.git("clone", "--quiet", "--depth=1", f"file://{dated.path}", str(clone))
    history = told("stage", "build", "--repository", "github.com/acme/shop", "--", "true", cwd=clone)
    assert times(history)[0] == ("change.first_commit", "2026-10-02T08:00:00Z")


def test_doctor_names_the_remedy_of_a_shallow_clone(cli: Cli, dated: Dated, tmp_path: Path) -> None:
    dated.commit("Add a cart")
    clone = tmp_path / "clone"
    dated.git("clone", "--quiet", "--depth=1", f"file://{dated.path}", str(clone))
    assert "this clone is shallow" not in cli("doctor", cwd=dated.path).stdout
    assert "git fetch --unshallow" in cli("doctor", cwd=clone).stdout
    assert "fetch-depth: 0" in cli("doctor", cwd=clone, env=GITHUB).stdout
    assert "GIT_DEPTH: 0" in cli("doctor", cwd=clone, env=GITLAB).stdout


def test_a_command_in_a_comment_is_of_the_request_that_it_was_made_on(
    told: Told, dated: Dated, tmp_path: Path
) -> None:
    main = dated.at("2026-10-02T08:00:00Z").commit("Merged before (#41)")
    event = {
        "issue": {"number": 42, "created_at": "2026-10-04T08:00:00Z", "pull_request": {"url": "…"}},
        "comment": {"id": 1, "body": "/preview"},
    }
    # Nothing but the default branch is checked out: whose head it would be, nobody says.
    history = told(*TRUE, event=event, env={"GITHUB_SHA": main})
    assert told.work.attributes["vsm.change.id"] == "github.com/acme/shop#42"
    assert "vcs.ref.head.revision" not in told.work.attributes
    assert times(history) == [("change.opened", "2026-10-04T08:00:00Z")]

    dated.git("switch", "--quiet", "--create", "feature")
    head = dated.at("2026-10-03T08:00:00Z").commit("Work on the cart")
    history = told(*TRUE, event=event, env={"GITHUB_SHA": main, "GITHUB_RUN_ID": "6101"})
    assert told.work.attributes["vsm.change.id"] == "github.com/acme/shop#42"
    assert told.work.attributes["vcs.ref.head.revision"] == head
    assert told.work.attributes["vcs.ref.head.name"] == "feature"
    assert times(history) == [
        ("change.first_commit", "2026-10-03T08:00:00Z"),
        ("change.opened", "2026-10-04T08:00:00Z"),
    ]


def test_gitlab_says_what_its_job_without_a_checkout_does_not_know(told: Told, tmp_path: Path) -> None:
    sha = "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
    job = {
        **GITLAB,
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_SHA": sha,
        "CI_COMMIT_MESSAGE": "Add a cart",
        "CI_COMMIT_TIMESTAMP": "2026-10-02T10:00:00+02:00",
    }
    assert times(told(*DEPLOY, env=job, cwd=tmp_path)) == [
        ("change.first_commit", "2026-10-02T08:00:00Z"),
        ("change.merged", "2026-10-02T08:00:00Z"),
    ]
    merge = {
        "CI_COMMIT_MESSAGE": "Merge branch 'topic'\n\nSee merge request acme/shop!12",
        "CI_PIPELINE_URL": "u",
    }
    # When the first of its commits was made, the time of the merge does not say.
    assert times(told(*DEPLOY, env={**job, **merge}, cwd=tmp_path)) == [
        ("change.merged", "2026-10-02T08:00:00Z")
    ]


def test_a_merge_request_of_gitlab(told: Told, dated: Dated, topic: str) -> None:
    job = {
        **GITLAB,
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": dated.git("rev-parse", "main"),
        "CI_COMMIT_SHA": topic,
        "CI_COMMIT_TIMESTAMP": "2026-10-04T08:00:00Z",
    }
    # GitLab's clones have no branches, and as many commits as they were told to have.
    dated.git("checkout", "--quiet", "--detach")
    dated.git("branch", "--quiet", "--delete", "--force", "main", "topic")
    assert times(told(*TRUE, env=job)) == [("change.first_commit", "2026-10-03T08:00:00Z")]
    assert told.work.attributes["vcs.ref.base.name"] == "main"


def test_it_is_told_once_in_a_run_of_a_pipeline(told: Told, dated: Dated) -> None:
    event: dict[str, Any] = {"head_commit": {"message": "Start"}}
    first = told(*TRUE, event=event)
    assert len(first) == 2
    assert told("stage", "test", "--", "true", event=event) == []
    assert told(*DEPLOY, event=event) == []
    again = told(*TRUE, event=event, env={"GITHUB_RUN_ATTEMPT": "2"})
    assert again == first
    # No run, nothing to remember it by.
    assert {record.span_id for record in told(*TRUE)} == {record.span_id for record in told(*TRUE)}
    dated.commit("More")
    assert len(told(*TRUE, event=event)) == 2


def test_it_is_told_where_nothing_can_be_remembered(told: Told, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = {"OTEL_VSM_STATE_DIR": str(tmp_path / "state")}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "runs").write_text("in the way")
    for _ in range(2):
        assert len(told(*TRUE, event={}, env=state)) == 2


def test_without_an_endpoint_git_is_not_asked(quiet: Cli, dated: Dated, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(
        f'#!/bin/sh\necho "$1" >> {asked}\nPATH="{quiet.env["PATH"]}" exec git "$@"\n'
    )
    (programs / "git").chmod(0o755)
    quiet(*TRUE, cwd=dated.path, env={"PATH": f"{programs}:{quiet.env['PATH']}"})
    assert sorted(asked.read_text().split()) == ["remote", "rev-list"]
