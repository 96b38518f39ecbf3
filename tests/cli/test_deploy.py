"""`otel-vsm deploy` tells what was put where, and which changes it carried."""

import os
from pathlib import Path
from typing import Any

import pytest

from harness.cli import Cli, Repository, without_history
from otel_vsm.cli.deploy import DEPLOYMENT_TRACEPARENT_VARIABLE
from otel_vsm.export.endpoint import Protocol
from otel_vsm.identity import SpanReference, change_root
from otel_vsm.testing import OtlpReceiver

DEPLOY = ("deploy", "--service", "shop", "--environment", "production")


def changes(*ids: str) -> tuple[SpanReference, ...]:
    return tuple(change_root(f"github.com/acme/shop{change}") for change in ids)


def test_a_deployment_is_told(cli: Cli, shop: Repository) -> None:
    record = cli.record(*DEPLOY, "--version", "v1.4", "--artifact", "pkg:oci/shop@sha256%3A00", "--", "true")
    identifier = str(record.attributes["deployment.id"])
    assert len(identifier) == 32
    assert (record.trace_id, record.parent_span_id) == change_root("github.com/acme/shop#12")
    assert (record.name, record.links, record.failed) == ("deploy", (), False)
    assert record.attributes == {
        "vsm.stage.name": "deploy",
        "vsm.stage.type": "deploy",
        "vsm.change.id": "github.com/acme/shop#12",
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.change.id": "12",
        "vcs.ref.head.revision": shop.git("rev-parse", "HEAD"),
        "vcs.ref.head.name": "main",
        "vcs.ref.head.type": "branch",
        "vcs.owner.name": "acme",
        "vcs.repository.name": "shop",
        "cicd.pipeline.task.name": "deploy",
        "cicd.pipeline.task.type": "deploy",
        "service.name": "shop",
        "service.version": "v1.4",
        "deployment.environment.name": "production",
        "deployment.id": identifier,
        "vsm.deployment.kind": "rollout",
        "artifact.purl": "pkg:oci/shop@sha256%3A00",
        "cicd.pipeline.task.run.result": "success",
        "process.exit.code": 0,
    }


def test_the_command_finds_its_deployment(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    show = f"echo $OTEL_VSM_DEPLOYMENT_ID ${DEPLOYMENT_TRACEPARENT_VARIABLE} $TRACEPARENT"
    identifier, handed_on, traceparent = cli(*DEPLOY, "--", "sh", "-c", show).stdout.split()
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["deployment.id"] == identifier
    assert handed_on == traceparent == f"00-{record.trace_id}-{record.span_id}-01"


def test_the_service_reads_the_variable_that_the_deployment_hands_on() -> None:
    from otel_vsm.startup import DEPLOYMENT_VARIABLE

    assert DEPLOYMENT_VARIABLE == DEPLOYMENT_TRACEPARENT_VARIABLE


@pytest.mark.parametrize(
    ("script", "code", "result"),
    [("exit 3", 3, "failure"), ("kill -TERM $$", 143, "cancellation"), ("kill -KILL $$", 137, "failure")],
)
def test_a_deployment_that_fails_is_told(
    cli: Cli, otlp_receiver: OtlpReceiver, script: str, code: int, result: str
) -> None:
    assert cli(*DEPLOY, "--", "sh", "-c", script).returncode == code
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["cicd.pipeline.task.run.result"] == result
    assert record.failed == (result == "failure")


def test_a_deployment_without_a_command_is_an_instant(cli: Cli) -> None:
    record = cli.record(
        *DEPLOY, "--kind", "rollback", "--deployment-id", "d-1", "--at", "2026-03-01T09:30:00Z"
    )
    assert record.start_ns == record.end_ns == 1_772_357_400_000_000_000
    assert record.attributes["deployment.id"] == "d-1"
    assert record.attributes["vsm.deployment.kind"] == "rollback"
    assert record.attributes["cicd.pipeline.task.run.result"] == "success"
    assert "process.exit.code" not in record.attributes


def test_two_deployments_are_two(cli: Cli) -> None:
    first, second = cli.record(*DEPLOY), cli.record(*DEPLOY)
    assert first.attributes["deployment.id"] != second.attributes["deployment.id"]
    assert first.span_id != second.span_id
    assert first.end_ns <= second.start_ns


RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "7100200300",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "deploy",
}


