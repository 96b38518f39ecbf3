"""`otel-vsm stage` puts nothing between a command and its caller, and tells of it."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.cli import Cli, Repository, read_line, without_history
from harness.factories import RunPython
from otel_vsm.identity import SpanId, SpanReference, TraceId, change_root
from otel_vsm.testing import OtlpReceiver

CHANGE = "github.com/acme/shop#12"
TRACE, ROOT = change_root(CHANGE)
CALLER = SpanReference(TraceId("0af7651916cd43dd8448eb211c80319c"), SpanId("b7ad6b7169203331"))
FOREIGN = f"00-{CALLER.trace_id}-{CALLER.span_id}-01"


def test_a_stage_is_told(cli: Cli, shop: Repository) -> None:
    record = cli.record("stage", "build", "--team", "checkout", "--attribute", "size=big", "--", "true")
    assert (record.trace_id, record.parent_span_id, record.name) == (TRACE, ROOT, "build")
    assert record.end_ns > record.start_ns
    assert record.attributes == {
        "vsm.stage.name": "build",
        "vsm.stage.type": "build",
        "vsm.change.id": CHANGE,
        "vcs.repository.url.full": "https://github.com/acme/shop",
        "vcs.change.id": "12",
        "vcs.ref.head.revision": shop.git("rev-parse", "HEAD"),
        "vcs.ref.head.name": "main",
        "vcs.ref.head.type": "branch",
        "vcs.owner.name": "acme",
        "vcs.repository.name": "shop",
        "cicd.pipeline.task.name": "build",
        "cicd.pipeline.task.type": "build",
        "cicd.pipeline.task.run.result": "success",
        "process.exit.code": 0,
        "vsm.team": "checkout",
        "size": "big",
    }
    assert (record.links, record.failed) == ((), False)


@pytest.mark.parametrize("code", [1, 2, 42, 126, 127, 130, 255])
def test_the_exit_code_is_the_commands(quiet: Cli, code: int) -> None:
    assert quiet("stage", "test", "--", "sh", "-c", f"exit {code}").returncode == code


def test_a_failure_is_told(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    assert cli("stage", "test", "--", "sh", "-c", "exit 3").returncode == 3
    [record] = without_history(otlp_receiver.records)
    assert record.failed
    assert record.attributes["cicd.pipeline.task.run.result"] == "failure"
    assert record.attributes["process.exit.code"] == 3
    assert record.attributes["error.type"] == "exit_3"


@pytest.mark.parametrize("name", ["KILL", "SEGV", "USR1"])
def test_death_by_a_signal_is_128_and_its_number(cli: Cli, otlp_receiver: OtlpReceiver, name: str) -> None:
    done = cli("stage", "test", "--", "sh", "-c", f"kill -{name} $$")
    assert done.returncode == {"KILL": 137, "SEGV": 139, "USR1": 138}[name]
    [record] = without_history(otlp_receiver.records)
    assert record.attributes["cicd.pipeline.task.run.result"] == "failure"
    assert record.attributes["error.type"] == f"SIG{name}"
    assert "process.exit.code" not in record.attributes


def test_a_command_that_does_not_exist_is_127(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    done = cli("stage", "test", "--", "no-such-command", "x")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "otel-vsm: no-such-command: command not found\n"
    assert without_history(otlp_receiver.records)[0].attributes["cicd.pipeline.task.run.result"] == "error"
    assert without_history(otlp_receiver.records)[0].failed


@pytest.mark.parametrize("command", ["", "./missing", "./missing/x"])
def test_other_ways_of_not_existing_are_127(quiet: Cli, command: str) -> None:
    assert quiet("stage", "test", "--", command).returncode == 127


def test_a_file_that_is_not_executable_is_126(
    cli: Cli, otlp_receiver: OtlpReceiver, shop: Repository
) -> None:
    (shop.path / "script").write_text("#!/bin/sh\n")
    done = cli("stage", "test", "--", "./script")
    assert (done.returncode, done.stderr) == (126, "otel-vsm: ./script: Permission denied\n")
    assert without_history(otlp_receiver.records)[0].attributes["cicd.pipeline.task.run.result"] == "error"
    assert cli("stage", "test", "--", "./").returncode == 126


@pytest.mark.parametrize("how", ["./script", "script"])
def test_a_script_without_an_interpreter_line_runs_in_the_shell(
    quiet: Cli, shop: Repository, how: str
) -> None:
    (shop.path / "script").write_text('echo "$0:$1:$#"\n')
    (shop.path / "script").chmod(0o755)
    # Where the command is looked for is our own PATH, as it is without a wrapper.
    path = f"{shop.path}{os.pathsep}{quiet.env['PATH']}"
    done = quiet("stage", "test", "--", how, "a b", env={"PATH": path})
    where = "./script" if how == "./script" else f"{shop.path}/script"
    assert (done.returncode, done.stdout) == (0, f"{where}:a b:1\n")


ARGUMENTS = [
    ["a b", "", "  ", "'", '"', "$HOME", "`id`", "*", "\\", "\n", "%s", "{}", "ä", "--"],
    ["--type", "test", "--help", "-h", "--change", "x"],
    ["--", "--", "-c", "--", ""],
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_arguments_are_untouched(quiet: Cli, arguments: list[str]) -> None:
    show = "import sys; sys.stdout.buffer.write(b'|'.join(map(__import__('os').fsencode, sys.argv[1:])))"
    done = quiet("stage", "test", "--", sys.executable, "-c", show, *arguments)
    assert done.stdout == "|".join(arguments)


def test_arguments_that_are_no_text_are_untouched(quiet: Cli) -> None:
    done = quiet("stage", "test", "--", "printf", "%s", b"\xff\xfe", text=False)
    assert done.stdout == b"\xff\xfe"


def test_output_is_the_commands_own_byte_for_byte(quiet: Cli) -> None:
    write = "import os; os.write(1, bytes(range(256)) * 4096); os.write(2, bytes(range(256)))"
    done = quiet("stage", "test", "--", sys.executable, "-c", write, text=False)
    assert done.stdout == bytes(range(256)) * 4096
    assert done.stderr == bytes(range(256))


def test_input_is_the_commands(quiet: Cli) -> None:
    done = quiet("stage", "test", "--", "cat", input=b"\0\xff\n" * 100_000, text=False)
    assert done.stdout == b"\0\xff\n" * 100_000


def test_closed_streams_stay_closed(quiet: Cli) -> None:
    look = """
