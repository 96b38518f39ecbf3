"""The options that commands have in common, and the values that they take."""

import functools
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

import click

from otel_vsm.call import OUTFILE_VARIABLE, CommonOptions, RunOptions, seconds_of, set_outfile, text
from otel_vsm.context import NAME_A_CHANGE, ChangeOptions, is_readable
from otel_vsm.semconv import ActorType, StageType
from otel_vsm.text import one_line, sendable

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

# Compiled where they are used, as most calls need neither.
_RFC3339 = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)"
FUTURE_S = 300
"""How far ahead a time may be: clocks of machines differ, and what lies beyond has not happened."""
# What fits in 64 bits as nanoseconds: until April 2262.
_LAST_NS = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def required_text(value: str) -> str:
    """A text that has to say something."""
    content = text(value)
    if content is None:
        raise click.BadParameter("must not be empty.")
    return content


def timestamp_ns(value: str) -> int:
    """A time as RFC 3339 has it, as nanoseconds since the epoch."""
    if match := re.fullmatch(_RFC3339, value.strip()):
        date, clock, fraction, offset = match.groups()
        with suppress(ValueError, OverflowError):
            seconds = (datetime.fromisoformat(f"{date}T{clock}{offset.upper()}") - _EPOCH) // _SECOND
            nanoseconds = seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0")[:9])
            if 0 <= nanoseconds <= _LAST_NS:
                return nanoseconds
            raise click.BadParameter(f"{one_line(value)!r} is outside the years 1970 to 2261.")
    raise click.BadParameter(
        f"{one_line(value)!r} is not a time that can be read. Give date, time and offset as RFC 3339 has "
        "them: 2026-03-01T09:30:00Z or 2026-03-01T10:30:00+01:00."
    )


def attribute(value: str) -> tuple[str, str]:
    """A key and a value with `=` between them."""
    key, equals, content = value.partition("=")
    key = key.strip()
    if not equals or not key or not key.isprintable() or " " in key:
        raise click.BadParameter(f"{one_line(value)!r} is not a key and a value: give them as KEY=VALUE.")
    return key, sendable(content)


def choice(values: type[StrEnum]) -> "click.Choice[str]":
    """One of the listed values of an attribute."""
    return click.Choice([member.value for member in values], case_sensitive=False)


def readable_change(value: str) -> str | None:
    """A change that can be read with certainty."""
    change = text(value)
    if change is not None and not is_readable(change):
        # A part of it may be a password.
        raise click.BadParameter(f"it cannot be read: {NAME_A_CHANGE}.")
    return change


def common_options(
    *, work_item: bool = True, is_statement: bool = False
) -> Callable[[AnyFunction], AnyFunction]:
    """Give a command the common options; its function gets them as one argument `common`.

    A statement is about the change that is named: where that cannot be read, it is refused. Work is done, and
    told of, whatever is named.
    """
    options = [
        click.option(
            "--change",
            type=readable_change if is_statement else text,
            metavar="TEXT",
            envvar="OTEL_VSM_CHANGE_ID",
            show_envvar=True,
            help="The change: the number of its request (12, #12, !12, PR-12) or its address, a commit's "
            "full hash, or <repository>#<number> or <repository>@<commit>. "
            "Otherwise the CI and the last commit say.",
        ),
        click.option(
            "--repository",
            type=text,
            metavar="TEXT",
            envvar="OTEL_VSM_REPOSITORY",
            show_envvar=True,
            help="The repository, as a URL or as host/path. Otherwise the CI or git's remote says.",
        ),
        click.option(
            "--revision",
            type=text,
            metavar="TEXT",
            envvar="OTEL_VSM_REVISION",
            show_envvar=True,
            help="The commit, as a hash or anything that git takes for one. Otherwise what is checked out.",
        ),
        click.option(
            "--team",
            type=text,
            metavar="TEXT",
            envvar="OTEL_VSM_TEAM",
            show_envvar=True,
            help="The team that does the work.",
        ),
        click.option(
            "--value-stream",
            type=text,
            metavar="TEXT",
            envvar="OTEL_VSM_VALUE_STREAM",
            show_envvar=True,
            help="The value stream that the work belongs to.",
        ),
        click.option(
            "--actor",
            type=choice(ActorType),
            help="Who does it. Otherwise automation in a CI, human at a terminal.",
        ),
        click.option(
            "--outfile",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            envvar=OUTFILE_VARIABLE,
            show_envvar=True,
            expose_value=False,
            callback=lambda ctx, parameter, value: set_outfile(value),
            help="Write to this file in place of sending, for a pipeline that reaches no endpoint: a line of "
            "OTLP/JSON each time. `otel-vsm flush FILE` sends it.",
        ),
        click.option(
            "--attribute",
            "attributes",
            type=attribute,
            metavar="K=V",
            multiple=True,
            help="One more attribute of what is told; may be repeated.",
        ),
    ]
    if work_item:
        options.append(
            click.option(
                "--work-item",
                type=text,
                metavar="TEXT",
                help="The work item (ticket, story) that it is done for.",
            )
        )

    def decorate(function: AnyFunction) -> AnyFunction:
        @functools.wraps(function)
        def with_common_options(
            change: str | None,
            repository: str | None,
            revision: str | None,
            team: str | None,
            value_stream: str | None,
            actor: str | None,
            attributes: tuple[tuple[str, str], ...],
            work_item: str | None = None,
            **other: Any,
        ) -> Any:
            common = CommonOptions(
                ChangeOptions(change, repository, revision),
                team=team,
                value_stream=value_stream,
                work_item=work_item,
                actor=actor,
                attributes=dict(attributes),
            )
            return function(common=common, **other)

        for option in reversed(options):
            with_common_options = option(with_common_options)
        return cast(AnyFunction, with_common_options)

    return decorate


