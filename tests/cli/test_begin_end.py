"""`otel-vsm begin` and `otel-vsm end` are one stage, from two processes."""

import stat
import time
from pathlib import Path

import pytest

from harness.cli import Cli, Repository, without_history
from otel_vsm.identity import change_root
from otel_vsm.testing import OtlpReceiver


def test_a_stage_across_processes(cli: Cli) -> None:
    before = time.time_ns()
    started = cli.record(
        *("begin", "acceptance", "--type", "test", "--team", "checkout", "--attribute", "a=1"),
        *("--attribute", "b=1", "--queued-at", "2020-01-01T00:00:00Z", "--service", "cart"),
    )
    between = time.time_ns()
    stage = cli.record("end", "acceptance", "--result", "failure", "--attribute", "b=2")
    assert before <= started.start_ns == started.end_ns <= between
    assert (started.name, started.attributes["vsm.event.name"]) == ("stage.started", "stage.started")
    assert started.attributes["vsm.stage.name"] == stage.attributes["vsm.stage.name"] == "acceptance"
    assert started.trace_id == stage.trace_id == change_root("github.com/acme/shop#12").trace_id
    # The event is the run's child: so it is known which run it announced.
    assert started.parent_span_id == stage.span_id != started.span_id
    assert stage.parent_span_id == change_root("github.com/acme/shop#12").span_id
    assert stage.start_ns == started.start_ns
    assert stage.end_ns > between
    assert stage.failed
    assert stage.attributes["cicd.pipeline.task.run.result"] == "failure"
    assert stage.attributes["vsm.stage.type"] == "test"
    assert (stage.attributes["vsm.team"], stage.attributes["service.name"]) == ("checkout", "cart")
    assert (stage.attributes["a"], stage.attributes["b"]) == ("1", "2")
    assert stage.attributes["vsm.stage.queue.duration"] == (started.start_ns - 1_577_836_800 * 10**9) / 1e9


@pytest.mark.parametrize(
    ("result", "failed"),
    [("success", 0), ("failure", 1), ("error", 1), ("timeout", 1), ("cancellation", 0), ("skip", 0)],
)
def test_every_result_can_be_told(cli: Cli, result: str, failed: bool) -> None:
    cli.record("begin", "x")
    record = cli.record("end", "x", "--result", result)
    assert record.attributes["cicd.pipeline.task.run.result"] == result
    assert record.failed == failed


def test_a_stage_ends_once(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    cli.record("begin", "x")
    cli.record("end", "x")
    done = cli("end", "x")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "otel-vsm: warning: the stage x of github.com/acme/shop#12 was not begun here,"
        " so its end is not told: otel-vsm begin x\n"
    )
    assert len(without_history(otlp_receiver.records)) == 2


