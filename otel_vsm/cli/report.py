"""`otel-vsm report`: the figures of a running collector, as a table that says what they mean."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from otel_vsm.cli import explained, figures, flowing, one_change
from otel_vsm.cli.asking import DEFAULT_URL, Collector, Json
from otel_vsm.cli.documents import FORMATS, Document, Table
from otel_vsm.cli.lines import paragraph, printable
from otel_vsm.figures import EXPLAINED, FIGURES, Figure
from otel_vsm.human import value

WINDOW = "30d"
"""Where none is asked for."""
_EXPLAINED = tuple(figure.name for figure in EXPLAINED)


@click.command(short_help="Show the figures of a running collector.")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the collector's web side is.")
@click.option("--window", help="How far back: a number of min, h, d, w or mo. Otherwise 30d.")
@click.option("--from", "start", help="Since when instead: a date, its midnight, or RFC 3339 with an offset.")
@click.option("--to", help="Until when, itself not in it; otherwise now.")
@click.option("--service", help="Only this service.")
@click.option("--environment", default="production", show_default=True, help="The environment that counts.")
@click.option("--repository", help="Only this repository, such as github.com/acme/shop.")
@click.option("--team", help="Only this team.")
@click.option("--value-stream", help="Only this value stream.")
@click.option("--severity", help="Only incidents of this severity: critical, high, medium or low.")
@click.option("--profile", help="By whose definitions: dora, devlake, … or one of vsm.yaml.")
@click.option(
    "--compare-with", metavar="PROFILE", help="Show the figures by this profile beside them, and why."
)
@click.option("--time-zone", help="Whose days are counted, such as Europe/Berlin.")
@click.option(
    "--change", help="Show one change instead, by its id or an alias: how far it is and what it waited for."
)
@click.option(
    "--explain",
    type=click.Choice(_EXPLAINED),
    metavar="FIGURE",
    help=f"Show what is behind a figure instead: {', '.join(_EXPLAINED)}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", *FORMATS]),
    default="table",
    show_default=True,
    help="A table to read, the collector's answers to work with, or a document: Markdown for a merge"
    " request, one HTML file with the value stream map in it, CSV.",
)
def report(
    url: str,
    compare_with: str | None,
    change: str | None,
    explain: str | None,
    form: str,
    start: str | None,
    **filters: str | None,
) -> None:
    """Show the figures of a running collector.

    \b
    Examples:
        otel-vsm report --window 90d --service shop
        otel-vsm report --from 2026-04-01 --to 2026-05-01 --time-zone Europe/Berlin
        otel-vsm report --explain change_fail_rate
        otel-vsm report --compare-with devlake
        otel-vsm report --format html --window 90d > delivery.html
        otel-vsm report --change github.com/acme/shop#12 --format markdown
    """
    if form in FORMATS and (explain is not None or compare_with is not None):
        raise click.UsageError(
            f"--format {form} is of the report; leave out --explain and --compare-with, or take table or json"
        )
    if change is not None and (explain is not None or compare_with is not None):
        raise click.UsageError("--change shows one change; leave out --explain and --compare-with")
    collector = Collector(url)
    query = {name: value for name, value in ({"from": start} | filters).items() if value}
    if not query.keys() & {"window", "from", "to"}:
        query["window"] = WINDOW
    if change is not None:
        answers = _timeline(collector, change, query)
        of_change = one_change.document(answers)
        lines = one_change.lines(of_change)
    elif explain is not None:
        answers, lines = _explain(collector, query, explain)
    elif compare_with is not None:
        answers, lines = _compare(collector, query, compare_with)
    else:
        answers, lines = _report(collector, query)
    if form in FORMATS and change is not None:
        click.echo(of_change.written(form))
    elif form in FORMATS:
        drawing = collector.read("api/v1/map.svg", query) if form == "html" else ""
        click.echo(_document(answers, query).written(form, drawing))
    else:
        click.echo(json.dumps(answers, indent=2) if form == "json" else "\n".join(lines))
    if collector.lag != "0":
        click.echo(
            f"otel-vsm: the collector is {collector.lag} s behind; the latest spans are not in here yet",
            err=True,
        )


def _report(collector: Collector, query: dict[str, str]) -> tuple[Json, Iterator[str]]:
    # Incidents are none of what is measured, and their severity would be refused.
    measured = {name: value for name, value in query.items() if name != "severity"}
    answers = {
        "dora": collector.ask("dora", query, expects="change_lead_time"),
        "flow": collector.ask("flow", query, expects="flow_time"),
        "stages": collector.ask("stages", query, expects="items")["items"],
        "measurement": collector.ask("measurement", measured, expects="stage_runs"),
    }
    return answers, _lines(answers, query)


def _timeline(collector: Collector, change: str, query: dict[str, str]) -> Json:
    profile = {name: value for name, value in query.items() if name == "profile"}
    return collector.ask("timeline", {"change": change} | profile, expects="runs")


def _explain(collector: Collector, query: dict[str, str], figure: str) -> tuple[Json, Iterator[str]]:
    dora = collector.ask("dora", query, expects="change_lead_time")
    heading = _heading(dora, query)
    query = query | {"figure": figure, "limit": str(explained.SHOWN)}
    which = "part" if FIGURES[figure].is_loss else "counted"
    shown, left_out = (
        collector.ask("explain", query | {"rows": rows}, expects="counted") for rows in (which, "left_out")
    )
    lines = explained.explanation(shown, left_out, dora["statistic"])
    return {which: shown, "left_out": left_out}, iter([*heading, "", *lines])


def _compare(collector: Collector, query: dict[str, str], other: str) -> tuple[Json, Iterator[str]]:
    one = collector.ask("dora", query, expects="change_lead_time")
    two = collector.ask("dora", query | {"profile": other}, expects="change_lead_time")
    compared = {
        figure.name: collector.ask(
            "compare", query | {"figure": figure.name, "with": other}, expects="several_together"
        )
        for figure in figures.DORA
        if _shown(one, figure) != _shown(two, figure)
    }
    because = {name: reasons for name, one in compared.items() if (reasons := explained.because(one))}
    lines = figures.beside(one, two, because)
    return {"dora": one, "with": two, "compare": compared}, iter([*_heading(one, query), "", *lines])


def _shown(dora: Json, figure: Figure) -> tuple[str, str]:
    content = dora[figure.name]
    return value(figure, content, dora["statistic"]), figures.counted(figure, content)


def _lines(answers: Json, query: dict[str, str]) -> Iterator[str]:
    """The report as it is printed."""
    dora, flow, stages, measured = answers.values()
    yield from _heading(dora, query)
    yield ""
    under_way = flowing.under_way(flow, dora.get("active_incidents", 0))
    if not (_anything(dora) or stages or under_way):
        yield from _nothing(query)
        return
    yield from figures.dora(dora, query.get("window", ""))
    if breaches := list(figures.breaches([dora, flow, measured])):
        yield ""
        yield from breaches
    if stages or under_way:
        yield ""
        yield from flowing.flow(flow)
    if under_way:
        yield ""
        yield from under_way
    if stages:
        yield ""
        yield from flowing.stages(stages)
    yield ""
    yield from flowing.measurement(measured)


def _document(answers: Json, query: dict[str, str]) -> Document:
    """The report as a document."""
    dora, flow, stages, measured = answers.values()
    title, *about = _heading(dora, query)
    bottleneck = flow["bottleneck"]
    sentences = [
        *about,
        *([f"Bottleneck: {bottleneck['reason']}"] if bottleneck else []),
        *figures.breaches([dora, flow, measured]),
        " ".join(flowing.under_way(flow, dora.get("active_incidents", 0))),
    ]
    tables = [
        Table("DORA", *figures.dora_rows(dora, query.get("window", ""))),
        Table("Flow", *flowing.flow_rows(flow)),
        Table("Stages", *flowing.stage_rows(stages)),
    ]
    notes = [figures.meaning(dora), flowing.MEANING, " ".join(flowing.measurement(measured))]
    return Document(
        title,
        [sentence for sentence in sentences if sentence],
        [table for table in tables if table.rows],
        notes,
    )


def _heading(dora: Json, query: dict[str, str]) -> Iterator[str]:
    """What is shown: of what, when, by which profile; of which value stream, and what to know of all that."""
    asked = query | {"profile": dora["profile"]}
    names = ("service", "repository", "team", "value_stream", "severity", "profile")
    only = "".join(f", {name.replace('_', ' ')} {asked[name]}" for name in names if name in asked)
    length = f"{query['window']}, " if "window" in query else ""
    window = _window(dora["window"], query.get("time_zone"))
    yield printable(f"Delivery to {query['environment']}{only}: {length}{window}")
    if stream := dora.get("value_stream"):
        yield from paragraph(_stream(stream, dora))
    for notice in dora.get("notices", ()):
        yield from paragraph(f"Note: {notice['message']}")


def _window(window: Json, zone: str | None) -> str:
    """The window as the clocks of the time zone show it; in UTC where none is asked for, and where this
    machine does not know it."""
    local: tzinfo = UTC
    if zone:
        with suppress(ZoneInfoNotFoundError):
            local = ZoneInfo(zone)
    edges = [datetime.fromisoformat(f"{window[edge][:19]}+00:00") for edge in ("from", "to")]
    start, end = (f"{edge.astimezone(local):%Y-%m-%d %H:%M}" for edge in edges)
    return f"{start} to {end} {local}"


def _stream(stream: Json, dora: Json) -> str:
    parts = [f"Value stream {stream['name']}"]
    if stream["recipient"]:
        parts.append(f"for {stream['recipient']}")
    if stream["owner"]:
        parts.append(f"{stream['owner']} answers for it")
    if (measure := stream["primary_measure"]) is not None:
        figure = FIGURES[measure]
        now = f": {value(figure, dora[measure], dora['statistic'])}" if measure in dora else ""
        parts.append(f"judged by {figure.title.lower()}{now}")
    return "; ".join(parts)


def _anything(dora: Json) -> bool:
    return any(figure.count(dora[figure.name]) for figure in figures.DORA)


def _nothing(query: dict[str, str]) -> Iterator[str]:
    yield (
        "Nothing is known of this window: no stage ran, nothing was deployed, no incident ended, and nothing"
        " is under way."
    )
    yield ""
    yield "Look further back:            otel-vsm report --window 365d"
    if narrower := [name for name in ("service", "repository", "team", "value_stream") if name in query]:
        options = " and ".join("--" + name.replace("_", "-") for name in narrower)
        yield f"Look at everything:           leave out {options}"
    yield "Look at another environment:  otel-vsm report --environment staging"
    yield "Bring in a history:           otel-vsm backfill git . --service shop"
    yield f"Tell of a deployment:         otel-vsm deploy --service shop --environment {query['environment']}"
