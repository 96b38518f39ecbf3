"""One change in a report: how far it is, what it waited for, where it stands."""

from collections.abc import Iterator
from datetime import UTC, datetime

from otel_vsm.cli.asking import Json
from otel_vsm.cli.documents import Document, Table
from otel_vsm.cli.lines import Row, paragraph, table
from otel_vsm.human import UNKNOWN, duration
from otel_vsm.semconv import EventName, TaskResult

_STARTS = {
    EventName.CHANGE_FIRST_COMMIT: "its first commit",
    EventName.CHANGE_OPENED: "it was opened",
    EventName.CHANGE_MERGED: "it was merged",
}
_STAGES: Row = ("STAGE", "RESULT", "TOOK", "WAITED BEFORE", "TEAM")


def document(timeline: Json, now: datetime | None = None) -> Document:
    """What /api/v1/timeline answers, as a document; `now` is when it is read."""
    change, runs = timeline["change"], timeline["runs"]
    legs: Row = tuple(leg.removesuffix("_s").replace("_", " ").upper() for leg in change["legs"])
    tables = [
        Table("Lead time", legs, [tuple(map(duration, change["legs"].values()))]),
        Table("Stages", _STAGES, [_run(run) for run in runs]),
    ]
    return Document(
        f"Change {change['id']}",
        list(_sentences(timeline, now or datetime.now(UTC))),
        [one for one in tables if one.rows],
    )


def lines(document: Document) -> Iterator[str]:
    """The document for a terminal."""
    yield from paragraph(document.title)
    for sentence in document.sentences:
        yield from paragraph(sentence)
    for one in document.tables:
        yield ""
        yield from table(one.heads, one.rows)


def _sentences(timeline: Json, now: datetime) -> Iterator[str]:
    change, runs = timeline["change"], timeline["runs"]
    events = change["events"]
    if change["lead_time_s"] is not None:
        yield f"Delivered to production; its lead time is {duration(change['lead_time_s'])}."
    elif change["excluded"]:
        yield f"Delivered to production, without a lead time: {change['excluded'].replace('_', ' ')}."
    elif EventName.CHANGE_ABANDONED in events:
        yield "Given up."
    else:
        begun = next(((events[event], words) for event, words in _STARTS.items() if event in events), None)
        since = f"; so far it took {_since(begun[0], now)} since {begun[1]}" if begun else ""
        yield f"Not delivered to production yet{since}."
    for approval in timeline["approvals"]:
        if approval["answered_at"] is None and approval["requested_at"] is not None:
            gate = f" at {approval['gate']}" if approval["gate"] else ""
            yield f"It waits for an approval{gate}, for {_since(approval['requested_at'], now)} now."
    if runs:
        last = max(runs, key=lambda run: str(run["ended_at"]))
        yield f"Its last stage was {last['stage_name']}: {last['result'] or UNKNOWN}."
        longest = max(runs, key=lambda run: run["wait_s"] or 0)
        if longest["wait_s"]:
            yield f"It waited longest before {longest['stage_name']}: {duration(longest['wait_s'])}."
    for incident in timeline["incidents"]:
        is_over = "resolved" if incident["resolved_at"] else "still active"
        yield f"{incident['id']} came of its deployment, {is_over}."


def _run(run: Json) -> Row:
    took = (_moment(run["ended_at"]) - _moment(run["started_at"])).total_seconds()
    result = run["result"] or UNKNOWN
    name = run["stage_name"] + (f" ({run['leg']})" if run["leg"] else "")
    is_bad = result not in (TaskResult.SUCCESS, TaskResult.SKIP)
    return (
        name,
        result.upper() if is_bad else result,
        duration(took),
        duration(run["wait_s"]),
        run["team"] or "–",
    )


def _since(moment: str, now: datetime) -> str:
    return duration(max(0.0, (now - _moment(moment)).total_seconds()))


def _moment(text: str) -> datetime:
    # Python reads no more than six digits after the second.
    return datetime.fromisoformat(f"{text[:19]}+00:00")
