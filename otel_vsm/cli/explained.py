"""What is behind a figure, as a report shows it."""

from collections.abc import Iterator, Sequence
from typing import Any

from otel_vsm.cli.asking import Json
from otel_vsm.cli.figures import counted
from otel_vsm.cli.lines import Row, fitting, paragraph, printable, shortened
from otel_vsm.figures import FIGURES
from otel_vsm.human import UNKNOWN, count, duration, starts, value

SHOWN = 20
_METHOD = 24
_REVISION = 8


def explanation(shown: Json, left_out: Json, statistic: str) -> Iterator[str]:
    """The rows of a figure: those that it shows, of a loss what went wrong, and those that do not count."""
    figure, content = FIGURES[shown["figure"]], shown["value"]
    yield f"{figure.title}, by the profile {shown['profile']}: {value(figure, content, statistic)}"
    is_dora = figure.group == "dora"
    whole = counted(figure, content) if is_dora else count(shown["counted"]["rows"], "row")
    begun = starts(content)
    yield f"Behind it: {whole}" + ("" if begun == starts({}) else f", counted from {begun}")
    if shown["settings"]:
        settings = "; ".join(f"{name} {_written(one)}" for name, one in shown["settings"].items())
        yield from paragraph(f"By these settings: {settings}")
    yield ""
    number = content[figure.part] if figure.is_loss else shown["counted"]["rows"]
    yield from _rows("ABOVE THE LINE" if figure.is_loss else "COUNTED", shown["items"], number)
    yield ""
    yield from _rows("LEFT OUT", left_out["items"], left_out["left_out"]["rows"])
    if spans := list(_spans_left_out(shown["spans_left_out"])):
        yield ""
        yield from spans
    if reasons := shown["reasons"]:
        yield ""
        for reason, sentence in reasons.items():
            number = sum(shown[one]["by_reason"].get(reason, 0) for one in ("counted", "left_out"))
            yield from paragraph(f"{reason} ({number}): {sentence}")


def _spans_left_out(left_out: Json) -> Iterator[str]:
    if left_out["retracted"]:
        last = left_out["latest"][0]
        by = ", ".join(filter(None, (last["by_team"], last["by_actor_type"]))) or UNKNOWN
        yield f"Left out before: {count(left_out['retracted'], 'span')} taken back, the last one by {by}"
    if left_out["future"]:
        yield f"Left out before: {count(left_out['future'], 'span')} of a time to come"
    if impossible := left_out.get("impossible"):  # an earlier collector does not say
        yield f"Left out before: {count(impossible, 'span')} of impossible times"


def _rows(head: str, rows: Sequence[Json], number: int) -> Iterator[str]:
    if not rows:
        yield f"{head}: none"
        return
    heads: Row = (f"{head} ({number})", "ON", "VALUE", "METHOD", "TRACE")
    cells = [_row(row) for row in rows]
    if not any(cell for _, _, cell, *_ in cells):
        # Neither a number nor what is left out has a value; a share has none either.
        heads, cells = (heads[:2] + heads[3:]), [row[:2] + row[3:] for row in cells]
    if head == "LEFT OUT":
        heads = tuple("REASON" if name == "METHOD" else name for name in heads)
    head_line, *lines = fitting(heads, cells)
    yield head_line
    for line, row in zip(lines, rows, strict=True):
        yield line
        if of := _delivered(row):
            yield f"  {printable(of)}"
    if number > len(rows):
        yield f"… and {number - len(rows)} more, at /api/v1/explain"


def _row(row: Json) -> Row:
    seconds = "" if row["value"] is None else duration(row["value"])
    trace_id = row[row["kind"]]["trace_id"] or UNKNOWN
    return row["id"], row["at"][:10], seconds, shortened(_method(row), _METHOD), trace_id


def _delivered(row: Json) -> str:
    """The service and the version that a row is about."""
    about: Json = next(filter(None, map(row.get, ("deployment", "run", "execution", "incident"))), {})
    version = about.get("version") or (about.get("revision") or "")[:_REVISION]
    return " ".join(shortened(part, _METHOD) for part in (about.get("service"), version) if part)


def _method(row: Json) -> str:
    mapping = row["change"]["mapping"] if row["change"] else None
    again = _again(row["deployment"]) if row["kind"] == "deployment" else None
    event = (row["method"] or "").removeprefix("change.").removeprefix("approval.")
    names = (event, mapping) if row["reason"] is None else (row["reason"],)
    return ", ".join(name for name in (*names, row["stage"], again, *_execution(row)) if name) or UNKNOWN


def _execution(row: Json) -> Iterator[str]:
    """What makes several runs of a stage one execution."""
    if execution := row["execution"]:
        if execution["legs"] > 1:
            yield count(execution["legs"], "leg")
        if execution["pipeline_run"]:
            attempt = f".{execution['attempt']}" if execution["attempt"] else ""
            yield f"in {execution['pipeline_run']}{attempt}"


def _again(deployment: Json) -> str | None:
    """Which of the attempts at a deployment counts, where there were several."""
    if not deployment["replaced_runs"]:
        return None
    return f"attempt {deployment['attempt']}" if deployment["attempt"] else "run again"


def _written(setting: Any) -> str:
    if isinstance(setting, list):
        return ", ".join(map(str, setting))
    return "any" if setting is None else f"{setting:g}" if isinstance(setting, float) else str(setting)


def because(comparison: Json) -> list[str]:
    """The settings that make two profiles differ about a figure, each with how many rows it changes."""
    reasons = [
        f"{setting['name']} ({_written(setting['profile'])} / {_written(setting['with'])})"
        + ("" if setting["rows"] is None else f": {count(setting['rows'], 'row')}")
        for setting in comparison["settings"]
        if setting["rows"] != 0
    ]
    if comparison["several_together"]:
        reasons.append(f"several together: {count(comparison['several_together'], 'row')}")
    return reasons
