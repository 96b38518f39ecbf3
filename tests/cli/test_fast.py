"""What is read without the parser of the command line is what the parser reads."""

import sys
from typing import Any

import pytest

from otel_vsm import fast
from otel_vsm.cli import main

VARIABLES = {
    "OTEL_VSM_LEG": "linux",
    "OTEL_VSM_CHANGE_ID": "12",
    "OTEL_VSM_REPOSITORY": "github.com/acme/shop",
    "OTEL_VSM_REVISION": "HEAD",
    "OTEL_VSM_TEAM": "checkout",
    "OTEL_VSM_VALUE_STREAM": "selling",
}
PLAIN = [
    "stage build",
    "stage --type test unit",
    "stage unit --type=security --service cart --leg py3.12 --team= --strict --timeout 15m",
    "stage x --artifact pkg:oci/shop --artifact-hash sha256:0 --version=1=2",
    "stage x --change #12 --repository github.com/acme/shop --revision v1 --work-item T-1 --value-stream s",
    "stage x --actor human --attribute a.b=c --attribute a.b=d --attribute e=",
    "stage x --team one --team two",
    "stage x --junit a/*.xml --junit b.xml --sarif=c",
]
NOT_PLAIN = [
    "stage",
    "stage x y",
    "stage x --help",
    "stage x --stamp f",
    "stage x --queued-at 2026-01-01T00:00:00Z",
    "stage x --type nonsense",
    "stage x --type Test",
    "stage x --actor nobody",
    "stage x --team",
    "stage x --tea y",
    "stage x --timeout soon",
    "stage x --attribute broken",
    "stage x --attribute =broken",
    "stage x --team -y",
    "deploy x",
]


def read_by_parser(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict[str, Any]]:
    seen: list[tuple[list[str], dict[str, Any]]] = []
    monkeypatch.setattr(
        "otel_vsm.cli.stage.run_stage", lambda command, **other: seen.append((command, other))
    )
    main(arguments, standalone_mode=False)
    [call] = seen
    return call


@pytest.mark.parametrize("variables", [{}, VARIABLES], ids=["plain", "variables"])
@pytest.mark.parametrize("call", PLAIN)
def test_a_well_formed_call_is_read_alike(
    call: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    arguments = [*call.split(), "--", "make", "--", "-j4"]
    assert fast.read_stage(arguments) == read_by_parser(arguments, monkeypatch)


@pytest.mark.parametrize("call", NOT_PLAIN)
def test_anything_else_is_left_to_the_parser(call: str) -> None:
    fast.run([*call.split(), "--", sys.executable, "-c", "raise SystemExit"])


def test_without_a_command_it_is_left_to_the_parser() -> None:
    for arguments in (["stage", "x"], ["stage", "x", "--"]):
        fast.run(arguments)


def test_every_option_is_either_read_or_left() -> None:
    from otel_vsm.cli.stage import stage

    options = {name for parameter in stage.params for name in parameter.opts if name.startswith("--")}
    assert set(fast._TEXTS) | {"--strict"} <= options
    assert options - set(fast._TEXTS) - {"--strict"} == {"--stamp", "--queued-at"}
