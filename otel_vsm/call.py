"""What a command is called with, once it is read, whoever reads it."""

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from otel_vsm.context import ChangeOptions
from otel_vsm.text import sendable

OUTFILE_VARIABLE = "OTEL_VSM_OUTFILE"
VARIABLES = {
    "leg": "OTEL_VSM_LEG",
    "change": "OTEL_VSM_CHANGE_ID",
    "repository": "OTEL_VSM_REPOSITORY",
    "revision": "OTEL_VSM_REVISION",
    "team": "OTEL_VSM_TEAM",
    "value_stream": "OTEL_VSM_VALUE_STREAM",
    "outfile": OUTFILE_VARIABLE,
}
"""Option → the variable that says it where it is not given."""


class CommonOptions(NamedTuple):
    """The common options, as given. None: not given, or empty, as a variable of a script may be."""

    change_options: ChangeOptions
    team: str | None
    value_stream: str | None
    work_item: str | None
    actor: str | None
    attributes: Mapping[str, str]


class RunOptions(NamedTuple):
    """How a command is run."""

    timeout_s: float | None
    strict: bool


def text(value: str) -> str | None:
    """A text; an empty one is as good as none, for in scripts it comes from a variable that is not set."""
    return sendable(value.strip()) or None


def options_of_environment(env: Mapping[str, str] = os.environ) -> CommonOptions:
    """The common options where only variables say them."""
    said = {option: text(env.get(variable, "")) for option, variable in VARIABLES.items()}
    return CommonOptions(
        ChangeOptions(said["change"], said["repository"], said["revision"]),
        team=said["team"],
        value_stream=said["value_stream"],
        work_item=None,
        actor=None,
        attributes={},
    )


def set_outfile(path: str | None) -> None:
    """Have telemetry written to the file: also that of calls within the command, wherever they are made."""
    if path:
        os.environ[OUTFILE_VARIABLE] = os.path.abspath(path)  # noqa: PTH100 -- pathlib takes 4 ms to import


def seconds_of(value: str) -> float | None:
    """A time span as seconds, or as a number with s, m or h; None where it is none."""
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,3})?)([smh]?)", value.strip())
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] or None if match else None
