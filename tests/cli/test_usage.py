"""What is wrong with a call is said before anything runs; what each command is for, it says itself."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli import Cli
from otel_vsm.cli import COMMANDS, LazyGroup, main
from otel_vsm.testing import OtlpReceiver

CONTRACT = (
    *("init", "stage", "begin", "end", "deploy", "change", "approval", "work-item", "incident"),
    *("retract", "backfill", "jobs", "collector", "rules", "service", "report", "map", "flush", "doctor"),
)
DEPLOY = ["deploy", "--service", "s", "--environment", "e"]
INCIDENT = ["incident", "detected", "--id", "I", "--service", "s"]

WRONG = [
    (["stage", "x", "--no-such", "--", "touch", "ran"], "--no-such"),
    (["stage", "x"], "Put it behind --: otel-vsm stage x -- make"),
    (["stage", "x", "--"], "There is no command"),
    (["stage", "--", "touch", "ran"], "Missing argument 'NAME'"),
    (["stage", "", "--", "touch", "ran"], "'NAME': must not be empty"),
    (["stage", "x", "touch", "ran"], "unexpected extra arguments"),
    (["stage", "x", "--type", "bild", "--", "touch", "ran"], "'plan', 'code', 'review', 'build', 'test'"),
    (
        ["stage", "x", "--attribute", "k", "--", "touch", "ran"],
        "'k' is not a key and a value",
    ),
    (["stage", "x", "--attribute", "=v", "--", "touch", "ran"], "give them as KEY=VALUE"),
    (["stage", "x", "--actor", "robot", "--", "touch", "ran"], "'human', 'automation'"),
    (["stage", "x", "--queued-at", "now", "--", "touch", "ran"], "2026-03-01T09:30:00Z"),
    (["end", "x", "--result", "bad"], "'success', 'failure', 'error', 'timeout', 'cancellation', 'skip'"),
    (["deploy", "--environment", "e", "--", "touch", "ran"], "Missing option '--service'"),
    (["deploy", "--service", "s", "--", "touch", "ran"], "Missing option '--environment'"),
    (["deploy", "--service", "", "--environment", "e"], "'--service': must not be empty"),
    ([*DEPLOY, "--kind", "x"], "'rollout', 'rollback', 'hotfix'"),
    (
        [
            "deploy",
            "--service",
            "s",
            "--environment",
            "e",
            "--at",
            "2026-03-01T09:30:00Z",
            "--",
            "touch",
            "ran",
        ],
        "--at is for deployments without a command",
    ),
    (["change", "began"], "'first_commit', 'opened', 'ready', 'reviewed', 'approved', 'merged', 'abandoned'"),
    (["change"], "Missing argument"),
    (["change", "change.merged"], "'merged'"),
    (["approval", "granted"], "Missing option '--gate'"),
    (["approval", "given", "--gate", "g"], "'requested', 'granted', 'denied'"),
    (["work-item", "closed", "--id", "1"], "'created', 'started', 'blocked', 'unblocked'"),
    (["work-item", "started"], "Missing option '--id'"),
    (
        ["incident", "detected", "--id", "I", "--service", "s", "--severity", "sev1"],
        "'critical', 'high', 'medium', 'low'",
    ),
    (["incident", "detected", "--service", "s"], "Missing option '--id'"),
    (
        ["incident", "over", "--id", "I", "--service", "s"],
        "'started', 'detected', 'acknowledged', 'mitigated', 'resolved'",
    ),
    (["stages"], "No such command 'stages'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=str)
def test_a_wrong_call_exits_2_and_says_what_is_allowed(
    quiet: Cli, arguments: list[str], message: str
) -> None:
    done = quiet(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())
    assert not (quiet.cwd / "ran").exists()


TIMES = [
    "yesterday",
    "2026-03-01",
    "2026-03-01T09:30:00",
    "2026-03-01T09:30Z",
    "2026-13-01T09:30:00Z",
    "2026-03-01T09:30:61Z",
    "2026-03-01T09:30:00+25:00",
    "1772357400",
    "20260301T093000Z",
    "٢026-03-01T09:30:00Z",
]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_that_cannot_be_read_is_refused(time: str) -> None:
    from otel_vsm.cli.options import timestamp_ns

    with pytest.raises(click.BadParameter, match="2026-03-01T09:30:00Z or 2026-03-01T10:30:00"):
        timestamp_ns(time)


@pytest.mark.parametrize(
    "time", ["1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00", "2263-01-01T00:00:00Z"]
)
def test_a_time_that_has_no_number_is_refused(time: str) -> None:
    from otel_vsm.cli.options import timestamp_ns

    with pytest.raises(click.BadParameter, match="outside the years 1970 to 2261"):
        timestamp_ns(time)


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T09:30:00Z", 1_772_357_400_000_000_000),
        ("2026-03-01T10:30:00+01:00", 1_772_357_400_000_000_000),
        ("2026-03-01t04:00:00-05:30", 1_772_357_400_000_000_000),
        (" 2026-03-01 09:30:00z ", 1_772_357_400_000_000_000),
        ("2026-03-01T09:30:00.5Z", 1_772_357_400_500_000_000),
        ("2026-03-01T09:30:00.1234567899Z", 1_772_357_400_123_456_789),
        ("2026-03-01T09:30:00-00:00", 1_772_357_400_000_000_000),
    ],
)
def test_times_are_read_to_the_nanosecond(time: str, nanoseconds: int) -> None:
    from otel_vsm.cli.options import timestamp_ns

    assert timestamp_ns(time) == nanoseconds


def test_a_wrong_call_tells_nothing(cli: Cli, otlp_receiver: OtlpReceiver) -> None:
    assert cli("incident", "detected", "--id", "I", "--service", "s", "--at", "2026").returncode == 2
    assert otlp_receiver.requests == []


# --- help


def test_the_commands_are_those_of_the_contract() -> None:
    assert tuple(COMMANDS) == CONTRACT


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_commands_say(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name].summary


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_teaches_with_an_example(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    commands = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for one in commands:
        assert one is not None
        assert one.help is not None
        assert re.search(r"^ +otel-vsm [a-z-]+", one.help, re.MULTILINE)
        for parameter in one.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


def test_help_is_listed_without_loading_the_commands() -> None:
    code = """
