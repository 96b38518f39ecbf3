"""`otel-vsm map`: the value stream map of a running collector, as text or as a drawing."""

import json
from collections.abc import Iterator

import click

from otel_vsm.cli.asking import DEFAULT_URL, Collector, Json
from otel_vsm.cli.documents import Document, Table
from otel_vsm.cli.lines import Row, paragraph, printable, table
from otel_vsm.human import count, duration, rate, share

_HEADS = ("STAGE", "WAIT BEFORE", "OF A CHANGE", "TAKES", "%C/A", "IN IT", "CHANGES", "TEAMS")
_MEANING = (
    "In the order in which most changes pass; = goes on beside the stage above it, ! is the bottleneck. Wait"
    " before, of a change: medians of all changes delivered in the window, where one that was not in a stage"
    " spent nothing there; – where fewer than half were in it. Takes: the median execution. Medians do not"
    " add up."
)


@click.command("map", short_help="Draw the value stream map of a running collector.")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the collector's web side is.")
@click.option("--window", help="How far back: a number of min, h, d, w or mo, or a month such as 2026-05.")
@click.option("--from", "start", help="Since when instead: a date, its midnight, or RFC 3339 with an offset.")
@click.option("--to", help="Until when, itself not in it; otherwise now.")
@click.option("--service", help="Only this service.")
@click.option("--environment", default="production", show_default=True, help="The environment that counts.")
@click.option("--repository", help="Only this repository, such as github.com/acme/shop.")
@click.option("--team", help="Only this team.")
@click.option("--value-stream", help="Only this value stream.")
@click.option("--profile", help="By whose definitions: dora, devlake, … or one of vsm.yaml.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "svg", "html", "markdown", "mermaid", "csv", "json"]),
    default="text",
    show_default=True,
    help="Text for a terminal, a drawing (SVG, or in one HTML file), a Mermaid diagram, or the numbers.",
)
def stream_map(url: str, form: str, start: str | None, **filters: str | None) -> None:
    """Draw the value stream map of a running collector.

    \b
    Examples:
        otel-vsm map --window 90d
        otel-vsm map --service shop --format svg > map.svg
        otel-vsm map --format mermaid
    """
    collector = Collector(url)
    query = {name: value for name, value in ({"from": start} | filters).items() if value}
    if form == "svg":
        click.echo(collector.read("api/v1/map.svg", query))
    else:
        stream = collector.ask("map", query, expects="steps")
        if form == "json":
            click.echo(json.dumps(stream, indent=2))
        elif form == "mermaid":
            click.echo("\n".join(_mermaid(stream)))
        elif form == "text":
            click.echo("\n".join(_text(stream)))
        else:
            drawing = collector.read("api/v1/map.svg", query) if form == "html" else ""
            click.echo(_document(stream, query).written(form, drawing))
    if collector.lag != "0":
        click.echo(
            f"otel-vsm: the collector is {collector.lag} s behind; the latest spans are not in here yet",
            err=True,
        )


def _text(stream: Json) -> Iterator[str]:
    if not stream["steps"]:
        yield "No stage ended in this window. Look further back: otel-vsm map --window 365d"
        return
    yield from table(_HEADS, _rows(stream), right=range(1, len(_HEADS) - 1))
    yield ""
    yield from paragraph(_whole(stream))
    if stream["bottleneck"]:
        yield ""
        yield from paragraph(f"Bottleneck: {stream['bottleneck']['reason']}")
    yield ""
    yield from paragraph(_MEANING)


def _rows(stream: Json) -> list[Row]:
    most = stream["bottleneck"] or {}
    rows: list[Row] = []
    for step in stream["steps"]:
        for number, stage in enumerate(step):
            here = most.get("part") if most.get("stage") == stage["name"] else None
            waits, works = (duration(stage[f"{part}_of_changes_s"]) for part in ("wait", "process"))
            figures = stage["figures"]
            rows.append(
                (
                    ("= " if number else "") + stage["name"],
                    waits + (" !" if here == "wait" else ""),
                    works + (" !" if here == "process" else ""),
                    duration(figures["process_time"]["p50"]),
                    share(figures["complete_accurate"]),
                    str(figures["wip"]),
                    str(stage["changes"]),
                    ", ".join(stage["teams"]) or "–",
                )
            )
    return rows


def _whole(stream: Json) -> str:
    flow, active = stream["flow_time"], stream["active_time"]
    return (
        f"Flow time {duration(flow['p50'])}, in which stages ran {duration(active['p50'])} (medians of"
        f" {count(flow['count'], 'change')}); flow efficiency {share(stream['flow_efficiency'])}, rolled %C/A"
        f" {share(stream['rolled_complete_accurate'])}, {rate(stream['throughput_per_day'])} delivered,"
        f" {count(stream['wip'], 'change')} in progress."
    )


def _document(stream: Json, query: dict[str, str]) -> Document:
    edges = (stream["window"][edge][:16].replace("T", " ") for edge in ("from", "to"))
    title = f"Value stream map to {query['environment']}: {' to '.join(edges)} UTC"
    bottleneck = [f"Bottleneck: {stream['bottleneck']['reason']}"] if stream["bottleneck"] else []
    return Document(
        title, [_whole(stream), *bottleneck], [Table("Stages", _HEADS, _rows(stream))], [_MEANING]
    )


def _mermaid(stream: Json) -> Iterator[str]:
    yield "flowchart LR"
    before: list[str] = []
    for number, step in enumerate(stream["steps"]):
        names = []
        for index, stage in enumerate(step):
            name = f"s{number}_{index}"
            takes = duration(stage["figures"]["process_time"]["p50"])
            yield f'  {name}["{_quoted(stage["name"])}<br>{takes}"]'
            for one in before:
                yield f'  {one} -- "{duration(stage["wait_of_changes_s"])}" --> {name}'
            names.append(name)
        before = names
    most = stream["bottleneck"]
    for number, step in enumerate(stream["steps"]):
        for index, stage in enumerate(step):
            if most and stage["name"] == most["stage"]:
                yield f"  style s{number}_{index} stroke:#b3261e,stroke-width:3px"


def _quoted(name: str) -> str:
    """A name within the quotes of a diagram."""
    return "".join(
        sign if sign.isalnum() or sign in " -_./:" else f"#{ord(sign)};" for sign in printable(name)
    )
