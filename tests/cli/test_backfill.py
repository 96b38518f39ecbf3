"""`otel-vsm backfill git` from outside: a process, a repository, a server that takes OTLP."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from otel_vsm.export.endpoint import Protocol
from otel_vsm.testing import BAD_REQUEST, ExportResponse, OtlpReceiver

COMMAND = str(Path(sys.executable).with_name("otel-vsm"))

HISTORY = b"""\
commit refs/heads/main
mark :1
committer A <a@b> 1700000000 +0000
data 6
Begin

commit refs/heads/main
mark :2
committer A <a@b> 1700000100 +0000
data 15
Add a cart (#1)
from :1

commit refs/heads/main
mark :3
committer A <a@b> 1700000200 +0000
data 5
Wait

from :2

reset refs/tags/v1
from :1

reset refs/tags/v2
from :2

reset refs/tags/nightly
from :2

"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=HISTORY, check=True)
    return folder


def backfill(
    *arguments: str | Path, to: OtlpReceiver | None = None, protocol: Protocol = Protocol.HTTP
) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | (to.environment(protocol) if to else {})
    command = [COMMAND, "backfill", "git", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_history_is_sent_and_summed_up(otlp_receiver: OtlpReceiver, repository: Path) -> None:
    done = backfill(repository, "--service", "shop", to=otlp_receiver)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "3 changes (1 known by the number of a request) and 3 deployments"
        f" sent to {otlp_receiver.url()}/v1/traces.\n"
    )
    spans = [record.attributes for record in otlp_receiver.records]
    assert sorted(
        span["vsm.change.id"] for span in spans if span.get("vsm.event.name") == "change.merged"
    ) == sorted(
        f"local/shop{change}" for change in ("#1", f"@{sha(repository, 'v1')}", f"@{sha(repository, 'main')}")
    )
    deployments = {span["service.version"]: span for span in spans if "deployment.id" in span}
    assert set(deployments) == {"v1", "v2", "nightly"}
    assert {span["deployment.environment.name"] for span in deployments.values()} == {"production"}


def test_options_say_what_was_deployed_where_and_whose_it_is(
    otlp_receiver: OtlpReceiver, repository: Path
) -> None:
    done = backfill(
        *(repository, "--service", "shop", "--deploy-tags", "v*", "--environment", "staging"),
        *("--repository", "git@GitHub.com:acme/shop.git", "--team", "checkout"),
        to=otlp_receiver,
    )
    assert done.returncode == 0
    spans = [record.attributes for record in otlp_receiver.records]
    deployments = [span for span in spans if "deployment.id" in span]
    assert {span["service.version"] for span in deployments} == {"v1", "v2"}
    assert {span["deployment.environment.name"] for span in deployments} == {"staging"}
    assert {span["vcs.repository.url.full"] for span in spans} == {"https://github.com/acme/shop"}
    assert {span["vsm.team"] for span in spans} == {"checkout"}


def test_the_remote_names_the_repository(otlp_receiver: OtlpReceiver, repository: Path) -> None:
    for name in ("fork", "origin"):
        url = f"https://user:secret@github.com/{name}/shop.git"
        subprocess.run(["git", "-C", repository, "remote", "add", name, url], check=True)
    backfill(repository, "--service", "shop", to=otlp_receiver)
    assert {record.attributes["vcs.repository.url.full"] for record in otlp_receiver.records} == {
        "https://github.com/origin/shop"
    }


def test_a_worktree_and_a_bare_clone_are_the_same_repository(
    otlp_receiver: OtlpReceiver, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    bare = tmp_path / "bare" / "shop.git"
    subprocess.run(["git", "clone", "-q", "--bare", repository, bare], check=True)
    subprocess.run(["git", "-C", bare, "remote", "remove", "origin"], check=True)
    tree = tmp_path / "elsewhere"
    subprocess.run(["git", "-C", repository, "worktree", "add", "-q", "--detach", tree, "main"], check=True)
    for folder in (bare, tree):
        assert backfill(folder, "--service", "shop", to=otlp_receiver).returncode == 0
    assert {record.attributes["vcs.repository.url.full"] for record in otlp_receiver.records} == {
        "local/shop"
    }


def test_a_second_run_and_the_other_protocol_tell_the_same(
    otlp_receiver: OtlpReceiver, repository: Path
) -> None:
    for protocol in (Protocol.HTTP, Protocol.GRPC):
        assert backfill(repository, "--service", "shop", to=otlp_receiver, protocol=protocol).returncode == 0
    first, second = otlp_receiver.records[:9], otlp_receiver.records[9:]
    assert first == second


def test_without_an_endpoint_it_says_what_to_set(repository: Path) -> None:
    done = backfill(repository, "--service", "shop")
    assert (done.returncode, done.stdout) == (2, "")
    assert "set OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr


def test_a_dry_run_needs_no_endpoint_and_sends_nothing(otlp_receiver: OtlpReceiver, repository: Path) -> None:
    expected = "3 changes (1 known by the number of a request) and 3 deployments would be sent.\n"
    assert backfill(repository, "--service", "shop", "--dry-run").stdout == expected
    assert backfill(repository, "--service", "shop", "--dry-run", to=otlp_receiver).stdout == expected
    assert otlp_receiver.records == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--service", "shop"), "Missing argument 'PATH'"),
        ((".",), "Missing option '--service'"),
        ((".", "--service", " "), "must not be empty"),
        (("no/such/folder", "--service", "shop"), "does not exist"),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(arguments: tuple[str, ...], message: str) -> None:
    done = backfill(
        *arguments,
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_what_is_no_repository_or_empty_is_an_error(tmp_path: Path) -> None:
    done = backfill(tmp_path, "--service", "shop", "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a git repository: give the path of a clone" in done.stderr
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    done = backfill(tmp_path, "--service", "shop", "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no commit yet" in done.stderr


def test_without_a_fitting_tag_there_are_changes_only_and_it_is_said(repository: Path) -> None:
    done = backfill(repository, "--service", "shop", "--deploy-tags", "release-*", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("3 changes (1 known by the number of a request) and 0 deployments")
    assert "fits 'release-*': there are changes and no deployments" in done.stderr


def test_pre_releases_are_left_out_which_is_said_in_one_line(repository: Path) -> None:
    for name in ("v3-rc.1", "v3-rc.2"):
        subprocess.run(["git", "-C", repository, "tag", name], check=True)
    done = backfill(repository, "--service", "shop", "--dry-run")
    assert "and 3 deployments would be sent" in done.stdout
    assert done.stderr == (
        "otel-vsm: warning: tags of pre-releases are left out (2):"
        " with --deploy-tags '*' they are deployments too.\n"
    )
    done = backfill(repository, "--service", "shop", "--deploy-tags", "*", "--dry-run")
    assert "and 5 deployments would be sent" in done.stdout
    assert done.stderr == ""


def test_globs_of_tags_are_repeated_and_take_away_again(repository: Path) -> None:
    globs = ("--deploy-tags", "v*", "--deploy-tags", "nightly", "--deploy-tags", "!v2")
    done = backfill(repository, "--service", "shop", *globs, "--dry-run")
    assert "and 2 deployments would be sent" in done.stdout
    done = backfill(
        repository, "--service", "shop", "--deploy-tags", "x*", "--deploy-tags", "!v2", "--dry-run"
    )
    assert "fits 'x*' '!v2': there are changes and no deployments" in done.stderr
    for name in ("v1", "v2", "nightly"):
        subprocess.run(["git", "-C", repository, "tag", "-d", name], check=True, capture_output=True)
    done = backfill(repository, "--service", "shop", "--dry-run")
    assert "says what was deployed: there are changes and no deployments" in done.stderr


def test_a_shallow_clone_is_warned_of(repository: Path, tmp_path: Path) -> None:
    command = ["git", "clone", "-q", "--depth", "1", repository.as_uri(), str(tmp_path / "cut")]
    subprocess.run(command, check=True, capture_output=True)
    done = backfill(tmp_path / "cut", "--service", "shop", "--dry-run")
    assert done.returncode == 0
    assert "git fetch --unshallow" in done.stderr


def test_of_several_services_one_is_told_of_by_its_path(otlp_receiver: OtlpReceiver, tmp_path: Path) -> None:
    def entry(mark: int, files: str) -> bytes:
        ref, message = f"commit refs/heads/main\nmark :{mark}\n", f"Change (#{mark})"
        when = f"committer A <a@b> {1700000000 + mark} +0000\ndata {len(message)}\n{message}\n"
        tree = "".join(f"M 644 inline {file}\ndata 1\n{mark}\n" for file in files.split())
        return f"{ref}{when}{tree}\nreset refs/tags/v{mark}\nfrom :{mark}\n\n".encode()

    history = [entry(1, "cart/a pay/a"), entry(2, "pay/a"), entry(3, "cart/a"), entry(4, "pay/a")]
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "fast-import", "--quiet"], input=b"".join(history), check=True)
    done = backfill(tmp_path, "--service", "cart", "--path", "cart", to=otlp_receiver)
    assert done.stdout.startswith("2 changes (2 known by the number of a request) and 4 deployments sent")
    spans = [record.attributes for record in otlp_receiver.records]
    assert {span["vcs.change.id"] for span in spans} == {"1", "3"}
    assert {
        span["service.version"]: (span["vcs.change.id"], span["vcs.ref.head.revision"])
        for span in spans
        if "deployment.id" in span
    } == {
        "v1": ("1", sha(tmp_path, "v1")),
        "v2": ("1", sha(tmp_path, "v1")),
        "v3": ("3", sha(tmp_path, "v3")),
        "v4": ("3", sha(tmp_path, "v3")),
    }
    done = backfill(tmp_path, "--service", "cart", "--path", "crat", "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: no commit of {tmp_path} touches 'crat': check --path.\n"


def test_a_server_that_takes_nothing_makes_it_fail(otlp_receiver: OtlpReceiver, repository: Path) -> None:
    otlp_receiver.response = BAD_REQUEST
    done = backfill(repository, "--service", "shop", to=otlp_receiver)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_leaves_some_out_makes_it_fail_in_the_end(
    otlp_receiver: OtlpReceiver, repository: Path
) -> None:
    otlp_receiver.response = ExportResponse(rejected=2, message="too old")
    done = backfill(repository, "--service", "shop", to=otlp_receiver)
    assert done.returncode == 1
    assert "rejected 2 of 9 spans (too old)" in done.stderr


def test_on_a_terminal_a_bar_shows_how_far_it_is(otlp_receiver: OtlpReceiver, repository: Path) -> None:
    main, terminal = pty.openpty()
    done = subprocess.run(
        [COMMAND, "backfill", "git", str(repository), "--service", "shop"],
        env=dict(os.environ) | otlp_receiver.environment() | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
    )
    os.close(terminal)
    shown = b""
    while chunk := _read(main):
        shown += chunk
    os.close(main)
    assert b"100%" in shown
    assert done.stdout.endswith(b"/v1/traces.\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # what Linux gives for a terminal whose other side is closed
        return b""


def sha(repository: Path, revision: str) -> str:
    done = subprocess.run(
        ["git", "-C", repository, "rev-parse", revision], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
