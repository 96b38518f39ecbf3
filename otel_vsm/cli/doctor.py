"""`doctor`: what is configured, and whether it works."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from otel_vsm import __version__, semconv
from otel_vsm.cli.asking import DEFAULT_URL, Collector
from otel_vsm.text import one_line

if TYPE_CHECKING:
    from otel_vsm.ci import CiContext
    from otel_vsm.export.endpoint import Endpoint

ANSWER_TIMEOUT_S = 10.0
VARIABLES = {
    "change": "OTEL_VSM_CHANGE_ID",
    "repository": "OTEL_VSM_REPOSITORY",
    "revision": "OTEL_VSM_REVISION",
}
"""The variables that the commands take a change from; they win over all else."""


class Finding(NamedTuple):
    """A line of the report."""

    about: str
    text: str
    problem: bool = False


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a document with the same findings.")
@click.option(
    "--telemetry",
    is_flag=True,
    help="Ask a collector instead what it was sent, and by which missing attribute it gave nothing.",
)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the collector's web side is.")
def doctor(*, as_json: bool, telemetry: bool, url: str) -> None:
    """Say what is configured and whether it works.

    Nothing is sent but one empty request, by which the endpoint shows that it is there. Passwords and the
    values of headers are never shown. The exit code is 1 when a problem was found, and 0 when all works or
    telemetry is off.

    \b
    Example:
        otel-vsm doctor
        otel-vsm doctor --json
        otel-vsm doctor --telemetry --url https://vsm.example.com
    """
    problems = 0
    findings = []
    for finding in _telemetry(url) if telemetry else _findings():
        problems += finding.problem
        findings.append(finding._asdict())
        if not as_json:
            click.echo(f"{finding.about:<12} {'PROBLEM: ' if finding.problem else ''}{finding.text}")
    if as_json:
        click.echo(json.dumps({"works": not problems, "findings": findings}, indent=2))
    if problems:
        sys.exit(1)


def _findings() -> Iterator[Finding]:
    from otel_vsm.export.endpoint import EndpointError, disabled_reason, read_endpoint
    from otel_vsm.export.parcel import resource_problem

    yield Finding("version", f"otel-vsm {__version__}, Python {platform.python_version()}, {_sdk()}")
    yield from _work()
    yield from _collector()
    if reason := disabled_reason():
        yield Finding("telemetry", f"off: {reason}")
        return
    yield from _resource()
    yield from _spool()
    if problem := resource_problem():
        yield Finding("environment", problem, problem=True)
    try:
        endpoint = read_endpoint()
    except EndpointError as error:
        yield Finding("endpoint", str(error), problem=True)
        return
    yield from (Finding("environment", problem, problem=True) for problem in endpoint.problems)
    yield from _endpoint(endpoint)
    yield _connection(endpoint)


def _telemetry(url: str) -> Iterator[Finding]:
    """What became of what the collector at `url` was sent since it started, by who sent it."""
    items = Collector(url).ask("telemetry", {}, expects="items")["items"]
    if not items:
        yield Finding("telemetry", "nothing was sent since the collector started")
    for item in items:
        emitter, scope = item["emitter"] or "no mapping", one_line(item["scope"]) or "no scope"
        fates = ", ".join(
            f"{item[fate]:,} {fate}" for fate in ("kept", "unmapped", "filtered", "rejected") if item[fate]
        )
        yield Finding("telemetry", f"{emitter} ({scope}): {item['received']:,} received, {fates}")
        for lack in item["lacking"]:
            example = lack["example"]
            yield Finding(
                "lacking",
                f"{emitter} ({scope}): {lack['spans']:,} kept that gave no {lack['gives_no']} for want of"
                f" {lack['missing']}, as {one_line(example['name'])} in trace {example['trace_id']}",
            )


def _sdk() -> str:
    try:
        return f"OpenTelemetry SDK {version('opentelemetry-sdk')}"
    except PackageNotFoundError:
        return "no OpenTelemetry SDK"


def _work() -> Iterator[Finding]:
    """What a stage that ran here would be said to belong to."""
    from otel_vsm import git
    from otel_vsm.ci import detect
    from otel_vsm.context import ChangeOptions, Subject, find_context, with_details

    ci = detect(os.environ)
    yield Finding("CI", _ci(ci))
    # Those that the commands take as well.
    options = {name: os.environ.get(variable) for name, variable in VARIABLES.items()}
    named = ChangeOptions(options["change"], options["repository"], options["revision"])
    context = with_details(find_context(named, subject=Subject.WORK, env=os.environ))
    for about in ("repository", "revision", "branch", "change"):
        value = getattr(context, about)
        by = _source(about, value, options.get(about), ci)
        yield Finding(about, f"{value} (by {by})" if value else "not found")
    yield from (Finding("note", text) for text in context.missing)
    if context.revision and git.is_shallow():
        remedy = f"{ci.whole_history} fetches it" if ci else "git fetch --unshallow gets it"
        yield Finding(
            "note",
            "this clone is shallow, so that it may not say when a change began, nor which changes a"
            f" deployment carries: {remedy}",
        )


def _ci(ci: "CiContext | None") -> str:
    from otel_vsm.ci import is_some_ci

    if not ci:
        if is_some_ci(os.environ):
            return (
                "one that is not known here (CI is set): git says the rest, and OTEL_VSM_CHANGE_ID names the"
                " request that a job is for"
            )
        return "none that is known"
    job = ci.attributes.get(semconv.CICD_PIPELINE_TASK_NAME)
    parts = [f"job {one_line(str(job))}" if job else "", f"leg {one_line(ci.leg)}" if ci.leg else ""]
    if ci.fork:
        parts.append("a request of a fork, whose jobs most systems give no secrets")
    return ", ".join([ci.system, *filter(None, parts)])


def _source(about: str, value: str | None, option: str | None, ci: "CiContext | None") -> str:
    """What said it, in words for the user."""
    if option:
        return VARIABLES[about]
    if ci and about == "change":
        return "the CI" if ci.request else "the CI's commit" if ci.revision else "git"
    return "the CI" if ci and value == getattr(ci, about) else "git"


def _collector() -> Iterator[Finding]:
    """Whether this installation can run the collector, by what its extra asks for."""
    from otel_vsm.cli.collector import INSTALL, MODULES_OF_EXTRA

    if all(map(find_spec, MODULES_OF_EXTRA)):
        yield Finding("collector", "can run here: otel-vsm collector")
    else:
        yield Finding("collector", f"cannot run here; on the machine where it is to: {INSTALL}")


def _resource() -> Iterator[Finding]:
    from otel_vsm.export.parcel import current_resource

    yield Finding("resource", ", ".join(f"{key}={value}" for key, value in current_resource().items()))


def _spool() -> Iterator[Finding]:
    from otel_vsm.export.spool import Spool
    from otel_vsm.state import STATE_VARIABLE
    from otel_vsm.text import count_of_spans

    try:
        spool = Spool.of_this_user()
        entries = spool.entries()
    except OSError as error:
        yield Finding("spool", f"what cannot be sent is lost: {error}", problem=True)
        return
    override = os.environ.get(STATE_VARIABLE)
    if override and spool.directory.parent != Path(override).absolute():
        yield Finding("spool", f"{STATE_VARIABLE}={override} cannot be written", problem=True)
    spans = count_of_spans(sum(entry.spans for entry in entries))
    text = f"{spans} in {spool.directory}"
    if entries:
        minutes = (time.time_ns() - entries[0].written_ns) / 60e9
        text += f", the oldest since {minutes:.0f} min; otel-vsm flush sends them"
    yield Finding("spool", text)


def _endpoint(endpoint: "Endpoint") -> Iterator[Finding]:
    yield Finding(
        "endpoint",
        f"{endpoint.redacted_url} by {endpoint.protocol}, timeout {endpoint.timeout_s:g} s,"
        f" compression {endpoint.compression}",
    )
    yield Finding("headers", ", ".join(name.lower() for name, _ in endpoint.headers) or "none")


def _connection(endpoint: "Endpoint") -> Finding:
    from otel_vsm.export.exporters import Outcome
    from otel_vsm.export.transport import Sender

    with Sender(endpoint, timeout_s=min(endpoint.timeout_s, ANSWER_TIMEOUT_S)) as sender:
        start = time.perf_counter()
        result = sender.send([])
        duration_ms = (time.perf_counter() - start) * 1000
    if result.outcome is Outcome.ACCEPTED:
        return Finding("connection", f"works; an empty request was answered in {duration_ms:.0f} ms")
    if result.outcome is Outcome.UNAVAILABLE:
        advice = result.advice or "see that the collector runs, and that host, port and protocol are its own"
    else:
        advice = "something answers there, but not as an OTLP receiver should"
    return Finding("connection", f"{result.reason}; {advice}", problem=True)
