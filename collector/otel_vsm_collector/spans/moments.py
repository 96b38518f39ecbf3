"""Times that spans tell as attributes → rows of events, as if the wrappers had sent them.

A pipeline's span that says when its commit was made tells the start of the commit's change. Many spans tell
it, and so may a wrapper: the same statement has the same ids, whoever makes it, so that it is one event.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm.identity import change_root, event_span_id
from otel_vsm.semconv import EventName
from otel_vsm_collector.spans.columns import schema

_GITLABS = "%Y-%m-%d %H:%M:%S UTC"
_SECOND = 1_000_000_000
EARLIEST_NS = 946_684_800 * _SECOND
"""2000-01-01. What says that it began before did not begin then."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2262, 1, 1, tzinfo=UTC)
"""Nanoseconds since the epoch end in that year, in 64 bits."""
_BELONGING = ("seq", "change_id", "repository", "revision", "ref_name", "team", "value_stream")
"""What an event has of the span that tells it."""


class Told(NamedTuple):
    """When spans say that an event happened."""

    event: EventName
    at: pa.Array
    """Text for each row of the spans, null where it says nothing."""


def rows_of_moments(columns: Mapping[str, pa.Array], told: Sequence[Told]) -> pa.Table:
    """Rows of the table `span`, from the columns of the spans' own rows.

    Of a request nothing is told: it is the time of one commit of several, and no start of it.
    """
    rows = []
    for event, texts in told:
        sound = (pc.is_valid(texts), pc.is_valid(columns["change_id"]), pc.is_null(columns["request"]))
        spans = pa.table({"at": texts, **{name: columns[name] for name in _BELONGING}})
        spans = spans.filter(pc.and_(pc.and_(*sound[:2]), sound[2]))
        # Each of a pipeline's spans tells the same.
        for row in spans.group_by(spans.column_names).aggregate([]).to_pylist():
            at = _nanoseconds(row.pop("at"))
            if at is not None:
                rows.append(row | _event(event, row["change_id"], row["revision"], at))
    return pa.Table.from_pylist(rows, schema=schema("span"))


def _event(event: EventName, change: str, revision: str | None, at: int) -> dict[str, str | int | None]:
    root = change_root(change)
    return {
        "trace_id": root.trace_id,
        "span_id": event_span_id(change, event, revision=revision),
        "parent_span_id": root.span_id,
        "name": str(event),
        "event_name": str(event),
        "started_at": at,
        "ended_at": at,
        "failed": False,
        "impossible": True if at < EARLIEST_NS else None,
        "backfilled": True,
    }


def _nanoseconds(text: str) -> int | None:
    """Since the epoch; None where it is no time, says no time zone, or is beyond what can be kept."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.strptime(text, _GITLABS).replace(tzinfo=UTC)
        except ValueError:
            return None
    return (
        None
        if at.tzinfo is None or not _EPOCH <= at < _LATEST
        else int(at.timestamp()) * _SECOND + at.microsecond * 1000
    )
