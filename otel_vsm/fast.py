"""Well-formed calls of `otel-vsm stage`, read without the parser of the command line.

Loading that takes longer than anything else before the user's command starts. What is not plainly well-formed
is left to it: it teaches, and knows all that may be written.
"""

import os
from typing import Any, NoReturn

from otel_vsm.call import VARIABLES, CommonOptions, RunOptions, seconds_of, set_outfile, text
from otel_vsm.context import ChangeOptions
from otel_vsm.text import sendable

# Option → what it is called in the call.
_TEXTS = {
    "--type": "stage_type",
    "--service": "service",
    "--leg": "leg",
    "--artifact": "artifact",
    "--artifact-hash": "artifact_hash",
    "--version": "version",
    "--change": "change",
    "--repository": "repository",
    "--revision": "revision",
    "--team": "team",
    "--value-stream": "value_stream",
    "--work-item": "work_item",
    "--actor": "actor",
    "--timeout": "timeout",
    "--outfile": "outfile",
    "--junit": "junit",
    "--sarif": "sarif",
    "--attribute": "attributes",
}


class _NotPlain(Exception):
    """The call is for the parser."""


def run(arguments: list[str]) -> None:
    """Run the call if it is a well-formed one of a stage, and exit as its command did; return otherwise."""
    try:
        command, options = read_stage(arguments)
    except _NotPlain:
        return
    _run_stage(command, options)


def _run_stage(command: list[str], options: dict[str, Any]) -> NoReturn:
    from otel_vsm.stage import run_stage

    run_stage(command, **options)


def read_stage(arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The command and the other arguments of `run_stage`; _NotPlain where the parser has to look at it."""
    if arguments[:1] != ["stage"] or "--" not in arguments[:-1]:
        raise _NotPlain
    end = arguments.index("--")
    given, names = _read(arguments[1:end])
    if len(names) != 1:
        raise _NotPlain
    name = _said(names[0])
    for option, variable in VARIABLES.items():
        if option not in given and (value := os.environ.get(variable)):
            given[option] = [value]
    attributes = dict(map(_attribute, given.pop("attributes", [])))
    junit, sarif = (tuple(map(_said, given.pop(option, []))) for option in ("junit", "sarif"))
    strict = "strict" in given and bool(given.pop("strict"))
    single = {option: text(values[-1]) for option, values in given.items()}
    outfile = single.pop("outfile", None)
    if outfile and os.path.isdir(outfile):  # noqa: PTH112 -- pathlib takes 4 ms to import
        raise _NotPlain
    timeout = single.pop("timeout", None)
    timeout_s = seconds_of(timeout) if timeout else None
    if timeout and timeout_s is None:
        raise _NotPlain
    common = CommonOptions(
        ChangeOptions(single.get("change"), single.get("repository"), single.get("revision")),
        team=single.get("team"),
        value_stream=single.get("value_stream"),
        work_item=single.get("work_item"),
        actor=_one_of("ActorType", single.get("actor")),
        attributes=attributes,
    )
    set_outfile(outfile)
    return arguments[end + 1 :], {
        "name": name,
        "stage_type": _one_of("StageType", single.get("stage_type")),
        "service": single.get("service"),
        "leg": single.get("leg"),
        "queued_ns": None,
        "artifact": single.get("artifact"),
        "artifact_hash": single.get("artifact_hash"),
        "version": single.get("version"),
        "stamp": None,
        "junit": junit,
        "sarif": sarif,
        "common": common,
        "how": RunOptions(timeout_s, strict),
    }


def _read(arguments: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The values of each option, and what is no option."""
    given: dict[str, list[str]] = {}
    names = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--strict":
            given["strict"] = ["yes"]
        elif argument.startswith("-"):
            option, equals, value = argument.partition("=")
            if option not in _TEXTS or (not equals and (value := next(rest, "-")).startswith("-")):
                raise _NotPlain
            given.setdefault(_TEXTS[option], []).append(value)
        else:
            names.append(argument)
    return given, names


def _said(value: str) -> str:
    content = text(value)
    if content is None:
        raise _NotPlain
    return content


def _one_of(enum: str, value: str | None) -> str | None:
    if value is not None:
        from otel_vsm import semconv  # loads the values, which few calls need

        if value not in list(getattr(semconv, enum)):
            raise _NotPlain
    return value


def _attribute(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or not key.isascii() or not key.replace(".", "").replace("_", "").isalnum():
        raise _NotPlain
    return key, sendable(value)