def text_option(flag: str, *names: str, **settings: Any) -> Callable[[AnyFunction], AnyFunction]:
    convert = required_text if settings.get("required") else text
    return click.option(flag, *names, type=convert, metavar="TEXT", **settings)


def queued_at_option(function: AnyFunction) -> AnyFunction:
    return click.option(
        "--queued-at",
        "queued_ns",
        type=timestamp_ns,
        metavar="RFC3339",
        help="Since when it waited for its turn.",
    )(function)


def past_timestamp_ns(value: str) -> int:
    """A time as `timestamp_ns` has it, which is not still to come."""
    at_ns = timestamp_ns(value)
    if at_ns > now_ns() + FUTURE_S * 1_000_000_000:
        raise click.BadParameter(f"{one_line(value)!r} is still to come: tell it when it has happened.")
    return at_ns


def service_option(function: AnyFunction) -> AnyFunction:
    return click.option(
        "--service",
        type=text,
        metavar="TEXT",
        help="The service that it works for, in a repository of several.",
    )(function)


def leg_option(function: AnyFunction) -> AnyFunction:
    return click.option(
        "--leg",
        type=text,
        metavar="TEXT",
        envvar="OTEL_VSM_LEG",
        show_envvar=True,
        help="Which leg of a matrix, or which shard, it is: py3.12, linux. Otherwise the CI, where it says.",
    )(function)


def run_options(function: AnyFunction) -> AnyFunction:
    """`--timeout` and `--strict`; the function gets them as one argument `how`."""

    @functools.wraps(function)
    def with_run_options(timeout_s: float | None, strict: bool, **other: Any) -> Any:
        return function(how=RunOptions(timeout_s, strict), **other)

    for option in (
        click.option(
            "--strict",
            is_flag=True,
            help="Exit with 75 where the command succeeded and what there was to tell could not be sent.",
        ),
        click.option(
            "--timeout",
            "timeout_s",
            type=duration_s,
            metavar="TIME",
            help="How long the command may take: 90, 90s, 15m, 1h. Then it is sent TERM, 10 s later KILL, "
            "and the exit code is 124.",
        ),
    ):
        with_run_options = option(with_run_options)
    return cast(AnyFunction, with_run_options)


def duration_s(value: str) -> float:
    """A time span as seconds, or as a number with s, m or h."""
    seconds = seconds_of(value)
    if seconds is None:
        raise click.BadParameter(f"{one_line(value)!r} is no time span: give it as 90, 90s, 15m or 1h.")
    return seconds


def at_option(help: str) -> Callable[[AnyFunction], AnyFunction]:
    return click.option(
        "--at",
        "at_ns",
        type=past_timestamp_ns,
        metavar="RFC3339",
        help=f"{help} As 2026-03-01T09:30:00Z; otherwise now.",
    )


def now_ns() -> int:
    return time.time_ns()


def artifact_options(function: AnyFunction) -> AnyFunction:
    """`--artifact`, `--artifact-hash` and `--version`."""
    for option in (
        click.option("--version", type=text, metavar="TEXT", help="The version that users see."),
        click.option("--artifact-hash", type=text, metavar="TEXT", help="The artifact's hash, sha256:…"),
        click.option(
            "--artifact",
            type=text,
            metavar="TEXT",
            help="The artifact: a file, its package URL, pkg:oci/shop@sha256%3A…, its digest, sha256:…, or "
            "the reference of an image with its digest, ghcr.io/acme/shop@sha256:….",
        ),
    ):
        function = option(function)
    return function


def type_option(function: AnyFunction) -> AnyFunction:
    return click.option(
        "--type",
        "stage_type",
        type=choice(StageType),
        help="The kind of work; otherwise the stage's name, where that is one of them.",
    )(function)