def id_of(cli: Cli, *arguments: str, **env: str) -> str:
    record = cli.record(*DEPLOY, *arguments, env={**RUN, **env})
    return str(record.attributes["deployment.id"])


def test_the_jobs_of_a_run_and_the_run_when_it_is_tried_again_make_one_deployment(cli: Cli) -> None:
    ids = {
        id_of(cli, "--leg", "eu"),
        id_of(cli, "--leg", "us", "--", "true"),
        id_of(cli, "--artifact", "pkg:oci/shop@sha256%3A00", GITHUB_JOB="deploy-more"),
        id_of(cli, GITHUB_RUN_ATTEMPT="2"),
    }
    assert len(ids) == 1
    assert len(ids.pop()) == 32


def test_what_else_a_run_deploys_is_another_deployment(cli: Cli, shop: Repository) -> None:
    ids = [
        id_of(cli),
        id_of(cli, GITHUB_RUN_ID="7100200301"),
        id_of(cli, "--version", "v1"),
        id_of(cli, "--version", "v2"),
        id_of(cli, "--kind", "rollback"),
        id_of(cli, "--service", "cart"),
        id_of(cli, "--environment", "staging"),
        *(id_of(cli, "--at", "2026-03-01T09:30:00Z") for _ in range(2)),
    ]
    shop.commit("Something else (#13)")
    assert len({*ids, id_of(cli)}) == 10
    assert id_of(cli, "--deployment-id", "d-1") == "d-1"