import sys
from otel_vsm.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in sys.modules if name.startswith("otel_vsm.cli.")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for name in CONTRACT:
        assert f"\n  {name} " in done.stdout


def test_the_version_is_said(quiet: Cli) -> None:
    from otel_vsm import __version__

    assert quiet("--version").stdout == f"otel-vsm, version {__version__}\n"


def test_an_unknown_command_is_none() -> None:
    assert isinstance(main, LazyGroup)
    assert main.get_command(click.Context(main), "nothing") is None


# --- the collector's own dependencies


def test_without_its_dependencies_the_collector_says_how_to_install_them(tmp_path: Path, quiet: Cli) -> None:
    block = "import sys; sys.modules['duckdb'] = None"
    done = run_with(block, quiet, tmp_path)
    assert done.returncode == 1
    assert "pip install 'otel-vsm[collector]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_other_fault_of_its_imports_is_shown(tmp_path: Path, quiet: Cli) -> None:
    block = "import sys; sys.modules['otel_vsm_collector.settings'] = None"
    done = run_with(block, quiet, tmp_path)
    assert done.returncode == 1
    assert "pip install" not in done.stderr
    assert "Traceback" in done.stderr


def run_with(block: str, cli: Cli, folder: Path) -> "subprocess.CompletedProcess[str]":
    code = f"{block}\nfrom otel_vsm.cli import main\nmain(['collector', '--data', {str(folder)!r}])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "address", ["4317", ":4317", "localhost", "localhost:", "::1:4317", "h:70000", "h:x", "h:٣"]
)
def test_an_address_that_is_none_is_refused(quiet: Cli, address: str) -> None:
    done = quiet("collector", "--grpc", address)
    assert done.returncode == 2
    assert "give HOST:PORT, as 127.0.0.1:4317 or [::1]:4317; port 0 picks a free one" in " ".join(
        done.stderr.split()
    )


def test_a_configuration_that_is_wrong_is_told_line_by_line_before_anything_starts(
    quiet: Cli, tmp_path: Path
) -> None:
    config = tmp_path / "vsm.yaml"
    config.write_text("time_zone: UTC\nwindow: 30\nprofile: dra\n")
    done = quiet("collector", "--config", str(config), "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()] == [f"{config}:2", f"{config}:3"]
    assert not (tmp_path / "data").exists()


def test_a_configuration_can_be_checked_without_starting_anything(quiet: Cli, tmp_path: Path) -> None:
    config = tmp_path / "vsm.yaml"
    config.write_text("time_zone: Europe/Berlin\n")
    done = quiet("collector", "--config", str(config), "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_a_check_of_nothing_is_refused(quiet: Cli) -> None:
    done = quiet("collector", "--check")
    assert done.returncode == 2
    assert "--check is about a file: give it with --config FILE." in done.stderr


def test_an_unknown_store_is_refused(quiet: Cli) -> None:
    done = quiet("collector", "--store", "oracle://x")
    assert done.returncode == 2
    assert "duckdb:" in done.stderr