def test_a_stage_that_is_begun_twice_begins_anew(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    cli.record("begin", "x")
    again = cli("begin", "x")
    assert again.returncode == 0
    assert "had been begun before and not ended; it begins anew" in again.stderr
    assert cli.record("end", "x").start_ns == without_history(otlp_receiver.records)[1].start_ns


def test_stages_and_changes_do_not_meet(cli: Cli) -> None:
    starts = {
        (name, change): cli.record("begin", name, "--change", f"github.com/acme/x#{change}").start_ns
        for name in ("a", "b")
        for change in (1, 2)
    }
    for (name, change), start_ns in starts.items():
        assert cli.record("end", name, "--change", f"github.com/acme/x#{change}").start_ns == start_ns


def test_without_a_change_the_folder_tells_stages_apart(cli: Cli, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        assert cli("begin", "x", cwd=folder).returncode == 0
    for folder in folders:
        done = cli("end", "x", cwd=folder)
        assert "was not begun" not in done.stderr
    begun_one, begun_two, ended_one, ended_two = without_history(cli.receiver.records)
    assert (ended_one.trace_id, ended_one.start_ns) == (begun_one.trace_id, begun_one.start_ns)
    assert (ended_two.trace_id, ended_two.start_ns) == (begun_two.trace_id, begun_two.start_ns)
    assert begun_one.trace_id != begun_two.trace_id


def test_what_is_kept_is_private(quiet: Cli) -> None:
    quiet("begin", "x")
    folder = Path(quiet.env["OTEL_VSM_STATE_DIR"]) / "open-stages"
    [file] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    quiet("end", "x")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"parent": 1}', "\0"])
def test_what_is_kept_and_damaged_is_as_good_as_none(quiet: Cli, content: str) -> None:
    quiet("begin", "x")
    [file] = (Path(quiet.env["OTEL_VSM_STATE_DIR"]) / "open-stages").iterdir()
    file.write_text(content)
    done = quiet("end", "x")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert "was not begun here" in done.stderr


def test_a_place_that_cannot_be_written_is_said_and_harms_nothing(quiet: Cli) -> None:
    Path(quiet.env["OTEL_VSM_STATE_DIR"]).mkdir()
    (Path(quiet.env["OTEL_VSM_STATE_DIR"]) / "open-stages").write_text("in the way")
    for command in ("begin", "end"):
        done = quiet(command, "x")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (0, "", 1)


GITLAB = {
    "GITLAB_CI": "true",
    "CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_MESSAGE": "Start",
    "CI_PIPELINE_ID": "5100",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/shop/-/pipelines/5100",
}


def test_two_runners_on_one_machine_do_not_meet(cli: Cli, tmp_path: Path) -> None:
    jobs = []
    for number, leg in (("6001", "3.11"), ("6002", "3.12")):
        folder = tmp_path / number
        folder.mkdir()
        jobs.append(({**GITLAB, "CI_JOB_ID": number, "CI_JOB_NAME": f"integration: [{leg}]"}, folder))
    sha = {"CI_COMMIT_SHA": "1" * 40}
    begun = [cli.record("begin", "integration", env=job | sha, cwd=folder) for job, folder in jobs]
    ended = [
        cli.record("end", "integration", "--result", result, env=job | sha, cwd=folder)
        for (job, folder), result in zip(jobs, ("failure", "success"), strict=True)
    ]
    assert [record.span_id for record in ended] == [record.parent_span_id for record in begun]
    assert [record.attributes["cicd.pipeline.task.run.result"] for record in ended] == ["failure", "success"]
    assert [record.attributes["cicd.pipeline.task.run.id"] for record in ended] == ["6001", "6002"]
    assert [record.attributes["vsm.stage.leg"] for record in ended] == ["3.11", "3.12"]


def test_a_job_is_found_from_any_of_its_folders(cli: Cli, tmp_path: Path) -> None:
    job = {**GITLAB, "CI_JOB_ID": "6001", "CI_COMMIT_SHA": "1" * 40}
    begun = cli.record("begin", "x", env=job)
    assert cli.record("end", "x", env=job, cwd=tmp_path).span_id == begun.parent_span_id


def test_two_runners_of_github_have_a_folder_each(cli: Cli, tmp_path: Path) -> None:
    job = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "1",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_JOB": "test",
        "GITHUB_SHA": "1" * 40,
    }
    begun = [cli.record("begin", "x", env={**job, "GITHUB_WORKSPACE": f"/runner{n}"}) for n in (1, 2)]
    ended = [cli.record("end", "x", env={**job, "GITHUB_WORKSPACE": f"/runner{n}"}) for n in (1, 2)]
    assert [record.span_id for record in ended] == [record.parent_span_id for record in begun]


def test_outside_of_a_ci_the_checkout_tells_stages_apart(cli: Cli, shop: Repository, tmp_path: Path) -> None:
    shop.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    (shop.path / "deep").mkdir()
    here = cli.record("begin", "x", cwd=shop.path / "deep")
    there = cli.record("begin", "x", cwd=tmp_path / "other")
    assert here.trace_id == there.trace_id
    assert cli.record("end", "x").span_id == here.parent_span_id
    assert cli.record("end", "x", cwd=tmp_path / "other").span_id == there.parent_span_id


def test_what_was_is_told_with_its_times(cli: Cli) -> None:
    begun = cli.record("begin", "review", "--at", "2026-03-01T09:30:00Z", "--leg", "ui")
    ended = cli.record("end", "review", "--at", "2026-03-01T10:30:00Z")
    assert begun.start_ns == ended.start_ns == 1_772_357_400_000_000_000
    assert ended.end_ns - ended.start_ns == 3600 * 10**9
    assert begun.attributes["vsm.backfilled"] is ended.attributes["vsm.backfilled"] is True
    assert ended.attributes["vsm.stage.leg"] == "ui"
    cli.record("begin", "review", "--at", "2026-03-01T09:30:00Z")
    assert cli.record("end", "review").attributes["vsm.backfilled"] is True
    cli.record("begin", "review")
    assert "vsm.backfilled" not in cli.record("end", "review").attributes


def test_a_name_of_any_length_is_quoted_in_short(cli: Cli) -> None:
    done = cli("end", "x" * 5000)
    assert done.returncode == 0
    assert len(done.stderr) < 700
    assert f"otel-vsm begin {'x' * 200}…\n" in done.stderr