def test_the_command_finds_the_id_that_its_run_shares(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    shown = cli(*DEPLOY, "--", "sh", "-c", "echo $OTEL_VSM_DEPLOYMENT_ID", env=RUN).stdout.strip()
    assert shown == id_of(cli)


def test_it_links_to_the_other_changes_since_the_previous_revision(cli: Cli, shop: Repository) -> None:
    previous = shop.git("rev-parse", "HEAD")
    shop.git("tag", "v1")
    trunk = shop.commit("Straight to the trunk")
    shop.git("switch", "--quiet", "--create", "topic")
    shop.commit("Seen through its merge only (#99)")
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #13 from ada/topic", "topic")
    shop.commit("Begin a basket (#14)")
    shop.commit("Finish the basket (#14)")
    record = cli.record(*DEPLOY, "--previous", "v1", "--", "true")
    assert record.attributes["vsm.change.id"] == "github.com/acme/shop#14"
    assert record.attributes["vsm.deployment.previous.revision"] == previous
    assert set(record.links) == set(changes("#13", f"@{trunk}"))
    assert len(record.links) == 2


def test_it_never_links_to_its_own_change(cli: Cli, shop: Repository) -> None:
    shop.git("tag", "v1")
    shop.commit("Without a number")
    record = cli.record(*DEPLOY, "--previous", "v1", "--change", "15", "--", "true")
    # The commit is the change's: both stand on this very span.
    assert (record.trace_id, record.links) == (change_root("github.com/acme/shop#15").trace_id, ())


def test_a_rollback_brings_no_change(cli: Cli, shop: Repository) -> None:
    target = shop.git("rev-parse", "HEAD")
    shop.commit("Break it (#13)")
    record = cli.record(
        *DEPLOY, "--kind", "rollback", "--revision", target, "--previous", "main", "--", "true"
    )
    assert record.attributes["vcs.ref.head.revision"] == target
    assert record.attributes["vsm.deployment.previous.revision"] == shop.git("rev-parse", "main")
    assert record.links == ()


def test_a_shallow_clone_says_what_it_cannot_tell(
    cli: Cli, shop: Repository, otlp_receiver: OtlpReceiver, tmp_path: Any
) -> None:
    previous = shop.git("rev-parse", "HEAD")
    for number in range(13, 17):
        shop.commit(f"More (#{number})")
    shop.git("clone", "--quiet", "--depth=2", f"file://{shop.path}", str(tmp_path / "clone"))
    done = cli(
        *(*DEPLOY, "--repository", "github.com/acme/shop", "--previous", previous, "--", "true"),
        cwd=tmp_path / "clone",
    )
    assert done.returncode == 0
    assert done.stderr.startswith("otel-vsm: warning: which changes are deployed cannot be told: ")
    assert len(done.stderr.splitlines()) == 1
    [record] = without_history(otlp_receiver.records)
    assert record.links == ()
    assert record.attributes["vsm.deployment.previous.revision"] == previous
    assert record.attributes["vsm.measurement.gap"] == "cut_history"


def test_a_shallow_clone_that_has_the_previous_revision_apart_says_so(
    cli: Cli, shop: Repository, tmp_path: Any
) -> None:
    shop.git("tag", "v1")
    for number in range(13, 17):
        shop.commit(f"More (#{number})")
    clone = tmp_path / "clone"
    shop.git("clone", "--quiet", "--depth=2", "--no-tags", f"file://{shop.path}", str(clone))
    shop.git("-C", str(clone), "fetch", "--quiet", "--depth=1", "origin", "tag", "v1")
    done = cli(*DEPLOY, "--repository", "github.com/acme/shop", "--previous", "v1", "--", "true", cwd=clone)
    assert "this clone is shallow and does not reach from" in done.stderr
    assert "fetch its whole history" in done.stderr


def test_without_an_endpoint_no_history_is_read(quiet: Cli) -> None:
    done = quiet(*DEPLOY, "--previous", "no-such-revision", "--", "true")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_request_between_is_linked_once_however_it_was_merged(cli: Cli, shop: Repository) -> None:
    """As a trunk grows where everybody has the forge merge in their own way."""
    shop.git("tag", "v1")
    squashed = shop.commit("Add a basket (#13)")
    for number in (14, 15):
        shop.git("switch", "--quiet", "--create", f"topic-{number}", squashed)
        shop.commit(f"Work on topic {number}")
        shop.commit("Mend it (#99)")
        shop.git("switch", "--quiet", "main")
        message = f"Merge pull request #{number} from ada/topic-{number}"
        shop.git("merge", "--quiet", "--no-ff", "--message", message, f"topic-{number}")
    rebased = [shop.commit(f"Step {step} of a rebased request") for step in (1, 2)]
    shop.commit("Begin payment (#16)")
    shop.commit("Finish payment (#16)")
    shop.commit(f"Picked\n\n(cherry picked from commit {'9' * 40})")
    shop.commit(f"Picked with a number (#17)\n\n(cherry picked from commit {squashed})")
    shop.commit("The last one (#18)")
    record = cli.record(*DEPLOY, "--previous", "v1", "--", "true")
    assert record.trace_id == change_root("github.com/acme/shop#18").trace_id
    assert len(record.links) == len(set(record.links))
    assert set(record.links) == set(
        changes("#13", "#14", "#15", "#16", "#17", f"@{'9' * 40}", *(f"@{sha}" for sha in rebased))
    )


@pytest.fixture
def mono(shop: Repository) -> Repository:
    """A repository of two services: v1, then 13 on `cart`, 14 on `pay` by a merge, 15 on `cart` and `lib`,
    and 16 on `pay`."""
    shop.git("tag", "v1")
    touch(shop, "Fill the cart (#13)", "cart/a")
    shop.git("switch", "--quiet", "--create", "topic")
    touch(shop, "Pay", "pay/a")
    touch(shop, "Pay more", "pay/b")
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #14 from ada/topic", "topic")
    touch(shop, "Share (#15)", "cart/b", "lib/a")
    touch(shop, "Pay less (#16)", "pay/c")
    return shop


def touch(repository: Repository, message: str, *files: str) -> None:
    for file in files:
        path = repository.path / file
        path.parent.mkdir(exist_ok=True)
        path.touch()
    repository.git("add", "--all")
    repository.commit(message)


@pytest.mark.parametrize(
    ("paths", "own", "linked"),
    [
        (["cart"], "#15", ["#13"]),
        (["pay"], "#16", ["#14"]),
        (["lib"], "#15", []),
        (["lib", "pay"], "#16", ["#15", "#14"]),
        ([":(glob)*/b"], "#15", ["#14"]),
        ([":/"], "#16", ["#15", "#14", "#13"]),
    ],
)
def test_in_a_monorepo_only_what_touches_its_paths_is_delivered(
    cli: Cli, mono: Repository, paths: list[str], own: str, linked: list[str]
) -> None:
    options = [option for path in paths for option in ("--path", path)]
    record = cli.record(*DEPLOY, *options, "--previous", "v1", "--", "true")
    assert record.attributes["vsm.change.id"] == f"github.com/acme/shop{own}"
    assert record.trace_id == change_root(f"github.com/acme/shop{own}").trace_id
    assert mono.git("log", "-1", "--format=%s", str(record.attributes["vcs.ref.head.revision"])).endswith(
        f"({own})"
    )
    assert record.links == changes(*linked)


def test_paths_are_seen_from_the_folder_that_it_runs_in(cli: Cli, mono: Repository) -> None:
    record = cli.record(*DEPLOY, "--path", ".", "--previous", "v1", "--", "true", cwd=mono.path / "cart")
    assert (record.attributes["vcs.change.id"], record.links) == ("15", changes("#13"))


def test_nothing_new_on_its_paths_is_nothing_delivered(cli: Cli, mono: Repository) -> None:
    record = cli.record(*DEPLOY, "--path", "cart", "--previous", "HEAD~1", "--", "true")
    assert (record.attributes["vcs.change.id"], record.links) == ("15", ())


def test_a_ci_names_the_commit_of_which_its_message_is(cli: Cli, mono: Repository) -> None:
    env = {
        "GITLAB_CI": "true",
        "CI_PROJECT_URL": "https://github.com/acme/shop",
        "CI_COMMIT_SHA": mono.git("rev-parse", "HEAD"),
        "CI_COMMIT_MESSAGE": "Pay less (#16)",
    }
    record = cli.record(*DEPLOY, "--path", "cart", "--", "true", env=env)
    assert record.attributes["vcs.change.id"] == "15"
    assert record.attributes["vcs.ref.head.revision"] == mono.git("rev-parse", "HEAD~1")
    # A request's own deployment, to try it out, is of the request.
    record = cli.record(*DEPLOY, "--path", "cart", env={**env, "CI_MERGE_REQUEST_IID": "20"})
    assert record.attributes["vcs.change.id"] == "20"
    assert record.attributes["vcs.ref.head.revision"] == env["CI_COMMIT_SHA"]


@pytest.mark.parametrize(
    ("paths", "message", "own", "linked"),
    [
        (["crat"], "--path crat is left out: no commit up to {head} touches it", "#16", []),
        (["cart", "crat"], "--path crat is left out: no commit up to {before} touches it", "#15", ["#13"]),
        (["../other"], "--path ../other is left out: ../other: '../other' is outside repository", "#16", []),
    ],
)
def test_a_path_that_there_is_not_is_said(
    cli: Cli, mono: Repository, paths: list[str], message: str, own: str, linked: list[str]
) -> None:
    options = [option for path in paths for option in ("--path", path)]
    done = cli(*DEPLOY, *options, "--previous", "v1", "--", "sh", "-c", "exit 3")
    head, before = (mono.git("rev-parse", revision) for revision in ("HEAD", "HEAD~1"))
    assert done.returncode == 3
    assert done.stderr.startswith(f"otel-vsm: warning: {message.format(head=head, before=before)}")
    assert len(done.stderr.splitlines()) == 1
    [record] = without_history(cli.receiver.records)
    assert record.attributes["vsm.change.id"] == f"github.com/acme/shop{own}"
    assert record.links == changes(*linked)


def test_a_deployment_that_failed_can_be_told_afterwards(cli: Cli) -> None:
    record = cli.record(*DEPLOY, "--result", "failure", "--at", "2026-03-01T09:30:00Z")
    assert record.start_ns == record.end_ns == 1_772_357_400_000_000_000
    assert record.attributes["cicd.pipeline.task.run.result"] == "failure"
    assert record.attributes["error.type"] == "failure"
    assert record.attributes["vsm.backfilled"] is True
    assert record.failed
    assert "vsm.backfilled" not in cli.record(*DEPLOY, "--result", "success").attributes


def test_a_deployment_has_a_leg(cli: Cli) -> None:
    assert cli.record(*DEPLOY, "--leg", "eu", "--", "true").attributes["vsm.stage.leg"] == "eu"
    named = {"OTEL_VSM_LEG": "us"}
    assert cli.record(*DEPLOY, "--", "true", env=named).attributes["vsm.stage.leg"] == "us"


def test_an_image_is_told_by_its_digest(cli: Cli) -> None:
    digits = "3b1f4c0a" * 8
    record = cli.record(*DEPLOY, "--artifact", f"ghcr.io/acme/shop:1.4@sha256:{digits}", "--", "true")
    assert record.attributes["artifact.hash"] == f"sha256:{digits}"
    assert record.attributes["container.image.name"] == "ghcr.io/acme/shop"
    assert "artifact.purl" not in record.attributes
    done = cli(*DEPLOY, "--artifact", "ghcr.io/acme/shop:1.4", "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    assert "names no digest" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "artifact.purl" not in without_history(cli.receiver.records)[-1].attributes


def test_it_links_to_what_its_revision_stands_on_without_being_asked(cli: Cli, shop: Repository) -> None:
    trunk = shop.commit("Straight to the trunk")
    shop.commit("Begin a basket (#14)")
    shop.commit("Finish the basket (#14)")
    record = cli.record(*DEPLOY, "--", "true")
    assert (record.links, record.ancestors) == ((), changes(f"@{trunk}", "#12"))
    # Who names the previous revision tells all.
    record = cli.record(*DEPLOY, "--previous", "HEAD~2")
    assert (record.links, record.ancestors) == ((), ())
    assert "vsm.measurement.gap" not in record.attributes


def test_what_it_stands_on_touches_its_paths(cli: Cli, mono: Repository) -> None:
    record = cli.record(*DEPLOY, "--path", "cart", "--", "true")
    assert (record.attributes["vcs.change.id"], record.ancestors) == ("15", changes("#13"))


@pytest.mark.parametrize("protocol", Protocol)
def test_hundreds_of_ancestors_arrive(cli: Cli, shop: Repository, protocol: Protocol) -> None:
    for number in range(100, 310):
        shop.commit(f"Work (#{number})")
    endpoint = cli.receiver.environment(protocol)
    record = cli.record(*DEPLOY, "--", "true", env=endpoint)
    assert record.ancestors == changes(*(f"#{number}" for number in range(308, 109, -1)))


def test_a_clone_that_is_cut_is_told_as_that(cli: Cli, shop: Repository, tmp_path: Any) -> None:
    for number in (13, 14, 15):
        shop.commit(f"More (#{number})")
    clone = tmp_path / "clone"
    shop.git("clone", "--quiet", "--depth=2", f"file://{shop.path}", str(clone))
    named = ("--repository", "github.com/acme/shop")
    record = cli.record(*DEPLOY, *named, "--", "true", cwd=clone)
    assert record.ancestors == changes("#14")
    assert record.attributes["vsm.measurement.gap"] == "cut_history"
    nowhere = (*named, "--revision", "1" * 40, "--change", "15")
    record = cli.record(*DEPLOY, *nowhere, "--", "true", cwd=tmp_path)
    assert (record.ancestors, record.attributes["vsm.measurement.gap"]) == ((), "cut_history")


def test_the_command_does_not_wait_for_git(cli: Cli, shop: Repository, tmp_path: Any) -> None:
    """What the command makes is there before git is asked for what the revision stands on."""
    started, asked = tmp_path / "started", tmp_path / "asked"
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    real = f'PATH="{cli.env["PATH"]}" exec git "$@"'
    git.write_text(f'#!/bin/sh\n[ "$1" != log ] || ls {started} > {asked} 2>&1\n{real}\n')
    git.chmod(0o755)
    wait = f"touch {started}; for _ in 1 2 3 4 5 6 7 8 9 0; do [ -e {asked} ] && break; sleep 1; done"
    env = {"PATH": f"{git.parent}:{cli.env['PATH']}"}
    record = cli.record(*DEPLOY, "--", "sh", "-c", wait, env=env)
    assert asked.read_text() == f"{started}\n"
    assert record.ancestors == ()


def test_of_a_change_of_another_repository_the_clone_here_says_nothing(cli: Cli, shop: Repository) -> None:
    shop.commit("Add a basket (#13)")
    elsewhere = cli.record(*DEPLOY, "--change", "github.com/acme/greeter#1")
    assert len(elsewhere.ancestors) == 0
    assert len(cli.record(*DEPLOY).ancestors) == 1


def fake(folder: Path, *names: str) -> str:
    """A folder of programs that succeed."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_the_command_says_what_it_deploys(cli: Cli, tmp_path: Path) -> None:
    env = {"PATH": fake(tmp_path / "bin", "helm", "kubectl", "docker")}
    digest = "sha256:" + "ab" * 32

    def deployed(*arguments: str) -> tuple[dict[str, object], str]:
        before = len(cli.receiver.records)
        done = cli("deploy", "--environment", "production", *arguments, env=env)
        assert done.returncode == 0
        [record] = without_history(cli.receiver.records[before:])
        keys = ("service.name", "service.version", "artifact.hash", "vsm.deployment.kind")
        return {key: record.attributes.get(key) for key in keys}, done.stderr

    upgrade = ("--", "helm", "upgrade", "shop", "./chart", "--set", f"image.tag=1.4.0,image.digest={digest}")
    said, stderr = deployed(*upgrade)
    assert tuple(said.values()) == ("shop", "1.4.0", digest, "rollout")
    assert stderr == f"otel-vsm: by the command: service shop, version 1.4.0, image {digest}\n"
    # What the user says wins, and nothing of another artifact is mixed into it.
    said, stderr = deployed("--service", "web", "--version", "v2", *upgrade)
    assert tuple(said.values()) == ("web", "v2", None, "rollout")
    assert stderr == ""
    undo = ("--", "kubectl", "rollout", "undo", "deployment/shop")
    assert deployed(*undo)[0]["vsm.deployment.kind"] == "rollback"
    assert deployed("--kind", "hotfix", *undo)[0]["vsm.deployment.kind"] == "hotfix"


def test_a_service_that_nobody_says_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    done = cli("deploy", "--environment", "e", "--", "touch", str(tmp_path / "ran"))
    assert (done.returncode, "Missing option '--service'" in done.stderr) == (2, True)
    assert not (tmp_path / "ran").exists()


def test_an_image_that_is_pushed_is_the_artifact_of_its_stage(cli: Cli, tmp_path: Path) -> None:
    env = {"PATH": fake(tmp_path / "bin", "docker")}
    record = cli.record("stage", "package", "--", "docker", "push", "ghcr.io/acme/shop:1.4.0", env=env)
    assert record.attributes["service.version"] == "1.4.0"
    digest = "sha256:" + "ab" * 32
    image = f"ghcr.io/acme/shop@{digest}"
    record = cli.record("stage", "package", "--", "docker", "push", image, env=env)
    assert (record.attributes["artifact.hash"], record.attributes["container.image.name"]) == (
        digest,
        "ghcr.io/acme/shop",
    )
