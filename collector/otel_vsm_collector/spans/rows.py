"""Accepted spans → rows of the ledger: attributes become columns, bytes become text, gaps are filled.

Which attribute becomes which column is said by the span's mapping. What a value may look like is settled here
and in `pivot`, once for all mappings and for everything that derives:

- Text beyond LONGEST_NAME is cut, and ends with its hash.
- The first of several attributes with one key counts; the span's wins over its resource's; an empty
  string is no value. Integers and booleans where text is meant become text, since several emitters send
  ids as numbers.
- A time beyond the range of int64 is the end of that range. A missing start or end is taken from the
  other, and what would end before it starts ends when it starts.
- What began before EARLIEST_NS, or took longer than LONGEST_S, is marked: a clock was wrong.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_vsm.artifact import digest_of, package_of
from otel_vsm.identity import normalise_change_id, normalise_repository
from otel_vsm.semconv import EventName, TaskResult
from otel_vsm_collector.spans.accept import AcceptedSpans
from otel_vsm_collector.spans.classify import Classes, Classifier
from otel_vsm_collector.spans.columns import MAPPED, schema
from otel_vsm_collector.spans.decode import Indices, Spans, joined, sized
from otel_vsm_collector.spans.mappings.mapping import Source
from otel_vsm_collector.spans.moments import EARLIEST_NS, Told, rows_of_moments
from otel_vsm_collector.spans.pivot import LONGEST_S, Pivot
from otel_vsm_collector.spans.results import result_of

_INCIDENT_EVENTS = pa.array([str(event) for event in EventName if event.name.startswith("INCIDENT_")])
_ELSEWHERE_EVENTS = pa.array(
    [str(event) for event in EventName if event.name.startswith(("WORK_ITEM_", "SERVICE_"))]
)
_STATUS_ERROR = 2
LONGEST_NAME = 1024
"""Bytes of any text: a name stands on pages, in answers and in every series of a metric."""
_LATEST = np.uint64(2**63 - 1)
_HEX = np.array([int.from_bytes(f"{byte:02x}".encode(), "little") for byte in range(256)], dtype="<u2")

Columns = dict[str, pa.Array]


class Numbered(NamedTuple):
    """Spans with the number in the journal of each payload that they came in."""

    seqs: Sequence[int]
    accepted: AcceptedSpans


class Rows(NamedTuple):
    """Rows for the tables `span` and `span_link`."""

    span: pa.Table
    span_link: pa.Table


def ledger_rows(batches: Sequence[Numbered]) -> Rows:
    """The rows of some batches, at least one, all of them accepted by the same classifier.

    The cost of a call hardly depends on how many spans it gets, so callers gather many first.
    """
    spans = joined([batch.accepted.decoded.spans for batch in batches])
    classes = np.concatenate([batch.accepted.classes for batch in batches])
    rows = np.flatnonzero(classes >= 0).astype(np.int32)
    taken = pa.array(rows)
    seq = np.concatenate([np.array(batch.seqs)[batch.accepted.decoded.payload] for batch in batches])
    started_at, ended_at = _times(spans.start[rows], spans.end[rows])
    mapped = _Mapped(spans, rows, classes[rows], batches[0].accepted.classifier)
    columns = mapped.columns() | {
        "seq": pa.array(seq[rows]),
        "trace_id": _hex(spans.trace_id.take(taken), 16),
        "span_id": _hex(spans.span_id.take(taken), 8),
        "parent_span_id": _hex(spans.parent_span_id.take(taken), 8),
        "name": spans.name.take(taken),
        "started_at": pa.array(started_at),
        "ended_at": pa.array(ended_at),
        "failed": pa.array(spans.status[rows] == _STATUS_ERROR),
        "future": pa.nulls(len(rows), pa.bool_()),
        "impossible": _impossible(started_at, ended_at),
    }
    _normalise(columns)
    table = _table("span", columns)
    if told := mapped.moments():
        table = pa.concat_tables([table, rows_of_moments(columns, told)])
    return Rows(table, _table("span_link", _link_columns(spans, rows, columns)))


class _Mapped:
    """What mappings say of some rows of spans; `mapping` is the index of each row's."""

    def __init__(self, spans: Spans, rows: Indices, mapping: Classes, classifier: Classifier) -> None:
        turns = [(index, np.flatnonzero(mapping == index)) for index in np.unique(mapping)]
        self._mappings = [classifier.mappings[index] for index, _ in turns]
        self._pivots = [Pivot(spans, classifier.keys[index], rows[turn]) for index, turn in turns]
        order = np.argsort(np.concatenate([turn for _, turn in turns])) if len(turns) > 1 else None
        self._order = None if order is None else pa.array(order)

    def columns(self) -> Columns:
        return {
            column.name: self._column(
                [mapping.columns.get(column.name, ()) for mapping in self._mappings], column.type
            )
            for column in MAPPED
        }

    def moments(self) -> list[Told]:
        events = dict.fromkeys(event for mapping in self._mappings for event in mapping.moments)
        return [
            Told(
                event,
                self._column([mapping.moments.get(event, ()) for mapping in self._mappings], pa.string()),
            )
            for event in events
        ]

    def _column(self, sources: Sequence[Sequence[Source]], kind: pa.DataType) -> pa.Array:
        """What the sources of each mapping say."""
        parts = [pivot.column(some, kind) for pivot, some in zip(self._pivots, sources, strict=True)]
        if self._order is None:
            return parts[0] if parts else pa.nulls(0, kind)
        return pa.concat_arrays(parts).take(self._order)


