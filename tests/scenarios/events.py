"""Events → spans, as the ledger has them: rows of `span`, each with its rows of `span_link`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from otel_vsm.identity import change_root, event_span_id, incident_root, work_item_root
from otel_vsm_collector.spans import columns
from scenarios.keys import refuse_unknown
from scenarios.names import REPOSITORY, change_id
from scenarios.offsets import moment_ns, offset_ns
from scenarios.otlp import WORD, otlp_spans

Event = dict[str, Any]
Row = dict[str, Any]
Span = tuple[Row, list[Row]]

_HOUR_NS = 3600 * 10**9
_YEAR_2000_NS = 946_684_800 * 10**9
_FIVE_YEARS_NS = 5 * 365 * 24 * _HOUR_NS
_EVERY = {"at", "for", "links", "ancestors", "arrived"}
_RENAMED = {
    "kind": "deployment_kind",
    "deployment": "deployment_id",
    "incident": "incident_id",
    "work_item": "work_item_id",
    "deploy": "deployment_id",
    "stage": "stage_name",
    "event": "event_name",
    "change": "change_id",
    "trace": "trace_id",
}
"""Words for columns. Where an event has the word, it has the column from it."""
_COLUMNS = {column.name for column in columns.SPAN} - {
    # Follow from the words that every event has, or from what it is.
    *("future", "impossible", "retracts"),
    *("seq", "name", "started_at", "ended_at", "trace_id", "change_id", "event_name", "deployment_kind"),
}


@dataclass(frozen=True)
class _Kind:
    name: str
    words: frozenset[str]
    """Those of its own, beside the names of columns."""
    row: Callable[[int, Event], Row]
    """What follows from them, for the event of this number; takes them out of the event."""

    @property
    def keys(self) -> set[str]:
        return _EVERY | self.words | _COLUMNS - {_RENAMED[word] for word in self.words if word in _RENAMED}


def spans(events: Iterable[Event]) -> list[Span]:
    """The spans of these events, in their order. Raises ValueError where one says what means nothing."""
    events = list(events)
    beside = [span for number, span in otlp_spans(events).items() if number < 0]
    return [*(span for span in spans_of_each(events) if span is not None), *beside]


def spans_of_each(events: Sequence[Event]) -> list[Span | None]:
    """The span of each of these events; None where it is an OTLP span that the collector does not keep."""
    otlp = otlp_spans(events)
    so_far: list[Span] = []
    each: list[Span | None] = []
    for number, event in enumerate(events):
        if "retract" in event:
            event = event | {"retract": each[event["retract"] - 1]}
        span = otlp.get(number) if WORD in event else _span(number, dict(event), so_far)
        so_far += [span] if span is not None else []
        each.append(span)
    return each


def _span(number: int, event: Event, so_far: Sequence[Span]) -> Span:
    kind = _kind(event)
    refuse_unknown(event, kind.keys, f"event {number + 1}: {kind.name}")
    at = moment_ns(event.pop("at"))
    row: Row = {"started_at": at - offset_ns(event.pop("for", "0s")), "ended_at": at, "failed": False}
    links: list[tuple[str, str | None]] = [(link, None) for link in event.pop("links", [])]
    links += [(link, "ancestor") for link in event.pop("ancestors", [])]
    arrived = event.pop("arrived", None)
    if arrived is not None and moment_ns(arrived) + _HOUR_NS < at:
        row["future"] = True
    if row["started_at"] < _YEAR_2000_NS or row["ended_at"] - row["started_at"] > _FIVE_YEARS_NS:
        row["impossible"] = True
    row |= kind.row(number, event)
    row |= {_RENAMED.get(key, key): value for key, value in event.items()}
    row["name"] = row.get("event_name") or row.get("stage_name")
    deployments = {
        earlier["deployment_id"]: (earlier["trace_id"], earlier["span_id"])
        for earlier, _ in so_far
        if earlier.get("stage_type") == "deploy" and "deployment_id" in earlier
    }
    linked = [
        {
            "trace_id": row["trace_id"],
            "span_id": row["span_id"],
            "linked_trace_id": trace_id,
            "linked_span_id": span_id,
            "kind": kind,
        }
        for link, kind in links
        for trace_id, span_id in (deployments.get(link) or change_root(change_id(link)),)
    ]
    return row, linked


def _retraction(number: int, event: Event) -> Row:
    """Of the span of an earlier event, by the number of that, from 1."""
    retracted, _ = event.pop("retract")
    named = {"trace_id": retracted["trace_id"], "retracts": retracted["span_id"]}
    return named | {"span_id": f"ffff{number:012x}", "event_name": "event.retracted"}


def _of_an_incident(_: int, event: Event) -> Row:
    incident, name = event.pop("incident"), f"incident.{event.pop('event')}"
    return {
        "incident_id": incident,
        "event_name": name,
        "trace_id": incident_root(incident).trace_id,
        "span_id": event_span_id(incident, name, revision=event.get("revision")),
    }


def _of_a_work_item(_: int, event: Event) -> Row:
    item, name = event.pop("work_item"), f"work_item.{event.pop('event')}"
    return {
        "work_item_id": item,
        "event_name": name,
        "trace_id": work_item_root(item).trace_id,
        "span_id": event_span_id(item, name, revision=event.get("revision")),
    }


def _of_a_change(number: int, event: Event) -> Row:
    """What all that happens to changes has in common."""
    row: Row = {}
    change, trace = event.pop("change", None), event.pop("trace", None)
    if change is not None:
        row["change_id"] = change_id(change)
    row["trace_id"] = trace or (
        change_root(row["change_id"]).trace_id if change is not None else f"{number:032x}"
    )
    row["repository"] = event.pop("repository", REPOSITORY)
    row["span_id"] = event.pop("span", f"{number + 1:016x}")
    return row


def _event(number: int, event: Event) -> Row:
    name, change = event.pop("event"), event.get("change")
    span_id = event_span_id(str(change), name, event.get("gate", ""), event.get("revision"))
    return _of_a_change(number, event) | {"event_name": name, "span_id": span_id}


def _deployment(number: int, event: Event) -> Row:
    deployed = {"stage_name": "deploy", "stage_type": "deploy", "result": "success"}
    where = {"service": "shop", "environment": "production"}
    return _of_a_change(number, event) | {"deployment_id": event.pop("deploy")} | deployed | where


def _run(number: int, event: Event) -> Row:
    name = event.pop("stage")
    return _of_a_change(number, event) | {"stage_name": name, "stage_type": name, "result": "success"}


_OF_A_CHANGE = {"change", "trace", "repository"}
_KINDS = {
    "retract": _Kind("a retraction", frozenset({"retract"}), _retraction),
    "incident": _Kind(
        "an event of an incident", frozenset({"incident", "event", "deployment"}), _of_an_incident
    ),
    "work_item": _Kind("an event of a work item", frozenset({"work_item", "event"}), _of_a_work_item),
    "event": _Kind("an event", frozenset({"event", *_OF_A_CHANGE}), _event),
    "deploy": _Kind("a deployment", frozenset({"deploy", "kind", "span", *_OF_A_CHANGE}), _deployment),
    "stage": _Kind("a run of a stage", frozenset({"stage", "span", *_OF_A_CHANGE}), _run),
}
"""By the word that gives them away; the first that is there."""


def _kind(event: Event) -> _Kind:
    for word, kind in _KINDS.items():
        if word in event:
            return kind
    raise ValueError(f"{event} is about nothing; say one of {', '.join((*_KINDS, WORD))}")
