"""Whatever the checkout is like, the command runs, and what could not be found is said once."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.cli import Cli, Repository, without_history
from harness.factories import RunPython
from otel_vsm.identity import change_of_commit, change_root, local_repository
from otel_vsm.record import Value
from otel_vsm.testing import OtlpReceiver

STAGE = ("stage", "build", "--", "sh", "-c", "echo out; exit 3")


def run_stage(
    cli: Cli, *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> tuple[Mapping[str, Value], str]:
    """The attributes of a stage, and what was said on stderr."""
    before = len(cli.receiver.records)
    done = cli(*STAGE, cwd=cwd, env=env)
    assert (done.returncode, done.stdout) == (3, "out\n")
    [record] = without_history(cli.receiver.records[before:])
    return record.attributes, done.stderr


def test_no_repository(cli: Cli, tmp_path: Path) -> None:
    attributes, stderr = run_stage(cli, cwd=tmp_path)
    reason = "not a git repository (or any of the parent directories): .git"
    assert stderr == f"otel-vsm: warning: no commit found here ({reason})\n"
    assert not any(key.startswith(("vcs.", "vsm.change")) for key in attributes)


def test_what_cannot_be_found_is_no_concern_without_an_endpoint(quiet: Cli, tmp_path: Path) -> None:
    done = quiet(*STAGE, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "")


def test_spans_without_a_change_are_told_apart(cli: Cli, tmp_path: Path, otlp_receiver: OtlpReceiver) -> None:
    run_stage(cli, cwd=tmp_path)
    run_stage(cli, cwd=tmp_path)
    run_stage(
        cli, cwd=tmp_path, env={"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    )
    first, second, nested = without_history(otlp_receiver.records)
    assert first.trace_id != second.trace_id
    assert (first.parent_span_id, first.links) == (None, ())
    assert (nested.trace_id, nested.parent_span_id) == (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )


def test_no_git(cli: Cli, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    attributes, stderr = run_stage(cli, env={"PATH": str(programs)})
    assert stderr == "otel-vsm: warning: no commit found here (git is not installed)\n"
    assert "vsm.change.id" not in attributes


def test_a_git_that_hangs_holds_nobody_up_for_long(cli: Cli, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text("#!/bin/sh\nexec sleep 600\n")
    (programs / "git").chmod(0o755)
    _, stderr = run_stage(cli, env={"PATH": f"{programs}{os.pathsep}{cli.env['PATH']}"})
    assert stderr == "otel-vsm: warning: no commit found here (git did not answer within 2 s)\n"


def test_no_commit_yet(cli: Cli, tmp_path: Path, shop: Repository) -> None:
    (tmp_path / "new").mkdir()
    shop.git("init", "--quiet", str(tmp_path / "new"))
    _, stderr = run_stage(cli, cwd=tmp_path / "new")
    assert stderr.startswith("otel-vsm: warning: no commit found here (bad revision 'HEAD')")
    assert len(stderr.splitlines()) == 1


def test_no_remote(cli: Cli, shop: Repository) -> None:
    shop.git("remote", "remove", "origin")
    attributes, stderr = run_stage(cli)
    assert stderr == (
        "otel-vsm: warning: the repository has no remote and is called local/shop (--repository names it)\n"
    )
    assert attributes["vsm.change.id"] == "local/shop#12"
    assert attributes["vcs.repository.url.full"] == "local/shop"


def test_a_subfolder_and_a_worktree_are_the_same_repository(
    cli: Cli, shop: Repository, tmp_path: Path
) -> None:
    shop.git("remote", "remove", "origin")
    (shop.path / "deep" / "down").mkdir(parents=True)
    shop.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "elsewhere"))
    assert run_stage(cli, cwd=shop.path / "deep" / "down")[0]["vsm.change.id"] == "local/shop#12"
    in_worktree = run_stage(cli, cwd=tmp_path / "elsewhere")[0]
    assert in_worktree["vsm.change.id"] == "local/shop#12"
    assert in_worktree["vcs.ref.head.name"] == "topic"


def test_a_bare_repository(cli: Cli, shop: Repository, tmp_path: Path) -> None:
    shop.git("clone", "--quiet", "--bare", str(shop.path), str(tmp_path / "store.git"))
    attributes, _ = run_stage(cli, cwd=tmp_path / "store.git")
    assert attributes["vsm.change.id"] == "local/shop#12"  # its remote is a path of this machine


def test_a_detached_checkout(cli: Cli, shop: Repository) -> None:
    shop.git("checkout", "--quiet", "--detach")
    attributes, stderr = run_stage(cli)
    assert (attributes["vsm.change.id"], stderr) == ("github.com/acme/shop#12", "")
    assert "vcs.ref.head.name" not in attributes


def test_a_shallow_clone(cli: Cli, shop: Repository, tmp_path: Path) -> None:
    sha = shop.commit("Without a number")
    shop.git("clone", "--quiet", "--depth=1", f"file://{shop.path}", str(tmp_path / "clone"))
    shop.git(
        "-C", str(tmp_path / "clone"), "remote", "set-url", "origin", "https://x:y@GitHub.com/acme/shop/"
    )
    attributes, stderr = run_stage(cli, cwd=tmp_path / "clone")
    assert (attributes["vsm.change.id"], stderr) == (f"github.com/acme/shop@{sha}", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a repository that belongs to someone else")
def test_a_repository_of_someone_else(cli: Cli, shop: Repository) -> None:
    for path in (shop.path, shop.path / ".git"):
        os.chown(path, 12345, 12345)
    attributes, stderr = run_stage(cli)
    assert stderr.startswith(
        "otel-vsm: warning: no commit found here (detected dubious ownership in repository"
    )
    assert len(stderr.splitlines()) == 1
    assert "vsm.change.id" not in attributes


def test_a_broken_repository(cli: Cli, shop: Repository) -> None:
    (shop.path / ".git" / "HEAD").write_text("nonsense")
    _, stderr = run_stage(cli)
    assert len(stderr.splitlines()) == 1


def test_a_remote_that_the_user_writes_short(cli: Cli, shop: Repository) -> None:
    shop.git("config", "url.https://gitlab.com/.insteadOf", "gl:")
    shop.git("remote", "set-url", "origin", "gl:acme/shop.git")
    shop.git("remote", "add", "a-fork", "https://gitlab.com/ada/shop.git")
    assert run_stage(cli)[0]["vsm.change.id"] == "gitlab.com/acme/shop#12"


def test_without_origin_the_first_remote_counts(cli: Cli, shop: Repository) -> None:
    shop.git("remote", "rename", "origin", "upstream")
    assert run_stage(cli)[0]["vsm.change.id"] == "github.com/acme/shop#12"


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("Add a cart (#13)", "#13"),
        ("Merge pull request #14 from ada/topic\n\nAdd a cart", "#14"),
        ("Merge branch 'topic' into 'main'\n\nAdd a cart\n\nSee merge request acme/shop!15", "#15"),
        ("Merged in ada/topic (pull request #16)\n\nAdd a cart", "#16"),
        ("Merged PR 17: Add a cart", "#17"),
        ("Mend (#16) at last", None),
        ("Close #17", None),
    ],
)
def test_the_last_commits_message_names_the_change(
    cli: Cli, shop: Repository, message: str, change: str | None
) -> None:
    sha = shop.commit(message)
    assert run_stage(cli)[0]["vsm.change.id"] == f"github.com/acme/shop{change or f'@{sha}'}"


@pytest.mark.parametrize(
    "message",
    [
        "Merge pull request #14 from ada/topic\n\nAdd a cart",
        "Merge branch 'topic' into 'main'\n\nAdd a cart\n\nSee merge request acme/shop!14",
        "Merged in ada/topic (pull request #14)\n\nAdd a cart",
        "Merged PR 14: Add a cart",
    ],
)
@pytest.mark.parametrize("ci", [None, "GitHub", "GitLab"])
def test_a_merge_commit_on_the_trunk_stands_for_its_request(
    cli: Cli, shop: Repository, tmp_path: Path, message: str, ci: str | None
) -> None:
    shop.git("switch", "--quiet", "--create", "topic")
    shop.commit("Begin a basket")
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "--quiet", "--no-ff", "--message", message, "topic")
    merge = shop.git("rev-parse", "HEAD")
    (tmp_path / "event.json").write_text(json.dumps({"head_commit": {"message": message}}))
    env = {
        "GitHub": {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": merge,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        },
        "GitLab": {
            "GITLAB_CI": "true",
            "CI_PROJECT_URL": "https://github.com/acme/shop",
            "CI_COMMIT_SHA": merge,
            "CI_COMMIT_MESSAGE": message,
        },
    }.get(ci or "", {})
    attributes, stderr = run_stage(cli, env=env)
    assert stderr == ""
    assert attributes["vsm.change.id"] == "github.com/acme/shop#14"
    assert attributes["vcs.change.id"] == "14"
    assert attributes["vcs.ref.head.revision"] == merge
    assert "vsm.change.reverts" not in attributes


def test_a_picked_commit_is_of_the_change_that_it_was_picked_from(cli: Cli, shop: Repository) -> None:
    shop.git("branch", "release")
    original = shop.commit("Straight to the trunk")
    shop.commit("Add a basket (#13)")
    shop.git("switch", "--quiet", "release")
    shop.git("cherry-pick", "-x", "--allow-empty", original)
    picked = run_stage(cli)[0]
    assert picked["vsm.change.id"] == f"github.com/acme/shop@{original}"
    # Both stand on the span, so that the collector knows them for one change.
    assert picked["vcs.ref.head.revision"] == shop.git("rev-parse", "HEAD") != original
    assert "vcs.change.id" not in picked

    shop.git("cherry-pick", "-x", "--allow-empty", "main")
    assert run_stage(cli)[0]["vsm.change.id"] == "github.com/acme/shop#13"
    trailer = f"(cherry picked from commit {shop.git('rev-parse', 'main')})"
    shop.commit(f"Without the number\n\n{trailer}")
    assert run_stage(cli)[0]["vsm.change.id"] == "github.com/acme/shop#13"
    shop.commit(f"Backport (#14)\n\n{trailer}")
    assert run_stage(cli)[0]["vsm.change.id"] == "github.com/acme/shop#14"
    elsewhere = "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
    shop.commit(f"From a fork\n\n(cherry picked from commit {elsewhere})")
    assert run_stage(cli)[0]["vsm.change.id"] == f"github.com/acme/shop@{elsewhere}"


def test_what_a_change_takes_back_is_run_stage(cli: Cli, shop: Repository) -> None:
    def reverts(message: str) -> object:
        shop.commit(message)
        return run_stage(cli)[0].get("vsm.change.reverts")

    broken = shop.commit("Break it")
    assert reverts(f'Revert "Break it"\n\nThis reverts commit {broken}.') == f"github.com/acme/shop@{broken}"
    assert reverts(f"Undo (#14)\n\nThis reverts commit {broken[:8]}.") == f"github.com/acme/shop@{broken}"
    assert reverts("Undo (#14)\n\nThis reverts commit 1234567.") is None
    assert reverts('Revert "Add a cart (#12)" (#15)') == "github.com/acme/shop#12"
    assert reverts("Undo (#16)\n\nReverts acme/shop#12") == "github.com/acme/shop#12"
    assert reverts("Add a basket (#17)") is None


def test_what_a_change_takes_back_is_told_of_it_only(cli: Cli, shop: Repository) -> None:
    shop.commit('Revert "Add a cart (#12)" (#13)')
    assert cli.record("change", "merged").attributes["vsm.change.reverts"] == "github.com/acme/shop#12"
    assert "vsm.change.reverts" not in cli.record("change", "opened", "--change", "14").attributes
    assert "vsm.change.reverts" not in cli.record("change", "opened", "--revision", "HEAD~1").attributes
    assert "vsm.change.reverts" not in cli.record("work-item", "started", "--id", "SHOP-1").attributes


def test_a_ci_that_tells_request_and_revision_leaves_it_to_git_what_is_taken_back(
    cli: Cli, shop: Repository
) -> None:
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_REF": "refs/pull/77/merge",
        "GITHUB_SHA": shop.commit('Revert "Add a cart (#12)"'),
    }
    assert run_stage(cli, env=env)[0]["vsm.change.reverts"] == "github.com/acme/shop#12"
    attributes, stderr = run_stage(cli, env={**env, "GITHUB_SHA": "9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d"})
    assert ("vsm.change.reverts" in attributes, stderr) == (False, "")


def test_the_order_in_which_a_change_is_found(cli: Cli, shop: Repository) -> None:
    env: dict[str, str] = {}
    sha = shop.commit("Nothing else is known")

    def change(*options: str) -> str:
        record = cli.record("change", "opened", *options, env=env)
        assert record.trace_id == change_root(str(record.attributes["vsm.change.id"])).trace_id
        return str(record.attributes["vsm.change.id"]).removeprefix("github.com/acme/shop")

    assert change() == f"@{sha}"
    shop.commit("A request (#13)")
    assert change() == "#13"
    env |= {
        "GITLAB_CI": "true",
        "CI_PROJECT_URL": "https://github.com/acme/shop",
        "CI_MERGE_REQUEST_IID": "14",
    }
    assert change() == "#14"
    env |= {"OTEL_VSM_CHANGE_ID": "github.com/acme/shop#15"}
    assert change() == "#15"
    assert change("--change", "16") == "#16"


def test_a_revision_is_given_in_full(cli: Cli, shop: Repository) -> None:
    sha = shop.git("rev-parse", "HEAD")
    shop.git("tag", "--annotate", "--message", "x", "v1")
    shop.commit("Later (#13)")
    for revision in ("v1", sha[:9], "HEAD~1", sha):
        record = cli.record("change", "merged", "--revision", revision)
        assert record.attributes["vcs.ref.head.revision"] == sha
        assert record.attributes["vsm.change.id"] == "github.com/acme/shop#12"
        assert "vcs.ref.head.name" not in record.attributes


@pytest.mark.parametrize("revision", ["no-such", "--all", "-x"])
def test_a_revision_that_git_does_not_know_is_told_as_it_is(
    cli: Cli, otlp_receiver: OtlpReceiver, revision: str
) -> None:
    done = cli("stage", "x", f"--revision={revision}", "--", "true")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert without_history(otlp_receiver.records)[0].attributes["vcs.ref.head.revision"] == revision


def test_a_revision_in_full_needs_no_git(cli: Cli, tmp_path: Path) -> None:
    sha = "9F2C1D7E5B8A4C3D2E1F0A9B8C7D6E5F4A3B2C1D"
    record = cli.record(
        *("change", "merged", "--repository", "https://github.com/acme/api.git", "--revision", sha),
        cwd=tmp_path,
    )
    assert record.attributes["vsm.change.id"] == f"github.com/acme/api@{sha.lower()}"
    assert record.attributes["vcs.ref.head.revision"] == sha.lower()


def test_the_work_on_a_named_change_tells_its_revision(cli: Cli, shop: Repository) -> None:
    sha = shop.commit("Without a number")
    record = cli.record("stage", "build", "--change", "13", "--", "true")
    assert record.attributes["vsm.change.id"] == "github.com/acme/shop#13"
    assert record.attributes["vcs.ref.head.revision"] == sha


def test_the_work_on_a_named_change_with_the_checkout_of_another(
    cli: Cli, otlp_receiver: OtlpReceiver
) -> None:
    done = cli("stage", "build", "--change", "13", "--", "true")
    assert "is of github.com/acme/shop#12 and not of github.com/acme/shop#13" in done.stderr
    assert "vcs.ref.head.revision" not in without_history(otlp_receiver.records)[0].attributes


def test_a_fault_of_ours_does_not_keep_the_command_from_running(run_python: RunPython) -> None:
    done = run_python(
        "import otel_vsm.wrapper as wrapper\n"
        "def broken(*_, **__): raise RuntimeError('broken')\n"
        "wrapper.find = broken\n"
        "from otel_vsm.cli import main\n"
        "main(['stage', 'x', '--', 'sh', '-c', 'echo out; exit 4'])"
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "out\n", "")


def test_names_of_folders_follow_the_contract() -> None:
    assert change_of_commit(local_repository("/srv/shop.git"), "A" * 40) == f"local/shop@{'a' * 40}"


@pytest.mark.parametrize(
    "named", ["13", "#13", "!13", "PR-13", "pr 13", "MR 13", "MR!13", "github.com/Acme/shop#13"]
)
def test_a_request_is_the_repositorys_however_it_is_written(cli: Cli, named: str) -> None:
    record = cli.record("change", "opened", "--change", named)
    assert record.attributes["vsm.change.id"] == "github.com/acme/shop#13"
    assert record.attributes["vcs.change.id"] == "13"
    item = cli.record("work-item", "started", "--id", "SHOP-1", "--change", named)
    assert item.attributes["vsm.change.id"] == "github.com/acme/shop#13"


@pytest.mark.parametrize("form", ["{}", "main@sha1:{}", "sha1:{}", "github.com/acme/shop@{}"])
def test_a_commit_is_the_repositorys_however_it_is_written(cli: Cli, shop: Repository, form: str) -> None:
    sha = shop.commit("Without a number")
    for command in (("change", "opened"), ("work-item", "started", "--id", "SHOP-1")):
        record = cli.record(*command, "--change", form.format(sha))
        assert record.attributes["vsm.change.id"] == f"github.com/acme/shop@{sha}"
        assert record.attributes.get("vcs.ref.head.revision", sha) == sha


def test_a_revision_may_be_as_a_deployment_tool_writes_it(cli: Cli, shop: Repository) -> None:
    sha = shop.git("rev-parse", "HEAD")
    record = cli.record("stage", "verify", "--revision", f"main@sha1:{sha}", "--", "true")
    assert record.attributes["vcs.ref.head.revision"] == sha
    assert record.attributes["vsm.change.id"] == "github.com/acme/shop#12"


@pytest.mark.parametrize("where", ["remote", "--repository", "--change", "CI"])
def test_an_address_that_may_hold_a_password_is_neither_told_nor_shown(
    cli: Cli, shop: Repository, where: str
) -> None:
    address = "https://ada:sec/ret@github.com/acme/shop"
    arguments: tuple[str, ...] = ("stage", "build")
    env = {}
    if where == "remote":
        shop.git("remote", "set-url", "origin", address)
    elif where == "CI":
        shop.git("remote", "set-url", "origin", address)
        env = {"GITLAB_CI": "true", "CI_PROJECT_URL": address}
    else:
        arguments = (*arguments, where, address if where == "--repository" else f"{address}#13")
    done = cli(*arguments, "--", "true", env=env)
    assert done.returncode == 0
    assert "cannot be read" in done.stderr
    assert "ret" not in done.stderr.replace("certainty", "")
    assert "ret" not in str([record.attributes for record in cli.receiver.records])
    assert "ret" not in cli("doctor", env=env).stdout


BLOCKS = {
    "github.com/acme/shop": [
        "https://github.com/acme/shop.git",
        "git@github.com:acme/shop.git",
        "ssh://git@ssh.github.com:443/acme/shop.git",
        "https://github.com/Acme/Shop.git",
    ],
    "dev.azure.com/acme/web/_git/shop": [
        "https://dev.azure.com/acme/web/_git/shop",
        "https://acme@dev.azure.com/acme/web/_git/shop",
        "git@ssh.dev.azure.com:v3/acme/web/shop",
    ],
    "gitlab.com/acme/shop": [
        "https://gitlab-ci-token:glcbt-64_x@gitlab.com/acme/shop.git",
        "git@gitlab.com:acme/shop.git",
    ],
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_change_is_one_by_all_addresses_of_its_repository(cli: Cli, shop: Repository, name: str) -> None:
    for address in BLOCKS[name]:
        shop.git("remote", "set-url", "origin", address)
        assert cli.record("change", "opened").attributes["vsm.change.id"] == f"{name}#12"
        assert (
            cli.record("change", "opened", "--repository", address).attributes["vsm.change.id"]
            == f"{name}#12"
        )