def _normalise(columns: Columns) -> None:
    """Give repository, change, artifact and result the form that deriving may rely on."""
    for name, values in columns.items():
        if values.type == pa.string():
            columns[name] = _shortened(values)
    columns["repository"] = _per_value(columns["repository"], normalise_repository)
    columns["change_id"] = _per_value(columns["change_id"], normalise_change_id)
    columns["retracts"] = pc.utf8_lower(columns["retracts"])
    columns["reverts"] = _per_value(columns["reverts"], _normalised_changes)
    named = _per_value(columns["artifact_hash"], lambda name: digest_of(name) or name)
    columns["artifact_hash"] = pc.coalesce(named, _per_value(columns["artifact_purl"], digest_of))
    columns["artifact_purl"] = _per_value(columns["artifact_purl"], package_of)
    columns["change_id"] = _change_ids(columns)
    result = _per_value(columns["result"], result_of)
    if result.null_count:
        marks = (columns[name] for name in ("stage_name", "stage_type", "deployment_kind", "deployment_id"))
        is_stage = pc.and_(pc.is_null(columns["event_name"]), pc.is_valid(pc.coalesce(*marks)))
        by_status = pc.if_else(columns["failed"], str(TaskResult.FAILURE), str(TaskResult.SUCCESS))
        result = pc.coalesce(result, pc.if_else(is_stage, by_status, None))
    columns["result"] = result


def _shortened(values: pa.Array) -> pa.Array:
    """Names that are too long for one, cut; what differs stays different."""
    if (pc.max(pc.binary_length(values)).as_py() or 0) <= LONGEST_NAME:
        return values

    def short(name: str) -> str:
        written = name.encode()
        if len(written) <= LONGEST_NAME:
            return name
        return written[: LONGEST_NAME - 64].decode(errors="ignore") + sha256(written).hexdigest()

    return _per_value(values, short)


def _change_ids(columns: Columns) -> pa.Array:
    """The change as the span names it, else from its request, else from its revision.

    Events of incidents have none, though their resource may name one: an incident outlives changes. Work
    items are begun before there is a request or a revision, so what a resource says of revisions tells
    where the event was sent from, not whose it is; that of a service that started says what runs.
    """
    change, event, repository = columns["change_id"], columns["event_name"], columns["repository"]
    if change.null_count:
        by_request = pc.binary_join_element_wise(repository, columns["request"], "#")
        by_revision = pc.binary_join_element_wise(repository, pc.ascii_lower(columns["revision"]), "@")
        elsewhere = pc.is_in(event, value_set=_ELSEWHERE_EVENTS)
        change = pc.coalesce(change, by_request, pc.if_else(elsewhere, None, by_revision))
    of_incident = pc.is_in(event, value_set=_INCIDENT_EVENTS)
    if columns["incident_id"].null_count < len(change):
        # Another emitter's incident: a span that names one and is neither a stage nor an event.
        plain = pc.and_(pc.is_null(event), pc.is_null(columns["stage_name"]))
        of_incident = pc.or_(of_incident, pc.and_(plain, pc.is_valid(columns["incident_id"])))
    return pc.if_else(of_incident, None, change)


def _normalised_changes(lines: str) -> str | None:
    """Changes, one a line, each by its one name."""
    return "\n".join(filter(None, map(normalise_change_id, lines.split("\n")))) or None


def _link_columns(spans: Spans, rows: Indices, columns: Columns) -> Columns:
    """Links of the rows' spans to spans that can exist."""
    links = spans.links
    row_of_span = np.full(len(spans), -1, dtype=np.int32)
    row_of_span[rows] = np.arange(len(rows), dtype=np.int32)
    row = row_of_span[links.owner]
    sound = pa.array(np.flatnonzero((row >= 0) & sized(links.trace_id, 16) & sized(links.span_id, 8)))
    row_index = pa.array(row).take(sound)
    return {name: columns[name].take(row_index) for name in ("seq", "trace_id", "span_id")} | {
        "linked_trace_id": _hex(links.trace_id.take(sound), 16),
        "linked_span_id": _hex(links.span_id.take(sound), 8),
        "kind": links.kind.take(sound),
    }


def _table(name: str, columns: Columns) -> pa.Table:
    shape = schema(name)
    return pa.Table.from_arrays([columns[column] for column in shape.names], schema=shape)


def _times(
    start: npt.NDArray[np.uint64], end: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    started = np.minimum(np.where(start == 0, end, start), _LATEST).astype(np.int64)
    return started, np.maximum(np.minimum(end, _LATEST).astype(np.int64), started)


def _impossible(started_at: npt.NDArray[Any], ended_at: npt.NDArray[Any]) -> pa.Array:
    wrong = (started_at < EARLIEST_NS) | (ended_at - started_at > LONGEST_S * 10**9)
    # Null where it is not, as in `future`.
    return pa.array(wrong, mask=~wrong)


def _hex(ids: pa.Array, size: int) -> pa.Array:
    """Ids of `size` bytes as lower-case hexadecimal text; null for ids of another length or all zero."""
    sound = sized(ids, size)
    if sound.all():
        return _hex_of_sound(ids, size)
    index_of_sound = np.cumsum(sound) - 1
    return _hex_of_sound(ids.filter(pa.array(sound)), size).take(pa.array(index_of_sound, mask=~sound))


def _hex_of_sound(ids: pa.Array, size: int) -> pa.Array:
    count = len(ids)
    if not count:
        return pa.array([], pa.string())
    data = np.frombuffer(ids.buffers()[2], dtype=np.uint8, count=count * size)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(2 * size)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(_HEX[data]))


def _per_value(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """`function` of each value, called once per distinct one."""
    if values.null_count == len(values):
        return values
    encoded = values.dictionary_encode()
    results = [function(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(results, pa.string()).take(encoded.indices)
