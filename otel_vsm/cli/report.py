"""`otel-vsm report`: the figures of a running collector, as a table that says what they mean."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import click

from otel_vsm.human import UNKNOWN, count, duration, rate, share

DEFAULT_URL = "http://127.0.0.1:8750"
TIMEOUT_S = 15.0
"""The collector itself may wait five seconds for spans that it has just been sent."""

Row = tuple[str, ...]


@click.command(short_help="Show the figures of a running collector.")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the collector's web side is.")
@click.option("--window", default="30d", show_default=True, help="How far back: a number of h, d or w.")
@click.option("--service", help="Only this service.")
@click.option("--environment", default="production", show_default=True, help="The environment that counts.")
@click.option("--repository", help="Only this repository, such as github.com/acme/shop.")
@click.option("--team", help="Only this team.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table to read, or the collector's answers to work with.",
)
def report(
    url: str,
    window: str,
    service: str | None,
    environment: str,
    repository: str | None,
    team: str | None,
    form: str,
) -> None:
    """Show the figures of a running collector.

    \b
    Example:
        otel-vsm report --window 90d --service shop
    """
    filters = {"service": service, "environment": environment, "repository": repository, "team": team}
    asked = {"window": window} | {name: value for name, value in filters.items() if value}
    dora, lag = _ask(url, "dora", asked, expects="change_lead_time")
    stages, _ = _ask(url, "stages", asked, expects="items")
    if form == "json":
        click.echo(json.dumps({"dora": dora, "stages": stages["items"]}, indent=2))
    else:
        click.echo("\n".join(lines(dora, stages["items"], asked)))
    if lag != "0":
        click.echo(
            f"otel-vsm: the collector is {lag} s behind; the latest spans are not in here yet", err=True
        )


def _ask(url: str, figure: str, asked: dict[str, str], expects: str) -> tuple[dict[str, Any], str]:
    """The answer of the API, and by how many seconds it lags. Raises ClickException with a sentence."""
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url {url!r} is no address; write it as {DEFAULT_URL}")
    address = f"{url.rstrip('/')}/api/v1/{figure}?{urllib.parse.urlencode(asked)}"
    try:
        with _opener(address).open(address, timeout=TIMEOUT_S) as answer:
            body, lag = answer.read(), answer.headers.get("vsm-lag-seconds", "0")
    except urllib.error.HTTPError as error:
        raise _refused(url, error) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(
            f"no collector answers at {url} ({reason}); start one with `otel-vsm collector`,"
            " or say with --url where it is"
        ) from None
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or expects not in found:
        raise _stranger(url, "something else")
    return found, lag


def _opener(address: str) -> urllib.request.OpenerDirector:
    """Without the environment's proxy where the collector is on this machine, which no proxy can reach."""
    host = urllib.parse.urlsplit(address).hostname or ""
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_local else []))


def _refused(url: str, error: urllib.error.HTTPError) -> click.ClickException:
    try:
        detail = json.load(error)["detail"]
    except (OSError, ValueError, KeyError, TypeError):
        return _stranger(url, f"{error.code} {error.reason}")
    return click.UsageError(str(detail)) if error.code == 422 else click.ClickException(str(detail))


def _stranger(url: str, answered: str) -> click.ClickException:
    return click.ClickException(
        f"{url} answered {answered}, which is not how a collector answers; say with --url where its web side"
        " is (port 8750 if nothing else was chosen)"
    )


def lines(dora: dict[str, Any], stages: Sequence[dict[str, Any]], asked: dict[str, str]) -> Iterator[str]:
    """The report as it is printed."""
    yield _title(dora, asked)
    yield ""
    if not (_anything(dora) or stages):
        yield from _nothing(asked)
        return
    yield from table(("FIGURE", "VALUE", "", "WHAT IT SAYS"), list(_figures(dora)), right=())
    if stages:
        yield ""
        heads = (
            "STAGE",
            "RUNS",
            "TAKES",
            "WAITS BEFORE",
            "SUCCEEDS",
            "RIGHT FIRST TIME",
            "REDONE",
            "CHANGES IN IT",
        )
        yield from table(heads, [_stage(stage) for stage in stages], right=range(1, len(heads)))
        yield ""
        yield "Times are medians; right first time: neither this stage nor an earlier one had to run again."


