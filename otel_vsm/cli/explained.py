"""What is behind a figure, as a report shows it."""

from collections.abc import Iterator, Sequence
from typing import Any

from otel_vsm.cli import figures, flowing
from otel_vsm.cli.lines import Row, fitting, paragraph, shortened
from otel_vsm.human import UNKNOWN, count, duration

Answer = dict[str, Any]
NAMES = figures.NAMES | flowing.NAMES
PARTS = {
    "change_fail_rate": "failed",
    "deployment_rework_rate": "rework",
    "rework": "rework_runs",
    "rollback": "rollbacks",
}
"""The shares of which only what is above the line is shown, and what the answer calls it."""
SHOWN = 20
_METHOD = 24


def explanation(shown: Answer, left_out: Answer, statistic: str) -> Iterator[str]:
    """The rows of a figure: those that it shows, of a share above the line, and those that do not count."""
    figure, told = shown["figure"], shown["value"]
    if figure in flowing.NAMES:
        value, behind = flowing.value(told, figure, statistic), count(shown["counted"]["rows"], "row")
    else:
        one = {figure: told}
        value, behind = figures.value(one, figure, statistic), figures.of(one, figure)
    yield f"{NAMES[figure]}, by the profile {shown['profile']}: {value}"
    yield f"Behind it: {behind}"
    if shown["settings"]:
        settings = "; ".join(f"{name} {_written(one)}" for name, one in shown["settings"].items())
        yield from paragraph(f"By these settings: {settings}")
    yield ""
    is_share = figure in PARTS
    part = told[PARTS[figure]] if is_share else shown["counted"]["rows"]
    yield from _rows("ABOVE THE LINE" if is_share else "COUNTED", shown["items"], part)
    yield ""
    yield from _rows("LEFT OUT", left_out["items"], left_out["left_out"]["rows"])
    if reasons := shown["reasons"]:
        yield ""
        for reason, sentence in reasons.items():
            number = sum(shown[one]["by_reason"].get(reason, 0) for one in ("counted", "left_out"))
            yield from paragraph(f"{reason} ({number}): {sentence}")


def _rows(head: str, rows: Sequence[Answer], number: int) -> Iterator[str]:
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
    yield from fitting(heads, cells)
    if number > len(rows):
        yield f"… and {number - len(rows)} more, at /api/v1/explain"


def _row(row: Answer) -> Row:
    told = row[row["kind"]]
    value = "" if row["value"] is None else duration(row["value"])
    return row["id"], row["at"][:10], value, shortened(_method(row), _METHOD), told["trace_id"] or UNKNOWN


def _method(row: Answer) -> str:
    mapping = row["change"]["mapping"] if row["change"] else None
    event = (row["method"] or "").removeprefix("change.").removeprefix("approval.")
    found = (event, mapping) if row["reason"] is None else (row["reason"],)
    return ", ".join(name for name in (*found, row["stage"]) if name) or UNKNOWN


def _written(setting: Any) -> str:
    if isinstance(setting, list):
        return ", ".join(map(str, setting))
    return "any" if setting is None else f"{setting:g}" if isinstance(setting, float) else str(setting)


def because(comparison: Answer) -> list[str]:
    """The settings that make two profiles differ about a figure, each with how many rows it changes."""
    found = [
        f"{setting['name']} ({_written(setting['profile'])} / {_written(setting['with'])})"
        + ("" if setting["rows"] is None else f": {count(setting['rows'], 'row')}")
        for setting in comparison["settings"]
        if setting["rows"] != 0
    ]
    if comparison["several_together"]:
        found.append(f"several together: {count(comparison['several_together'], 'row')}")
    return found