import os
open_ones = []
for fd in (0, 1, 2):
    try:
        os.fstat(fd)
        open_ones.append(fd)
    except OSError:
        pass
with open("open", "w") as file:
    file.write(str(open_ones))
"""
    done = quiet.shell('"$@" <&- >&- 2>&-', "stage", "test", "--", sys.executable, "-c", look)
    assert done.returncode == 0
    assert (quiet.cwd / "open").read_text() == "[]"


def test_a_complaint_that_nobody_reads_changes_no_exit_code(quiet: Cli) -> None:
    assert quiet.shell('"$@" 2>/dev/full; echo $?', "stage", "x", "--", "nope").stdout == "127\n"
    assert quiet.shell('"$@" 2>&-; echo $?', "stage", "x", "--", "nope").stdout == "127\n"


def test_further_open_files_are_the_commands(quiet: Cli) -> None:
    done = quiet.shell(
        'echo inherited | { "$@" 7<&0 </dev/null; }', "stage", "test", "--", "sh", "-c", "cat <&7"
    )
    assert done.stdout == "inherited\n"


def test_a_pipe_that_nobody_reads_kills_the_command_as_ever(quiet: Cli) -> None:
    done = quiet.shell('{ "$@"; echo $? >&2; } | true', "stage", "test", "--", "yes")
    assert done.stderr == "141\n"


def test_what_the_caller_ignores_stays_ignored(quiet: Cli) -> None:
    def ignored(script: str) -> set[int]:
        done = quiet.shell(script, "stage", "test", "--", "grep", "SigIgn", "/proc/self/status")
        mask = int(done.stdout.split()[1], 16)
        return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}

    directly = ignored("grep SigIgn /proc/self/status")
    assert ignored('"$@"; true') == directly
    ours = {signal.SIGPIPE, signal.SIGHUP, signal.SIGINT}
    assert ignored('trap "" PIPE HUP INT; "$@"; true') == directly | ours


def test_umask_folder_and_signal_mask_are_the_callers(quiet: Cli) -> None:
    show = "umask; pwd; grep -E 'SigBlk' /proc/self/status; ulimit -n"
    limits = "umask 027; ulimit -n 200;"
    wrapped = quiet.shell(f'{limits} "$@"', "stage", "test", "--", "sh", "-c", show)
    assert wrapped.stdout == quiet.shell(f"{limits} {show}").stdout


def test_the_environment_gets_what_is_ours_and_nothing_else(quiet: Cli) -> None:
    done = quiet("stage", "test", "--", "env", "-0")
    wrapped = dict(pair.split("=", 1) for pair in done.stdout.split("\0") if pair)
    assert wrapped.keys() - quiet.env.keys() == {"TRACEPARENT", "OTEL_VSM_CHANGE_ID"}
    assert {name: wrapped[name] for name in quiet.env} == quiet.env
    assert wrapped["OTEL_VSM_CHANGE_ID"] == CHANGE


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_a_locale_of_the_environment_is_not_coerced(quiet: Cli, locale: str) -> None:
    done = quiet("stage", "test", "--", "sh", "-c", "echo $LC_CTYPE", env={"LC_CTYPE": locale})
    assert done.stdout == f"{locale}\n"


def test_a_grandchild_that_keeps_the_output_open_does_not_hold_the_exit_up(quiet: Cli) -> None:
    script = "sleep 600 & echo $!"
    wrapper = quiet.start("stage", "test", "--", "sh", "-c", script)
    grandchild = int(read_line(wrapper))
    try:
        assert wrapper.wait(timeout=30) == 0
    finally:
        os.kill(grandchild, 9)


# --- trace context


def context_inside(cli: Cli, env: Mapping[str, str] | None = None) -> tuple[str, str, str, str]:
    done = cli("stage", "test", "--", "sh", "-c", "echo $TRACEPARENT $TRACESTATE", env=env)
    return tuple(done.stdout.strip().split("-"))


def test_the_command_finds_its_stage_in_its_environment(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    assert context_inside(cli) == ("00", TRACE, without_history(otlp_receiver.records)[0].span_id, "01")


def test_context_is_passed_on_with_no_endpoint_and_a_disabled_sdk(quiet: Cli) -> None:
    assert context_inside(quiet)[1] == TRACE
    assert context_inside(quiet, {"OTEL_SDK_DISABLED": "true"})[1] == TRACE


def test_a_disabled_sdk_sends_nothing(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    done = cli("stage", "test", "--", "sh", "-c", "echo out; exit 3", env={"OTEL_SDK_DISABLED": "true"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "")
    assert otlp_receiver.requests == []


def test_a_span_of_the_same_change_around_us_is_the_parent(cli: Cli) -> None:
    record = cli.record("stage", "test", "--", "true", env={"TRACEPARENT": f"00-{TRACE}-00f067aa0ba902b7-00"})
    assert (record.trace_id, record.parent_span_id, record.links) == (TRACE, "00f067aa0ba902b7", ())


def test_a_span_of_another_trace_around_us_is_linked(cli: Cli) -> None:
    record = cli.record("stage", "test", "--", "true", env={"TRACEPARENT": FOREIGN})
    assert (record.trace_id, record.parent_span_id) == (TRACE, ROOT)
    assert record.links == (CALLER,)


def test_trace_state_is_passed_on(quiet: Cli) -> None:
    env = {"TRACEPARENT": FOREIGN, "TRACESTATE": "vendor=1"}
    assert context_inside(quiet, env)[3] == "01 vendor=1"


def test_a_lower_case_variable_does_not_count(cli: Cli) -> None:
    assert cli.record("stage", "test", "--", "true", env={"traceparent": FOREIGN}).links == ()


def test_propagators_that_leave_trace_context_out_are_heard(quiet: Cli) -> None:
    done = quiet(
        "stage", "test", "--", "sh", "-c", "echo ${TRACEPARENT-none}", env={"OTEL_PROPAGATORS": "b3"}
    )
    assert done.stdout == "none\n"


def test_stages_nest_wherever_the_inner_one_runs(
    cli: Cli, otlp_receiver: OtlpReceiver, tmp_path: Path
) -> None:
    inner = f"cd {tmp_path} && {cli.program} stage unit --type test -- true"
    done = cli("stage", "test", "--change", "99", "--", "sh", "-c", inner)
    assert done.returncode == 0
    nested, outer = without_history(otlp_receiver.records)
    assert (nested.name, outer.name) == ("unit", "test")
    assert nested.parent_span_id == outer.span_id
    assert nested.trace_id == outer.trace_id == change_root("github.com/acme/shop#99").trace_id
    assert nested.attributes["vsm.change.id"] == "github.com/acme/shop#99"


def test_stages_side_by_side_are_apart(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    running = [
        cli.start("stage", f"part-{number}", "--", "sh", "-c", f"exit {number}") for number in range(4)
    ]
    assert [one.wait(timeout=60) for one in running] == [0, 1, 2, 3]
    assert len({record.span_id for record in without_history(otlp_receiver.records)}) == 4


# --- what is told


def test_the_kind_of_work_may_be_said(cli: Cli) -> None:
    record = cli.record("stage", "lint", "--type", "Test", "--", "true")
    assert record.attributes["vsm.stage.type"] == "test"
    assert "vsm.stage.type" not in cli.record("stage", "lint", "--", "true").attributes


def test_the_time_in_the_queue_is_told(cli: Cli) -> None:
    record = cli.record("stage", "test", "--queued-at", "2020-01-01T00:00:00Z", "--", "true")
    queued_ns = 1_577_836_800 * 10**9
    assert record.attributes["vsm.stage.queue.duration"] == (record.start_ns - queued_ns) / 1e9
    ahead = cli.record("stage", "test", "--queued-at", "2200-01-01T00:00:00Z", "--", "true")
    assert ahead.attributes["vsm.stage.queue.duration"] == 0.0


def test_a_ci_and_no_terminal_is_automation(cli: Cli) -> None:
    assert (
        cli.record("stage", "test", "--", "true", env={"CI": "true"}).attributes["vsm.actor.type"]
        == "automation"
    )
    assert "vsm.actor.type" not in cli.record("stage", "test", "--", "true").attributes
    record = cli.record("stage", "test", "--actor", "human", "--", "true", env={"CI": "true"})
    assert record.attributes["vsm.actor.type"] == "human"


def test_what_the_user_says_wins_over_the_ci_but_not_over_the_change(cli: Cli) -> None:
    ci = {"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW": "ci", "GITHUB_JOB": "unit"}
    attributes = cli.record(
        *("stage", "test", "--attribute", "cicd.pipeline.name=mine", "--attribute", "vsm.change.id=x"),
        *("--attribute", "a=", "--attribute", "b=1=2", "--", "true"),
        env=ci,
    ).attributes
    assert (attributes["cicd.pipeline.name"], attributes["cicd.pipeline.task.name"]) == ("mine", "unit")
    assert (attributes["vsm.change.id"], attributes["a"], attributes["b"]) == (CHANGE, "", "1=2")


def test_text_that_is_no_text_is_told_as_well_as_can_be(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    done = cli("stage", b"bu\xffild", "--attribute", b"k=\xfe", "--team", "Ümläut", "--", "true")
    assert (done.returncode, done.stderr) == (0, "")
    [record] = without_history(otlp_receiver.records)
    assert record.name == "bu?ild"
    assert (record.attributes["k"], record.attributes["vsm.team"]) == ("?", "Ümläut")


def test_an_empty_option_is_none(cli: Cli) -> None:
    record = cli.record("stage", "test", "--change", "", "--team", " ", "--revision", "", "--", "true")
    assert record.attributes["vsm.change.id"] == CHANGE
    assert "vsm.team" not in record.attributes


def test_a_clock_that_is_set_while_the_command_runs_does_not_matter(run_python: RunPython) -> None:
    done = run_python(
        "import os, time\n"
        "from otel_vsm import process\n"
        "wall = iter([2 * 10**18, 10**18])\n"
        "time.time_ns = lambda: next(wall)\n"
        "completed = process.run(['true'], os.environ, meanwhile=lambda: None)\n"
        "print(0 < completed.end_ns - completed.start_ns < 60 * 10**9)\n"
    )
    assert done.stdout == "True\n", done.stderr


# --- the stamp


def test_a_success_leaves_a_stamp_even_with_no_endpoint(quiet: Cli, shop: Repository) -> None:
    purl = "pkg:oci/shop@sha256%3A00"
    done = quiet(
        *("stage", "package", "--stamp", "vsm.json", "--version", "1.4.0", "--artifact", purl),
        *("--artifact-hash", f"sha256:{'0' * 64}", "--", "true"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((shop.path / "vsm.json").read_text()) == {
        "change_id": CHANGE,
        "repository": "github.com/acme/shop",
        "revision": shop.git("rev-parse", "HEAD"),
        "version": "1.4.0",
        "artifact_purl": purl,
        "artifact_hash": f"sha256:{'0' * 64}",
    }


def test_a_failure_leaves_no_stamp(quiet: Cli, shop: Repository) -> None:
    assert quiet("stage", "package", "--stamp", "vsm.json", "--", "false").returncode == 1
    assert not (shop.path / "vsm.json").exists()


def test_a_stamp_that_cannot_be_written_does_not_fail_the_stage(quiet: Cli) -> None:
    done = quiet("stage", "package", "--stamp", "missing/vsm.json", "--", "true")
    assert done.returncode == 0
    assert done.stderr.startswith("otel-vsm: warning: the stamp missing/vsm.json was not written")
    assert len(done.stderr.splitlines()) == 1


def test_what_was_packaged_is_told(cli: Cli) -> None:
    digest = f"sha256:{'a' * 64}"
    attributes = cli.record(
        "stage", "package", "--artifact", digest, "--version", "1.4", "--", "true"
    ).attributes
    assert (attributes["artifact.hash"], attributes["service.version"]) == (digest, "1.4")
    assert "artifact.purl" not in attributes


GITLAB_JOB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_COMMIT_SHA": "1" * 40,
    "CI_COMMIT_MESSAGE": "Start",
    "CI_PIPELINE_ID": "5100",
    "CI_PIPELINE_CREATED_AT": "2026-10-01T08:00:00Z",
    "CI_JOB_ID": "6001",
    "CI_JOB_STARTED_AT": "2026-10-01T08:00:42Z",
}


def test_the_wait_of_a_job_is_told_with_its_first_stage(cli: Cli) -> None:
    def queued(*options: str, **env: str) -> object:
        record = cli.record("stage", "unit", *options, "--", "true", env={**GITLAB_JOB, **env})
        return record.attributes.get("vsm.stage.queue.duration")

    assert queued() == 42.0
    assert queued() is None
    assert queued(CI_JOB_ID="6002") == 42.0
    assert queued("--queued-at", "2026-10-01T08:00:00Z", CI_JOB_ID="6003") != 42.0
    assert queued(CI_JOB_ID="6003", CI_JOB_STARTED_AT="2026-10-01T07:00:00Z") == 0.0
    assert queued(CI_JOB_ID="6004", CI_PIPELINE_CREATED_AT="soon") is None


@pytest.mark.parametrize(
    ("name", "leg"),
    [("unit", None), ("unit 2/4", "2/4"), ("unit: [3.12, linux]", "3.12, linux"), ("unit: fast", None)],
)
def test_gitlab_says_which_leg_of_a_matrix_it_is(cli: Cli, name: str, leg: str | None) -> None:
    record = cli.record("stage", "unit", "--", "true", env={**GITLAB_JOB, "CI_JOB_NAME": name})
    assert record.attributes.get("vsm.stage.leg") == leg
    named = cli.record(
        "stage", "unit", "--leg", "mine", "--", "true", env={**GITLAB_JOB, "CI_JOB_NAME": name}
    )
    assert named.attributes["vsm.stage.leg"] == "mine"


def test_a_stage_says_which_service_it_works_for(cli: Cli) -> None:
    record = cli.record("stage", "unit", "--service", "cart", "--", "true")
    assert record.attributes["service.name"] == "cart"
    assert "service.name" not in cli.record("stage", "unit", "--", "true").attributes


def test_the_attempt_of_the_run_is_a_number(cli: Cli) -> None:
    job = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": "1" * 40,
    }
    record = cli.record("stage", "unit", "--", "true", env={**job, "GITHUB_RUN_ATTEMPT": "3"})
    assert record.attributes["vsm.run.attempt"] == 3
    record = cli.record("stage", "unit", "--", "true", env={**job, "GITHUB_RUN_ATTEMPT": "many"})
    assert "vsm.run.attempt" not in record.attributes


def test_a_file_that_the_command_makes_is_an_artifact(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    for content in ("one", "two"):
        command = (
            "stage",
            "package",
            "--artifact",
            "shop.tgz",
            "--",
            "sh",
            "-c",
            f"echo {content} > shop.tgz",
        )
        assert cli(*command).stderr == ""
    first, second = (record.attributes for record in without_history(otlp_receiver.records))
    assert first["vcs.ref.head.revision"] == second["vcs.ref.head.revision"]
    assert first["artifact.hash"] != second["artifact.hash"]
    assert str(first["artifact.purl"]).startswith("pkg:generic/shop.tgz?checksum=sha256:")
    missing = cli("stage", "package", "--artifact", "none.tgz", "--", "true")
    assert "--artifact none.tgz is left out: it is neither a file that is there" in missing.stderr