def table(heads: Row, rows: Sequence[Row], right: Sequence[int]) -> Iterator[str]:
    """Aligned text; the columns in `right` are numbers, which stand under each other's end."""
    whole = [tuple(map(_printable, row)) for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for row in whole:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "   ".join(cells).rstrip()


def _printable(cell: str) -> str:
    """Without what would move a terminal's cursor: names come from whoever may send telemetry."""
    return "".join(character if character.isprintable() else "?" for character in cell)


def _title(dora: dict[str, Any], asked: dict[str, str]) -> str:
    start, end = (dora["window"][edge][:16].replace("T", " ") for edge in ("from", "to"))
    only = "".join(f", {name} {asked[name]}" for name in ("service", "repository", "team") if name in asked)
    return f"Delivery to {asked['environment']}{only}: {asked['window']}, {start} to {end} UTC"


def _anything(dora: dict[str, Any]) -> bool:
    counts = [
        part.get("count", 0) or part.get("deployments", 0) for part in dora.values() if isinstance(part, dict)
    ]
    return any(counts)


def _nothing(asked: dict[str, str]) -> Iterator[str]:
    yield "Nothing is known of this window: no stage ran, nothing was deployed, no incident ended."
    yield ""
    yield "Look further back:            otel-vsm report --window 365d"
    if narrower := [name for name in ("service", "repository", "team") if name in asked]:
        yield f"Look at everything:           leave out {' and '.join('--' + name for name in narrower)}"
    yield "Look at another environment:  otel-vsm report --environment staging"
    yield "Bring in a history:           otel-vsm backfill git . --service shop"
    yield f"Tell of a deployment:         otel-vsm deploy --service shop --environment {asked['environment']}"


def _figures(dora: dict[str, Any]) -> Iterator[Row]:
    lead, recovery = dora["change_lead_time"], dora["failed_deployment_recovery_time"]
    frequency, fails, rework = (
        dora[figure] for figure in ("deployment_frequency", "change_fail_rate", "deployment_rework_rate")
    )
    deployments = count(frequency["deployments"], "deployment")
    yield (
        "Change lead time",
        duration(lead["p50"]),
        _spread(lead),
        f"first commit to running there; median of {count(lead['count'], 'change')}",
    )
    yield (
        "Deployment frequency",
        rate(frequency["per_day"]) if frequency["deployments"] else UNKNOWN,
        f"on {count(frequency['days_with_deployments'], 'day')}" if frequency["deployments"] else "",
        f"{deployments} succeeded",
    )
    yield (
        "Change fail rate",
        share(fails["ratio"]),
        f"{fails['failed']} of {fails['deployments']}" if fails["deployments"] else "",
        "deployments that an incident, a rollback or a hotfix followed",
    )
    yield (
        "Recovery time",
        duration(recovery["p50"]),
        _spread(recovery),
        f"failed deployment to users well again; median of {count(recovery['count'], 'failure')}",
    )
    yield (
        "Deployment rework rate",
        share(rework["ratio"]),
        f"{rework['rework']} of {rework['deployments']}" if rework["deployments"] else "",
        "deployments that only repaired an earlier one",
    )
    for figure, name, meaning in (
        ("time_to_restore", "Time to restore", "start of an incident to its end"),
        ("time_to_detect", "Time to detect", "start of an incident to its detection"),
    ):
        values = dora[figure]
        incidents = count(values["count"], "incident")
        yield name, duration(values["p50"]), _spread(values), f"{meaning}; median of {incidents}"


def _spread(values: dict[str, Any]) -> str:
    return f"9 in 10 within {duration(values['p90'])}" if values["count"] > 1 else ""


def _stage(stage: dict[str, Any]) -> Row:
    return (
        stage["name"],
        str(stage["runs"]),
        duration(stage["process_time"]["p50"]),
        duration(stage["wait_time"]["p50"]),
        share(stage["success_ratio"]),
        share(stage["complete_accurate"]),
        str(stage["rework_runs"]),
        str(stage["wip"]),
    )
